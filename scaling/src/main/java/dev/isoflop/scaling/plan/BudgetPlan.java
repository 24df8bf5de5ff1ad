package dev.isoflop.scaling.plan;

import dev.isoflop.scaling.flops.TransformerShape;
import java.util.List;

/**
 * One budget of a sweep as asked for.
 *
 * @param flops training FLOPs, 6ND under the request's convention
 * @param shapes the models to split it over
 * @param batchSequences windows in a step. Small budgets need small steps: with too large a batch they run out of steps,
 *     and the smallest model wins for that reason alone
 */
public record BudgetPlan(double flops, List<TransformerShape> shapes, int batchSequences) {

    public BudgetPlan {
        if (!(flops > 0) || Double.isInfinite(flops)) {
            throw new IllegalArgumentException("a budget must be positive and finite, was " + flops);
        }
        if (batchSequences < 1) {
            throw new IllegalArgumentException("batchSequences must be at least 1, was " + batchSequences);
        }
        shapes = List.copyOf(shapes);
    }

    /** Shapes by {@link ShapeRule}. */
    public static BudgetPlan ofWidths(
            double flops, List<Integer> widths, int vocabSize, int contextLength, int batchSequences) {
        return new BudgetPlan(
                flops,
                widths.stream()
                        .map(d -> ShapeRule.shape(d, vocabSize, contextLength))
                        .toList(),
                batchSequences);
    }
}
