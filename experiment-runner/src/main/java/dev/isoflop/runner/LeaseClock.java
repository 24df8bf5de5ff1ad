package dev.isoflop.runner;

import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * The runner's own judgement of its leases. They are {@linkplain #holds held for sure} while a heartbeat that the platform answered
 * was <em>sent</em> less than {@code leaseTtl − margin} ago. The platform's clock decides; this one only has to run out earlier,
 * which holds because the platform renewed the lease after the heartbeat was sent.
 *
 * <p>Work may go on for longer ({@link #mayWork}): a platform that is away takes nothing from anybody, and one that is there and has
 * given the run to somebody else refuses all that this runner writes. What is risked is compute, not correctness.
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
    private long outageNanos;
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

    /** @param outage how long work may go on without an answer */
    synchronized void configure(Duration leaseTtl, Duration outage) {
        budgetNanos = (long) (leaseTtl.toNanos() * (1 - MARGIN));
        outageNanos = Math.max(budgetNanos, outage.toNanos());
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

    /** Whether no other runner can have been given what this one holds. */
    synchronized boolean holds() {
        return ever && silentNanos() < budgetNanos;
    }

    /** Whether work may go on: the platform has not been away for too long. */
    synchronized boolean mayWork() {
        return ever && silentNanos() < outageNanos;
    }

    private long silentNanos() {
        long monotonic = nanos.getAsLong() - renewedNanos;
        long wall = (wallMillis.getAsLong() - renewedMillis) * 1_000_000;
        return Math.max(monotonic, wall);
    }

    /** Waits a little for a renewal. */
    synchronized void awaitRenewal(long millis) throws InterruptedException {
        if (!mayWork()) {
            wait(millis);
        }
    }
}
