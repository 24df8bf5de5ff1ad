package dev.isoflop.runner;

import java.time.Duration;
import java.util.Optional;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Whether an attempt that is alive gets anywhere. It has stalled when its step has not moved for longer than a floor and twenty times as
 * long as its steps usually take to move; phases that have no steps (fetching, evaluating, saving) have an allowance of their own. What
 * waits for others (the platform, room on the disk, a free GPU) does not stall.
 *
 * <p>Concurrency: every method takes the object's lock.
 */
final class StallWatch {

    /**
     * @param after least time without a step that counts as stalled; zero: nothing does
     * @param phase the same for phases without steps
     * @param grace between the dump of what it does and its end
     * @param force after which an attempt that does not hear is given up, its thread left behind
     */
    record Settings(Duration after, Duration phase, Duration grace, Duration force) {

        static final Settings STANDARD = new Settings(
                Duration.ofMinutes(10), Duration.ofHours(1), Duration.ofSeconds(10), Duration.ofSeconds(60));
    }

    private static final int USUAL = 20;

    private final LongSupplier nanos;
    private final Settings settings;
    private final @Nullable Duration asked;
    private boolean armed;
    private boolean stepping;
    private long step = -1;
    private String stage = "";
    private long since;
    private double usualNanos;

    /**
     * @param asked for by the sweep, instead of what would be derived
     * @param armed whether it is watched from its start, and not only once it has shown a sign of life
     */
    StallWatch(LongSupplier nanos, Settings settings, @Nullable Duration asked, boolean armed) {
        this.nanos = nanos;
        this.settings = settings;
        this.asked = asked;
        this.armed = armed;
        this.since = nanos.getAsLong();
    }

    /** The work says where it stands. */
    synchronized void progress(long atStep, String atStage) {
        long now = nanos.getAsLong();
        if (atStep != step && step >= 0) {
            if (stepping) {
                usualNanos = usualNanos == 0 ? now - since : 0.9 * usualNanos + 0.1 * (now - since);
            }
            armed = true;
            stepping = true;
            since = now;
        } else if (!atStage.equals(stage)) {
            since = now;
        }
        step = atStep;
        stage = atStage;
    }

    /** The work lives, though it may not say how far it is. */
    synchronized void alive() {
        armed = true;
        since = nanos.getAsLong();
    }

    /** The time until now does not count: the work has been made to wait. */
    synchronized void excuse() {
        since = nanos.getAsLong();
    }

    /** What has stalled, and for how long, if it has. */
    synchronized Optional<String> look() {
        if (stage.startsWith("waiting") || stage.equals("reporting")) {
            since = nanos.getAsLong();
        }
        Duration allowance = allowance();
        long still = nanos.getAsLong() - since;
        if (!armed || allowance.isZero() || still < allowance.toNanos()) {
            return Optional.empty();
        }
        return Optional.of("no step for %d s at step %d (%s); %d s are allowed"
                .formatted(still / 1_000_000_000, Math.max(0, step), stage, allowance.toSeconds()));
    }

    private Duration allowance() {
        if (asked != null) {
            return asked;
        }
        if (settings.after.isZero()) {
            return Duration.ZERO;
        }
        boolean trains = stage.equals("training") || stage.equals("running") || !isPhase();
        Duration least = trains && stepping ? settings.after : max(settings.after, settings.phase);
        return max(least, Duration.ofNanos((long) (USUAL * usualNanos)));
    }

    /** Commands name stages of their own; those of ours that have no steps are known. */
    private boolean isPhase() {
        return switch (stage) {
            case "", "starting", "preparing", "resuming", "evaluating", "saving", "uploading", "stopping" -> true;
            default -> false;
        };
    }

    private static Duration max(Duration a, Duration b) {
        return a.compareTo(b) >= 0 ? a : b;
    }
}
