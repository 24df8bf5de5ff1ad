package dev.isoflop.runner;

import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * The runner's own judgement of whether it may still work: true while a heartbeat that the platform answered was
 * <em>sent</em> less than {@code leaseTtl − margin} ago. The platform's clock decides; this one only has to run out
 * earlier, which holds because the platform renewed the lease after the heartbeat was sent.
 *
 * <p>Time passed is the larger of what the monotonic clock and the wall clock say: a process stopped by a signal sees
 * the monotonic clock move on, a suspended laptop only the wall clock. A wall clock set forward costs one heartbeat's
 * pause, nothing more.
 *
 * <p>Concurrency: any number of threads; a reading takes the object's lock for a few nanoseconds.
 */
final class LeaseClock {

    /** Share of the lease by which the runner stops early. */
    static final double MARGIN = 0.2;

    private final LongSupplier nanos;
    private final LongSupplier wallMillis;
    private long budgetNanos;
    private boolean ever;
    private long renewedNanos;
    private long renewedMillis;

    LeaseClock(LongSupplier nanos, LongSupplier wallMillis) {
        this.nanos = nanos;
        this.wallMillis = wallMillis;
    }

    static LeaseClock system() {
        return new LeaseClock(System::nanoTime, WallClock::millis);
    }

    /** A moment to hand to {@link #renewed} if the request sent now is answered. */
    record Moment(long nanos, long millis) {}

    Moment now() {
        return new Moment(nanos.getAsLong(), wallMillis.getAsLong());
    }

    synchronized void configure(Duration leaseTtl) {
        budgetNanos = (long) (leaseTtl.toNanos() * (1 - MARGIN));
    }

    /** @param sent when the request went out that has now been answered */
    synchronized void renewed(Moment sent) {
        if (!ever || sent.nanos - renewedNanos > 0) {
            ever = true;
            renewedNanos = sent.nanos;
            renewedMillis = sent.millis;
            notifyAll();
        }
    }

    synchronized boolean holds() {
        if (!ever) {
            return false;
        }
        long monotonic = nanos.getAsLong() - renewedNanos;
        long wall = (wallMillis.getAsLong() - renewedMillis) * 1_000_000;
        return Math.max(monotonic, wall) < budgetNanos;
    }

    /** Waits a little for a renewal. */
    synchronized void awaitRenewal(long millis) throws InterruptedException {
        if (!holds()) {
            wait(millis);
        }
    }
}
