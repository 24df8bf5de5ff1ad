package dev.isoflop.protocol.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What the REST API serves about stored fits beside each other, and beside themselves when they are made again. */
public final class FitComparisonViews {

    private FitComparisonViews() {}

    /**
     * Two fits side by side.
     *
     * @param parameters of either, by name
     * @param points how what they were fitted to differs
     * @param options that differ; absent on the side that has no such option
     * @param targets what both say at a budget, if one was asked for
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record FitComparison(
            FitSide a,
            FitSide b,
            List<ComparedParameter> parameters,
            ComparedPoints points,
            List<ComparedOption> options,
            @Nullable ComparedTargets targets) {}

    public record FitSide(
            long id, long sweepId, String method, String status, double level, String inputHash, Instant createdAt) {}

    /**
     * @param ratio value of b over that of a
     * @param overlap whether the two intervals have a point in common
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record ComparedParameter(
            String name,
            FitViews.@Nullable Estimate a,
            FitViews.@Nullable Estimate b,
            @Nullable Double ratio,
            @Nullable Boolean overlap) {}

    /**
     * @param shared points of the same run, N, D, C and loss in both
     * @param onlyA points that b lacks
     * @param onlyB points that a lacks
     * @param excludedA runs left out of a and not of b
     * @param excludedB runs left out of b and not of a
     */
    public record ComparedPoints(
            int shared,
            List<FitViews.Point> onlyA,
            List<FitViews.Point> onlyB,
            List<FitViews.Excluded> excludedA,
            List<FitViews.Excluded> excludedB) {}

    /** Values as text. */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record ComparedOption(
            String name, @Nullable String a, @Nullable String b) {}

    /** @param flops C */
    public record ComparedTargets(double flops, ComparedTarget a, ComparedTarget b) {}

    /**
     * @param optimum N*, D* and the loss there; its interval is the law's own uncertainty
     * @param extrapolationRatio C over the largest C fitted
     * @param refusal why there is none
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record ComparedTarget(
            FitViews.@Nullable Optimum optimum,
            @Nullable Double extrapolationRatio,
            FitViews.@Nullable Refusal refusal) {}

    /**
     * A fit made again from its record alone: its points and options, and nothing else.
     *
     * @param agrees whether the input hash and every number came out the same, to the last digit
     * @param inputHash as stored
     * @param inputHashNow of the record's points and options
     * @param numbers that were compared
     * @param differences the first of them
     * @param assumed options that the record does not name, since they came later: taken at their defaults
     */
    public record Reproduction(
            long fitId,
            boolean agrees,
            String inputHash,
            String inputHashNow,
            int numbers,
            List<Difference> differences,
            List<String> assumed) {}

    /**
     * @param pointer JSON pointer into the fit
     * @param stored value as stored; absent if there is none
     * @param now value as it came out; absent if there is none
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record Difference(
            String pointer,
            @Nullable String stored,
            @Nullable String now) {}
}
