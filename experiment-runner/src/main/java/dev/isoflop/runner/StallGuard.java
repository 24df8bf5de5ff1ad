package dev.isoflop.runner;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What follows when {@link StallWatch} finds that an attempt gets nowhere: it is flagged, what it is doing goes into its log, and a grace
 * later it is to be ended.
 *
 * <p>Concurrency: one thread looks; the others may be called by any.
 */
final class StallGuard {

    private static final Logger log = LoggerFactory.getLogger(StallGuard.class);

    private final String label;
    private final StallWatch watch;
    private final StallWatch.Settings settings;
    private final BiConsumer<String, String> attemptLog;
    private volatile Supplier<List<String>> description = List::of;
    private volatile @Nullable String why;
    private long sinceNanos;

    /** @param attemptLog takes level and line */
    StallGuard(String label, StallWatch watch, StallWatch.Settings settings, BiConsumer<String, String> attemptLog) {
        this.label = label;
        this.watch = watch;
        this.settings = settings;
        this.attemptLog = attemptLog;
    }

    StallWatch watch() {
        return watch;
    }

    /** What knows what the work is doing, better than the stacks of this process's threads do. */
    void describedBy(Supplier<List<String>> what) {
        description = what;
    }

    /** What has stalled; null while all goes well. */
    @Nullable
    String why() {
        return why;
    }

    /** @return whether it has been flagged for the grace and has not moved: it is to be ended now */
    boolean isToEnd(Thread worker) {
        Optional<String> found = watch.look();
        String flagged = why;
        if (found.isEmpty()) {
            if (flagged != null) {
                why = null;
                log.info("{}: goes on after all", label);
                attemptLog.accept("INFO", "goes on after all");
            }
            return false;
        }
        long now = System.nanoTime();
        if (flagged == null) {
            why = found.get();
            sinceNanos = now;
            dump(found.get(), worker);
            return false;
        }
        boolean over = now - sinceNanos >= settings.grace().toNanos();
        if (over) {
            sinceNanos = now;
        }
        return over;
    }

    /** Whether it was to be ended so long ago that it will not. */
    boolean isBeyondHope() {
        return System.nanoTime() - sinceNanos >= settings.force().toNanos();
    }

    private void dump(String found, Thread worker) {
        log.warn("{}: stalled: {}", label, found);
        attemptLog.accept("ERROR", "stalled: " + found + "; this is what it was doing:");
        List<String> lines = new ArrayList<>(description.get());
        if (lines.isEmpty()) {
            lines.addAll(ThreadDump.of(worker));
        }
        lines.forEach(line -> attemptLog.accept("ERROR", line));
    }
}
