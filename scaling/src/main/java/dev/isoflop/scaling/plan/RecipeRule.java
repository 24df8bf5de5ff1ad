package dev.isoflop.scaling.plan;

import dev.isoflop.scaling.flops.TransformerShape;
import java.util.List;

/** How the models of any budget are trained, for runs that nobody wrote down. */
@FunctionalInterface
public interface RecipeRule {

    /** @param flops of the budget */
    BudgetPlan recipe(double flops, List<TransformerShape> shapes);

    /** Batch by {@link BatchRule}, the learning rate by the request's rule. */
    static RecipeRule defaults(int contextLength) {
        return (flops, shapes) ->
                new BudgetPlan(flops, shapes, BatchRule.defaults().batchSequences(flops, contextLength), null);
    }
}
