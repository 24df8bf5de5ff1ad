package dev.isoflop.protocol.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the REST API answers about a stored fit beyond what was stored with it: reckoned from its record alone, so that the same question has the same answer at any time.
 * N parameters, D tokens, C FLOPs, L nats per token.
 */
public final class FitAnswerViews {

    private FitAnswerViews() {}

    /**
     * A number with its interval.
     *
     * @param low with high: absent where the method has no noise to make an interval from
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record Reading(
            double value, @Nullable Double low, @Nullable Double high) {}

    /**
     * The points of a fit by all three approaches of Hoffmann et al. 2022, approach 2 by our own way and by each published protocol.
     *
     * @param points that all of them were given
     * @param level of every interval
     * @param target budget asked about
     * @param differences what approaches 1 and 2 differ by from the surface, and how much of that is their own bias on this grid, in sentences; empty where there is no surface
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record FitMethods(
            long fitId,
            int points,
            double level,
            @Nullable Double target,
            List<MethodFit> methods,
            List<String> differences) {}

    /**
     * One method's law of the optimum, N* = k C^a and D* = k' C^b.
     *
     * @param name envelope, isoflop, a protocol's name, or parametric
     * @param approach 1, 2 or 3 of Hoffmann et al. 2022
     * @param source where the way is described; absent for our own
     * @param k of N*; absent with a where there is no law
     * @param optima of single budgets; of approach 1 the corners of the frontier; none of approach 3
     * @param optimum at the target
     * @param refusal why there is no law
     * @param findings what a reader must know of it, such as budgets without an optimum
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record MethodFit(
            String name,
            int approach,
            @Nullable String source,
            @Nullable Double k,
            @Nullable Reading a,
            @Nullable Reading b,
            List<MethodOptimum> optima,
            @Nullable MethodTarget optimum,
            FitViews.@Nullable Refusal refusal,
            List<String> findings) {}

    /** @param flops C */
    public record MethodOptimum(double flops, Reading n) {}

    /** @param loss absent where the method says nothing of losses */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record MethodTarget(
            Reading n,
            Reading d,
            Reading tokensPerParameter,
            @Nullable Reading loss) {}

    /**
     * How well the points determine the exponents of a parametric fit: its objective over pairs of exponents, all else minimised, over the least there is.
     *
     * @param alpha values of α, rising; the fit's own among them
     * @param beta values of β, rising; the fit's own among them
     * @param rise by α, then β
     * @param alphaRise over α alone, β minimised too
     * @param betaRise over β alone, α minimised too
     * @param together pairs that rise less are not told from the best at the fit's level
     * @param alone the same bound for one exponent
     * @param certificate whether the minimum is the global one
     */
    public record FitProfile(
            long fitId,
            double level,
            double bestAlpha,
            double bestBeta,
            List<Double> alpha,
            List<Double> beta,
            List<List<Double>> rise,
            List<Double> alphaRise,
            List<Double> betaRise,
            double together,
            double alone,
            FitCertificate certificate) {}

    /**
     * @param global whether nothing lower was found
     * @param sentence what was looked at, and what was found
     * @param flat direction that the points do not determine; absent if there is none
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record FitCertificate(
            boolean global,
            int basins,
            String sentence,
            @Nullable String flat) {}

    /**
     * What a fit says of one budget.
     *
     * @param optimum N*, D* and the law's loss there, with the law's own uncertainty
     * @param forecast loss of one new run at N* and D*, its noise and the distance from the points included
     * @param excess share of the budget that training N* would waste for not knowing the law better: its mean, and interval; of a parametric fit
     * @param extrapolationRatio C over the largest C fitted
     * @param calibrated whether the forecast's interval was checked on held-out runs as far out as this
     * @param refusal why there is none
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record FitTarget(
            long fitId,
            double flops,
            double level,
            FitViews.@Nullable Optimum optimum,
            @Nullable Reading tokensPerParameter,
            @Nullable Reading forecast,
            @Nullable Reading excess,
            @Nullable Double extrapolationRatio,
            boolean calibrated,
            FitViews.@Nullable Refusal refusal) {}
}
