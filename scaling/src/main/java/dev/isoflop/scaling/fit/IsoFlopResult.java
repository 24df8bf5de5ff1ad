package dev.isoflop.scaling.fit;

import java.util.List;
import java.util.Map;

/**
 * What approach 2 found, budget by budget. There is always a result: each budget, and the laws across them, carries its
 * own outcome, so a sweep with one bad budget still shows the others.
 *
 * @param method {@value IsoFlopFit#METHOD}
 * @param options how it was fitted
 * @param inputHash hash of points and options
 * @param budgets in order of C
 * @param laws power laws through the optima, or why there are none
 * @param diagnostics further numbers by name
 */
public record IsoFlopResult(
        String method,
        IsoFlopOptions options,
        String inputHash,
        List<BudgetFit> budgets,
        FitOutcome<IsoFlopLaws> laws,
        Map<String, Double> diagnostics) {

    public IsoFlopResult {
        budgets = List.copyOf(budgets);
    }

    /** Whether every budget has a minimum inside its range. */
    public boolean everyBudgetInterior() {
        return !budgets.isEmpty() && budgets.stream().allMatch(b -> b.parabola().converged());
    }

    /**
     * @param C training FLOPs
     */
    public FitOutcome<BudgetPrediction> predict(double C) {
        return laws.flatMap(l -> l.predict(C));
    }
}
