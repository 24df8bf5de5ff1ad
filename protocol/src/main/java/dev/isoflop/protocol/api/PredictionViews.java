package dev.isoflop.protocol.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the REST API serves about predictions: the ledger of what fits said of runs before they began, and of what became of it.
 * N parameters, D tokens, C FLOPs, losses in nats per token.
 */
public final class PredictionViews {

    private PredictionViews() {}

    /** Where a prediction stands. */
    public enum PredictionState {
        /** Its run has not ended, or it has none yet. */
        @JsonProperty("open")
        OPEN,
        /** Compared with what its run reached. */
        @JsonProperty("scored")
        SCORED,
        /** Its run ended without a loss to compare with. */
        @JsonProperty("void")
        VOID;

        /** The name used in REST, tables and the dashboard. */
        public String wireName() {
            return name().toLowerCase(java.util.Locale.ROOT);
        }
    }

    /**
     * A loss with its interval, frozen before its run began.
     *
     * @param fitId fit it was made from
     * @param sweepId sweep of that fit
     * @param inputHash of that fit
     * @param method parametric: the law at N and D; isoflop: the optimum at C
     * @param law the law's formula
     * @param n as the fit counts parameters
     * @param countEmbeddings whether n counts the embeddings
     * @param extrapolationRatio C over the largest C fitted; above 1 the law is extended beyond what it was fitted to
     * @param level coverage the interval aims at
     * @param loss nats per token
     * @param madeBy name of the token or person
     * @param linkedAt when it was tied to its run
     * @param score once its run has ended with a loss, or diverged
     * @param voidReason why there is nothing to compare with
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record Prediction(
            long id,
            long experimentId,
            String experiment,
            long fitId,
            long sweepId,
            String sweep,
            String inputHash,
            String method,
            String law,
            double n,
            double d,
            double flops,
            boolean countEmbeddings,
            double extrapolationRatio,
            double level,
            double loss,
            double low,
            double high,
            String madeBy,
            Instant madeAt,
            @Nullable Long runId,
            @Nullable String run,
            @Nullable RunState runState,
            @Nullable Instant linkedAt,
            PredictionState state,
            @Nullable Score score,
            @Nullable String voidReason,
            @Nullable Instant settledAt) {}

    /**
     * @param observed the run's final held-out loss; absent if it diverged without one
     * @param diverged whether the run diverged, which no interval covers
     * @param logError ln(observed / predicted); absent for a run that diverged
     * @param standardised that over the standard deviation that a normal interval as wide has
     * @param covered whether the interval holds what was observed
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record Score(
            @Nullable Double observed,
            boolean diverged,
            @Nullable Double logError,
            @Nullable Double standardised,
            boolean covered) {}

    /**
     * Of a run that has not begun, or of any N and D, to be tied to a run later.
     *
     * @param runId run to predict; without n and d
     * @param n parameters, as the fit counts them; without runId
     * @param d tokens; without runId
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record CreatePrediction(
            @Nullable Long runId,
            @Nullable Double n,
            @Nullable Double d) {}

    /** @param runId run that has not begun, of the predicted N and D */
    public record LinkPrediction(@Nullable Long runId) {}

    /**
     * How good the predictions have been.
     *
     * @param open not settled yet
     * @param voided runs that ended without a loss
     * @param levels one for each level that intervals were made at, rising
     */
    public record PredictionSummary(int open, int voided, List<LevelSummary> levels) {}

    /**
     * @param level coverage that the intervals aim at
     * @param all every scored prediction of that level
     * @param classes the same by extrapolation ratio, all classes present
     */
    public record LevelSummary(double level, Coverage all, List<Coverage> classes) {}

    /**
     * @param ratio class of the extrapolation ratio, {@code <=1}, {@code 1-3}, {@code 3-10}, {@code >10} or {@code all}
     * @param scored predictions compared
     * @param covered those whose interval held what was observed
     * @param diverged runs among them that diverged: not covered, and in no error
     * @param coverage covered over scored, with Wilson's 95 % interval for it
     * @param medianError median of |ln(observed / predicted)|
     * @param meanError mean of the same
     * @param bias mean of ln(observed / predicted): above 0, losses came out higher than predicted
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record Coverage(
            String ratio,
            int scored,
            int covered,
            int diverged,
            FitViews.@Nullable Estimate coverage,
            @Nullable Double medianError,
            @Nullable Double meanError,
            @Nullable Double bias) {}
}
