package dev.isoflop.protocol.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** What the REST API takes and serves about schedules: sweeps that are submitted by the clock. */
public final class ScheduleViews {

    private ScheduleViews() {}

    /** What becomes of fires that came due while no platform was up. */
    public enum CatchUp {
        /** They are recorded as missed. */
        SKIP,
        /** The newest is submitted, the others are recorded as missed. */
        ONCE,
        /** The newest are submitted, as many as the schedule's limit says; the others are recorded as missed. */
        ALL;

        /** The name used in tables. */
        public String wireName() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** What a fire does while the one before it is still at work. */
    public enum Overlap {
        /** Nothing; it is recorded as skipped. */
        SKIP,
        /** Waits until that has ended. */
        QUEUE,
        /** Cancels that and takes its place. */
        CANCEL_PREVIOUS;

        /** The name used in tables. */
        public String wireName() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** Why there is a fire. */
    public enum Origin {
        /** It was time. */
        @JsonProperty("cron")
        CRON,
        /** It had been time while a platform was up, but nothing had happened; found by looking. */
        @JsonProperty("repair")
        REPAIR,
        /** It had been time while no platform was up. */
        @JsonProperty("catch-up")
        CATCH_UP,
        /** Somebody asked for it. */
        @JsonProperty("manual")
        MANUAL;

        /** The name used in REST, tables and the dashboard. */
        public String wireName() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    /** What has become of a fire. */
    public enum FireState {
        /** Not submitted yet; the reason says what it waits for. */
        @JsonProperty("pending")
        PENDING,
        @JsonProperty("submitted")
        SUBMITTED,
        /** Not submitted because of the overlap policy. */
        @JsonProperty("skipped")
        SKIPPED,
        /** Not submitted because no platform was up. */
        @JsonProperty("missed")
        MISSED,
        /** The sweep was refused, or its dataset could not be prepared. */
        @JsonProperty("failed")
        FAILED;

        /** The name used in REST, tables and the dashboard. */
        public String wireName() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /**
     * A schedule as a person writes it.
     *
     * @param name unique; each fire submits a sweep named {@code NAME-yyyy-MM-dd'T'HH:mm±hhmm}
     * @param spec what is submitted; its own name is not used and may be left out
     * @param cron five fields (minute, hour, day of month, month, day of week with 0 and 7 for Sunday), or Quartz's six or
     *     seven, seconds first
     * @param zone IANA name of the time zone the expression is meant in, such as {@code Europe/Berlin}; default UTC
     * @param catchUp default SKIP
     * @param catchUpLimit for ALL, how many are submitted at most; 1 to 100, default 10
     * @param overlap default SKIP
     * @param paused whether it starts paused; default false
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record CreateSchedule(
            String name,
            SweepSpec spec,
            String cron,
            @Nullable String zone,
            @Nullable CatchUp catchUp,
            @Nullable Integer catchUpLimit,
            @Nullable Overlap overlap,
            @Nullable Boolean paused) {}

    /**
     * @param next the next five fire times, were it not paused
     * @param recent the newest three fires
     * @param version for If-Match
     */
    public record Schedule(
            long id,
            String name,
            SweepSpec spec,
            String cron,
            String zone,
            CatchUp catchUp,
            int catchUpLimit,
            Overlap overlap,
            boolean paused,
            List<FireTime> next,
            List<Fire> recent,
            Instant createdAt,
            Instant updatedAt,
            long version) {}

    /**
     * A time in the future.
     *
     * @param at the instant
     * @param local the same in the schedule's zone, with its offset
     * @param note what daylight saving does to it or to one before it, if anything
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record FireTime(
            Instant at, String local, @Nullable String note) {}

    /**
     * @param at when it was due; for one asked for by hand, when it was asked for
     * @param local the same in the schedule's zone, with its offset
     * @param reason why it waits, or why there is no sweep
     * @param sweepId the sweep it submitted
     * @param sweep that sweep's name
     * @param settledAt when it stopped being pending
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record Fire(
            long id,
            long scheduleId,
            Instant at,
            String local,
            Origin origin,
            FireState state,
            @Nullable String reason,
            @Nullable Long sweepId,
            @Nullable String sweep,
            Instant createdAt,
            @Nullable Instant settledAt) {}
}
