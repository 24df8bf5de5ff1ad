package dev.isoflop.scaling.fit;

/**
 * What a fitted law says about a budget.
 *
 * @param C the target, training FLOPs
 * @param N best number of parameters
 * @param D best number of tokens, C / 6N
 * @param tokensPerParameter D / N
 * @param loss loss of the law there, nats per token; the interval is the law's own uncertainty
 * @param observed the same loss with an interval for one new run: the law's uncertainty and the noise of a run
 * @param extrapolationRatio target over the largest budget fitted
 * @param extrapolated whether the target is beyond the budgets fitted
 * @param far whether it is beyond {@value #FAR} times the largest. Bootstrap 90 % intervals of published families
 *     covered 62 % of held-out points at a ratio of 3 and 43 % at 10, so read the interval as too narrow
 */
public record BudgetPrediction(
        double C,
        Estimate N,
        Estimate D,
        Estimate tokensPerParameter,
        Estimate loss,
        Estimate observed,
        double extrapolationRatio,
        boolean extrapolated,
        boolean far) {

    /** Ratio beyond which a prediction is flagged as far. */
    public static final double FAR = 10;
}
