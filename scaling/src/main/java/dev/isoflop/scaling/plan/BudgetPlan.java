package dev.isoflop.scaling.plan;

import dev.isoflop.scaling.flops.TransformerShape;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One budget of a sweep as asked for, with the recipe its models are trained by. A budget may be asked for with several
 * recipes.
 *
 * @param flops training FLOPs, 6ND under the request's convention
 * @param shapes the models to split it over
 * @param batchSequences windows in a step. Small budgets need small steps: with too large a batch they run out of steps,
 *     and the smallest model wins for that reason alone
 * @param learningRate peak; the request's rule when absent
 */
public record BudgetPlan(
        double flops,
        List<TransformerShape> shapes,
        int batchSequences,
        @Nullable Double learningRate) {

    public BudgetPlan {
        if (!(flops > 0) || Double.isInfinite(flops)) {
            throw new IllegalArgumentException("a budget must be positive and finite, was " + flops);
        }
        if (batchSequences < 1) {
            throw new IllegalArgumentException("batchSequences must be at least 1, was " + batchSequences);
        }
        if (learningRate != null && (!(learningRate > 0) || Double.isInfinite(learningRate))) {
            throw new IllegalArgumentException("learningRate must be positive and finite, was " + learningRate);
        }
        shapes = List.copyOf(shapes);
    }

    /** Shapes by {@link ShapeRule}, the learning rate by the request's rule. */
    public static BudgetPlan ofWidths(
            double flops, List<Integer> widths, int vocabSize, int contextLength, int batchSequences) {
        return new BudgetPlan(
                flops,
                widths.stream()
                        .map(d -> ShapeRule.shape(d, vocabSize, contextLength))
                        .toList(),
                batchSequences,
                null);
    }
}
