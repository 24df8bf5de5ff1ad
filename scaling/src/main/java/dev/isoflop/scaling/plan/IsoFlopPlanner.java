package dev.isoflop.scaling.plan;

import dev.isoflop.scaling.flops.AttentionConvention;
import dev.isoflop.scaling.flops.FlopCount;
import dev.isoflop.scaling.flops.ParameterCount;
import dev.isoflop.scaling.flops.TrainingMemory;
import dev.isoflop.scaling.flops.TransformerShape;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Turns a {@link PlanRequest} into runs. Each budget is spent by D = C / 6N, rounded down to whole steps. */
public final class IsoFlopPlanner {

    private IsoFlopPlanner() {}

    /**
     * @throws IllegalArgumentException for replicates at a cell the request does not have
     */
    public static SweepPlan plan(PlanRequest request) {
        for (Replicates extra : request.replicates()) {
            boolean known = request.budgets().stream()
                    .anyMatch(b -> b.flops() == extra.flops()
                            && b.shapes().stream().anyMatch(s -> s.dModel() == extra.dModel()));
            if (!known) {
                throw new IllegalArgumentException(String.format(
                        Locale.ROOT,
                        "replicates name width %d at %.3g FLOPs, which is no cell of the sweep",
                        extra.dModel(),
                        extra.flops()));
            }
        }
        List<PlannedCell> cells = new ArrayList<>();
        List<DroppedCell> dropped = new ArrayList<>();
        for (Asked asked : inOrder(request)) {
            PlannedCell first =
                    cell(request, asked.budget, asked.shape, request.seeds().getFirst());
            DroppedCell drop = judge(first, request.limits());
            if (drop != null) {
                dropped.add(drop);
                continue;
            }
            for (long seed : seeds(request, asked.budget, asked.shape)) {
                cells.add(cell(request, asked.budget, asked.shape, seed));
            }
        }
        return new SweepPlan(request.convention(), cells, dropped);
    }

    private record Asked(BudgetPlan budget, TransformerShape shape, long parameters) {}

    /** Recipes of one model stand together: runs of one shape are what a GPU trains side by side. */
    private static List<Asked> inOrder(PlanRequest request) {
        return request.budgets().stream()
                .flatMap(budget -> budget.shapes().stream()
                        .map(shape -> new Asked(
                                budget, shape, ParameterCount.of(shape).total())))
                .sorted(Comparator.comparingDouble((Asked asked) -> asked.budget.flops())
                        .thenComparingLong(Asked::parameters))
                .toList();
    }

    private static Set<Long> seeds(PlanRequest request, BudgetPlan budget, TransformerShape shape) {
        Set<Long> seeds = new LinkedHashSet<>(request.seeds());
        for (Replicates extra : request.replicates()) {
            if (extra.flops() == budget.flops() && extra.dModel() == shape.dModel()) {
                seeds.addAll(extra.seeds());
            }
        }
        return seeds;
    }

    private static PlannedCell cell(PlanRequest request, BudgetPlan budget, TransformerShape shape, long seed) {
        ParameterCount parameters = ParameterCount.of(shape);
        long n = parameters.count(request.convention());
        Double rate = budget.learningRate();
        int context = shape.contextLength();
        long perStep = (long) budget.batchSequences() * context;
        long steps = (long) Math.floor(budget.flops() / (6.0 * n) / perStep);
        long d = steps * perStep;
        return new PlannedCell(
                budget.flops(),
                shape,
                parameters,
                n,
                d,
                steps,
                budget.batchSequences(),
                FlopCount.sixNd(n, d),
                FlopCount.of(shape, context, AttentionConvention.CAUSAL).trainPerToken() * d,
                request.corpusTokens() > 0 ? (double) d / request.corpusTokens() : 0,
                rate == null ? request.learningRate().rate(parameters.total()) : rate,
                seed,
                TrainingMemory.estimate(shape, budget.batchSequences(), context, request.precision()));
    }

    private static @Nullable DroppedCell judge(PlannedCell cell, PlanLimits limits) {
        double perParameter = cell.tokensPerParameter();
        if (cell.steps() < limits.minSteps()) {
            return drop(
                    cell,
                    DropReason.TOO_FEW_STEPS,
                    "%.0f steps; at least %.0f needed",
                    cell.steps(),
                    limits.minSteps());
        }
        if (perParameter < limits.minTokensPerParameter()) {
            return drop(
                    cell,
                    DropReason.TOO_FEW_TOKENS_PER_PARAMETER,
                    "%.3g tokens a parameter; at least %.3g needed",
                    perParameter,
                    limits.minTokensPerParameter());
        }
        if (perParameter > limits.maxTokensPerParameter()) {
            return drop(
                    cell,
                    DropReason.TOO_MANY_TOKENS_PER_PARAMETER,
                    "%.3g tokens a parameter; at most %.3g allowed",
                    perParameter,
                    limits.maxTokensPerParameter());
        }
        if (cell.epochs() > limits.maxEpochs()) {
            return drop(
                    cell,
                    DropReason.TOO_MANY_EPOCHS,
                    "%.3g passes over the corpus; at most %.3g allowed",
                    cell.epochs(),
                    limits.maxEpochs());
        }
        if (cell.memory().total() > limits.memoryBytes()) {
            return drop(
                    cell,
                    DropReason.DOES_NOT_FIT_MEMORY,
                    "about %.0f bytes in training; %.0f allowed",
                    cell.memory().total(),
                    limits.memoryBytes());
        }
        return null;
    }

    private static DroppedCell drop(PlannedCell cell, DropReason reason, String what, double actual, double limit) {
        String sentence = String.format(
                Locale.ROOT,
                "Width %d at %.3g FLOPs: " + what + ".",
                cell.shape().dModel(),
                cell.budget(),
                actual,
                limit);
        return new DroppedCell(
                cell.budget(),
                cell.shape(),
                cell.batchSequences(),
                cell.learningRate(),
                reason,
                sentence,
                actual,
                limit);
    }
}
