package dev.isoflop.scaling.plan;

import dev.isoflop.scaling.fit.BudgetPrediction;
import dev.isoflop.scaling.fit.FitOutcome;
import dev.isoflop.scaling.fit.IsoFlopResult;
import dev.isoflop.scaling.fit.ParametricResult;

/**
 * What both approaches say about one budget, side by side; either may refuse.
 *
 * @param C training FLOPs
 * @param isoFlop by approach 2
 * @param parametric by approach 3
 */
public record TargetBudget(double C, FitOutcome<BudgetPrediction> isoFlop, FitOutcome<BudgetPrediction> parametric) {

    public static TargetBudget predict(double C, IsoFlopResult isoFlop, FitOutcome<ParametricResult> parametric) {
        return new TargetBudget(C, isoFlop.predict(C), parametric.flatMap(p -> p.predict(C)));
    }
}
