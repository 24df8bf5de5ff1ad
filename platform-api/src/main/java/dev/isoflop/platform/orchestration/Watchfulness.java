package dev.isoflop.platform.orchestration;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Whether the platform has itself been listening long enough to judge anybody's silence. A platform that has just
 * started, was stopped by its machine, or could not reach its database has heard no heartbeats either.
 *
 * <p>Confined to the reaper's thread. Times are the monotonic clock's; they decide only when to look, never how old a
 * lease is.
 */
final class Watchfulness {

    private final long ttlNanos;
    private final long longestGapNanos;
    private @Nullable Long since;
    private long last;

    /**
     * @param ttl how long it must have been listening without a gap
     * @param longestGap between two looks that does not count as having been away
     */
    Watchfulness(Duration ttl, Duration longestGap) {
        ttlNanos = ttl.toNanos();
        longestGapNanos = longestGap.toNanos();
    }

    /** Notes that the platform is alive and its database answers. Returns whether it may judge now. */
    boolean look(long nowNanos) {
        Long began = since;
        if (began == null || nowNanos - last > longestGapNanos) {
            began = nowNanos;
            since = began;
        }
        last = nowNanos;
        return nowNanos - began >= ttlNanos;
    }
}
