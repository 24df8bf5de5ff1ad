package dev.isoflop.scaling.report;

import dev.isoflop.scaling.diagnosis.Finding;
import dev.isoflop.scaling.fit.BudgetPrediction;
import dev.isoflop.scaling.fit.Estimate;
import dev.isoflop.scaling.fit.FitOutcome;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A law fitted to points.
 *
 * @param law name of the form
 * @param formula of the form
 * @param method how it was fitted
 * @param points number of points
 * @param level of every interval
 * @param inputHash hash of the points and of all settings
 * @param parameters by name, in the formula's order, then what follows from them; empty if there is no fit
 * @param objective sum of the criterion's costs at the minimum; not a number if there is no fit
 * @param certificate why the minimum is taken for the global one; null if there is no fit
 * @param refusal why there is no fit, or no optimum at the target; null if there is what was asked for
 * @param optimum at the target asked for; null if none was asked for or the law has none
 * @param excess share of the target's compute that training the optimum's N wastes, by {@link dev.isoflop.scaling.fit.JointDraws}: its mean and interval; null where there are no draws of laws
 * @param optima of single budgets, rising, where the method looks at budgets; of approach 1 the corners of the frontier
 * @param diagnostics what to know about it
 * @param milliseconds all of it took
 */
public record FitReport(
        String law,
        String formula,
        String method,
        int points,
        double level,
        String inputHash,
        Map<String, Estimate> parameters,
        double objective,
        @Nullable Evidence certificate,
        @Nullable Refusal refusal,
        @Nullable BudgetPrediction optimum,
        @Nullable Estimate excess,
        List<BudgetOptimum> optima,
        List<Finding> diagnostics,
        double milliseconds) {

    /**
     * Evidence that a minimum is the global one.
     *
     * @param global whether nothing lower was found
     * @param sentence what was looked at, and what was found
     * @param numbers by name
     */
    public record Evidence(boolean global, String sentence, Map<String, Double> numbers) {}

    /** The same with more to know about it, before the rest. */
    public FitReport withDiagnostics(List<Finding> more) {
        return new FitReport(
                law,
                formula,
                method,
                points,
                level,
                inputHash,
                parameters,
                objective,
                certificate,
                refusal,
                optimum,
                excess,
                optima,
                Stream.concat(more.stream(), diagnostics.stream()).toList(),
                milliseconds);
    }

    /** @param code stable name of the reason */
    public record Refusal(String code, String sentence, Map<String, Double> numbers) {

        static Refusal of(FitOutcome.Refused<?> refused) {
            return new Refusal(refused.reason().code(), refused.sentence(), refused.numbers());
        }
    }
}
