package dev.isoflop.scaling.plan;

import dev.isoflop.scaling.flops.ParameterConvention;
import dev.isoflop.scaling.flops.Precision;
import java.util.List;

/**
 * A sweep as asked for.
 *
 * @param budgets budgets with their models
 * @param convention which N the budget 6ND is spent by
 * @param learningRate peak rate by size
 * @param seeds seeds every cell runs with
 * @param replicates further seeds at single cells
 * @param corpusTokens training tokens there are, for epochs; 0 when the supply has no end
 * @param limits what drops a cell
 * @param precision that all are trained in, for their memory
 */
public record PlanRequest(
        List<BudgetPlan> budgets,
        ParameterConvention convention,
        LearningRateRule learningRate,
        List<Long> seeds,
        List<Replicates> replicates,
        long corpusTokens,
        PlanLimits limits,
        Precision precision) {

    public PlanRequest {
        budgets = List.copyOf(budgets);
        seeds = List.copyOf(seeds);
        replicates = List.copyOf(replicates);
        if (budgets.isEmpty() || seeds.isEmpty()) {
            throw new IllegalArgumentException("a plan needs at least one budget and one seed");
        }
    }
}
