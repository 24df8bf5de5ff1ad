package dev.isoflop.platform.plans;

import dev.isoflop.protocol.api.PlanViews;
import dev.isoflop.protocol.api.SweepSpec;
import dev.isoflop.scaling.flops.ParameterCount;
import dev.isoflop.scaling.flops.TransformerShape;
import dev.isoflop.scaling.plan.DroppedCell;
import dev.isoflop.scaling.plan.PlannedCell;
import dev.isoflop.scaling.question.PlanAnswer;
import dev.isoflop.scaling.question.PlanQuestion;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** A plan as it is served, and as a sweep. */
final class PlanMapper {

    private PlanMapper() {}

    static PlanViews.PlannedSweep view(
            PlanQuestion question, PlanAnswer answer, PlanController.@Nullable Naming naming) {
        boolean timed = answer.isTimed();
        List<PlannedCell> cells = answer.plan().cells();
        return new PlanViews.PlannedSweep(
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
                naming == null || cells.isEmpty() ? null : sweep(question, cells, naming));
    }

    private static PlanViews.SweepCell cell(PlanAnswer answer, PlannedCell cell) {
        return new PlanViews.SweepCell(
                cell.budget(),
                name(cell.shape()),
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
                answer.isTimed() ? answer.seconds(cell) : null,
                answer.isTimed() ? orNull(answer.cost(answer.seconds(cell))) : null);
    }

    private static PlanViews.LeftOutCell dropped(DroppedCell cell) {
        long n = ParameterCount.of(cell.shape()).total();
        return new PlanViews.LeftOutCell(
                cell.budget(),
                name(cell.shape()),
                cell.shape().dModel(),
                n,
                cell.budget() / 6 / n,
                cell.reason().name(),
                cell.sentence());
    }

    private static SweepSpec.IsoFlop sweep(
            PlanQuestion question, List<PlannedCell> cells, PlanController.Naming naming) {
        Map<Integer, SweepSpec.ModelEntry> models = new TreeMap<>();
        Map<Double, List<PlannedCell>> budgets = new LinkedHashMap<>();
        for (PlannedCell cell : cells) {
            TransformerShape s = cell.shape();
            models.put(
                    s.dModel(),
                    new SweepSpec.ModelEntry(name(s), s.dModel(), s.layers(), s.heads(), null, null, null, null));
            budgets.computeIfAbsent(cell.budget(), b -> new ArrayList<>()).add(cell);
        }
        return new SweepSpec.IsoFlop(
                naming.name(),
                naming.experiment() == null ? SweepSpec.IsoFlop.DEFAULT_EXPERIMENT : naming.experiment(),
                new SweepSpec.DatasetSpec(
                        naming.corpus(),
                        question.vocabSize() == null ? PlanQuestion.DEFAULT_VOCAB : question.vocabSize(),
                        null),
                question.contextLength() == null ? PlanQuestion.DEFAULT_CONTEXT : question.contextLength(),
                List.copyOf(models.values()),
                budgets.entrySet().stream()
                        .map(entry -> new SweepSpec.BudgetEntry(
                                entry.getKey(),
                                entry.getValue().getFirst().batchSequences(),
                                entry.getValue().stream()
                                        .map(cell -> name(cell.shape()))
                                        .toList(),
                                null))
                        .toList(),
                null,
                null,
                null,
                null,
                null,
                question.maxEpochs() == null ? PlanQuestion.DEFAULT_MAX_EPOCHS : question.maxEpochs(),
                null,
                null,
                null,
                null);
    }

    private static String name(TransformerShape shape) {
        return "d" + shape.dModel();
    }

    private static @Nullable Double orNull(OptionalDouble value) {
        return value.isPresent() ? value.getAsDouble() : null;
    }
}
