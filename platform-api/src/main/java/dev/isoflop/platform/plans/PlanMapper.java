package dev.isoflop.platform.plans;

import dev.isoflop.protocol.api.PlanViews;
import dev.isoflop.protocol.api.SweepSpec;
import dev.isoflop.protocol.job.Precision;
import dev.isoflop.scaling.flops.ParameterCount;
import dev.isoflop.scaling.flops.TransformerShape;
import dev.isoflop.scaling.plan.DroppedCell;
import dev.isoflop.scaling.plan.PlannedCell;
import dev.isoflop.scaling.plan.SweepPlan;
import dev.isoflop.scaling.question.PlanAnswer;
import dev.isoflop.scaling.question.PlanQuestion;
import java.util.List;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/** A plan as it is served, and as a sweep. */
final class PlanMapper {

    private PlanMapper() {}

    static PlanViews.PlannedSweep view(
            PlanQuestion question, PlanAnswer answer, PlanController.@Nullable Naming naming) {
        boolean timed = answer.isTimed();
        List<PlannedCell> cells = answer.plan().cells();
        return new PlanViews.PlannedSweep(
                question.what().name(),
                precision(answer),
                answer.target(),
                cells.isEmpty() ? null : answer.sd(),
                cells.stream().map(cell -> cell(answer, cell)).toList(),
                answer.plan().dropped().stream().map(PlanMapper::dropped).toList(),
                answer.plan().plannedFlops(),
                answer.plan().exactFlops(),
                answer.plan().tokens(),
                timed ? answer.flopsPerSecond() : null,
                answer.devices(),
                timed ? answer.deviceSeconds() : null,
                timed ? answer.wallSeconds() : null,
                timed ? orNull(answer.cost(answer.deviceSeconds())) : null,
                naming == null || cells.isEmpty() ? null : sweep(question, answer, naming));
    }

    private static Precision precision(PlanAnswer answer) {
        return switch (answer.precision()) {
            case FP32 -> Precision.FP32;
            case BF16 -> Precision.BF16;
        };
    }

    private static PlanViews.SweepCell cell(PlanAnswer answer, PlannedCell cell) {
        return answer.isTimed()
                ? cell(cell, answer.seconds(cell), orNull(answer.cost(answer.seconds(cell))))
                : cell(cell, null, null);
    }

    static PlanViews.SweepCell cell(PlannedCell cell, @Nullable Double seconds, @Nullable Double cost) {
        return new PlanViews.SweepCell(
                cell.budget(),
                cell.shape().name(),
                cell.shape().dModel(),
                cell.shape().layers(),
                cell.N(),
                cell.D(),
                cell.steps(),
                cell.batchSequences(),
                cell.learningRate(),
                cell.plannedFlops(),
                cell.exactFlops(),
                cell.memory().total(),
                seconds,
                cost);
    }

    static PlanViews.LeftOutCell dropped(DroppedCell cell) {
        long n = ParameterCount.of(cell.shape()).total();
        return new PlanViews.LeftOutCell(
                cell.budget(),
                cell.shape().name(),
                cell.shape().dModel(),
                n,
                cell.budget() / 6 / n,
                cell.reason().name(),
                cell.sentence());
    }

    private static SweepSpec.IsoFlop sweep(PlanQuestion question, PlanAnswer answer, PlanController.Naming naming) {
        SweepPlan plan = answer.plan();
        TransformerShape any = plan.cells().getFirst().shape();
        return new SweepSpec.IsoFlop(
                naming.name(),
                naming.experiment() == null ? SweepSpec.IsoFlop.DEFAULT_EXPERIMENT : naming.experiment(),
                new SweepSpec.DatasetSpec(naming.corpus(), any.vocabSize(), null),
                any.contextLength(),
                plan.models().values().stream()
                        .map(s -> new SweepSpec.ModelEntry(
                                s.name(), s.dModel(), s.layers(), s.heads(), null, null, null, null))
                        .toList(),
                plan.byBudget().entrySet().stream()
                        .map(entry -> new SweepSpec.BudgetEntry(
                                entry.getKey(),
                                entry.getValue().getFirst().batchSequences(),
                                entry.getValue().stream()
                                        .map(cell -> cell.shape().name())
                                        .toList(),
                                null))
                        .toList(),
                null,
                SweepSpec.TrainingEntry.in(precision(answer)),
                null,
                null,
                null,
                question.epochs(),
                null,
                null,
                null,
                null);
    }

    private static @Nullable Double orNull(OptionalDouble value) {
        return value.isPresent() ? value.getAsDouble() : null;
    }
}
