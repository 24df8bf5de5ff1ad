package dev.isoflop.protocol.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** What the REST API serves about the end of runs that are on their way. Losses in nats per token. */
public final class OutlookViews {

    private OutlookViews() {}

    /** What to do about a run; by aims that were stated, never by its rank. */
    public enum OutlookVerdict {
        /** Nothing says that it will miss its aim. */
        @JsonProperty("go-on")
        GO_ON,
        /** It will miss its aim, whatever the intervals allow. */
        @JsonProperty("stop")
        STOP,
        /** Too little is known, there is no aim, or the run has ended. */
        @JsonProperty("unknown")
        UNKNOWN;

        /** The name used in REST, the dashboard and on the command line. */
        public String wireName() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    /**
     * What will become of a run. It changes nothing: whoever reads {@code stop} cancels the run, or does not.
     *
     * @param progress share of the tokens seen, by the last loss that was recorded
     * @param level coverage that all intervals aim at
     * @param sentence why, and what to do
     * @param atMost bar that was asked about
     * @param now held-out loss by the curve as far as it goes
     * @param end final held-out loss by curve and law together; absent while nothing can be said
     * @param curve the same by the run's own curve alone
     * @param law what a fit forecasts for its N and D; absent without one
     * @param refusal why the curve says nothing, or why the fit does not
     * @param saved what stopping it now would save
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record Outlook(
            long runId,
            RunState state,
            double progress,
            double level,
            OutlookVerdict verdict,
            String sentence,
            @Nullable Double atMost,
            @Nullable Double now,
            @Nullable OutlookLoss end,
            @Nullable OutlookLoss curve,
            @Nullable OutlookLaw law,
            FitViews.@Nullable Refusal refusal,
            OutlookSaved saved) {}

    /** A loss with its interval. */
    public record OutlookLoss(double loss, double low, double high) {}

    /**
     * @param fitId that made it
     * @param sweepId sweep of the fit
     * @param extrapolationRatio C over the largest C fitted
     */
    public record OutlookLaw(
            long fitId, long sweepId, double loss, double low, double high, double extrapolationRatio) {}

    /**
     * @param flops of the tokens that are left, 6ND
     * @param seconds at the present speed; absent if it is not running
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record OutlookSaved(double flops, @Nullable Double seconds) {}
}
