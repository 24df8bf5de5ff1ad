package dev.isoflop.platform.tokens;

import java.time.Duration;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/**
 * Token buckets by key. A bucket is one number: the time at which it will be full again (the generic cell rate algorithm). A bucket that
 * is full is no different from one that does not exist, so those are forgotten when there are many.
 *
 * <p>Concurrency: any number of threads; one key's requests are decided one after another. Memory: at most {@value #MOST} keys; while all
 * of them are in use, new ones share a bucket.
 */
final class Buckets {

    static final int MOST = 50_000;
    private static final String SHARED = "";
    private static final long SWEEP_NANOS = 1_000_000_000;

    private final long interval;
    private final long depth;
    private final LongSupplier clock;
    private final AtomicLong sweptAt;
    private final ConcurrentHashMap<String, Long> fullAt = new ConcurrentHashMap<>();

    /**
     * @param perSecond how many each bucket gets back
     * @param burst how many a full one holds
     * @param clock nanoseconds of any origin, for ever rising
     */
    Buckets(double perSecond, int burst, LongSupplier clock) {
        this.interval = Math.max(1, Math.round(1e9 / perSecond));
        this.depth = Math.multiplyExact(interval, burst);
        this.clock = clock;
        this.sweptAt = new AtomicLong(clock.getAsLong() - SWEEP_NANOS);
    }

    /** Takes one. Zero if there was one; otherwise how long until there is, and nothing is taken. */
    Duration take(String key) {
        long now = clock.getAsLong();
        long[] wait = new long[1];
        fullAt.compute(room(key, now), (_, full) -> {
            // compared by difference: the clock may overflow
            long from = full == null || full - now < 0 ? now : full;
            long next = from + interval;
            if (next - now > depth) {
                wait[0] = next - now - depth;
                return full;
            }
            return next;
        });
        return Duration.ofNanos(wait[0]);
    }

    /** Whether there is none; nothing is taken. */
    boolean isEmpty(String key) {
        long now = clock.getAsLong();
        Long full = fullAt.get(key);
        return full != null && full + interval - now > depth;
    }

    int size() {
        return fullAt.size();
    }

    private String room(String key, long now) {
        if (fullAt.size() < MOST || fullAt.containsKey(key)) {
            return key;
        }
        long before = sweptAt.get();
        // not at every request: looking at all of them is what a flood would make us do
        if (now - before >= SWEEP_NANOS && sweptAt.compareAndSet(before, now)) {
            fullAt.values().removeIf(full -> full - now <= 0);
        }
        return fullAt.size() < MOST ? key : SHARED;
    }
}
