package dev.isoflop.runner.trace;

import java.util.HashMap;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * Which of the things that happen again and again in an attempt are worth a span: the first {@value #FIRST} of each kind, and after that one
 * whenever the attempt has become a twentieth older since the last. So a run of days has some hundred spans of a kind and not a million.
 *
 * <p>Concurrency: safe for any number of threads.
 */
final class Thinning {

    static final int FIRST = 20;
    private static final long PART = 20;

    private record Kept(int count, long lastNanos) {}

    private final LongSupplier nanos;
    private final long begun;
    private final Map<String, Kept> kinds = new HashMap<>();

    /** @param nanos a clock that only goes forward */
    Thinning(LongSupplier nanos) {
        this.nanos = nanos;
        this.begun = nanos.getAsLong();
    }

    /** Whether the one of that kind which begins now is kept. */
    synchronized boolean keeps(String kind) {
        long now = nanos.getAsLong();
        Kept kept = kinds.getOrDefault(kind, new Kept(0, begun));
        if (kept.count() >= FIRST && now - kept.lastNanos() < (now - begun) / PART) {
            return false;
        }
        kinds.put(kind, new Kept(kept.count() + 1, now));
        return true;
    }

    /** How long something that has no end of its own may go on before its span is cut. */
    synchronized long cutNanos() {
        return Math.max(10_000_000_000L, (nanos.getAsLong() - begun) / PART);
    }
}
