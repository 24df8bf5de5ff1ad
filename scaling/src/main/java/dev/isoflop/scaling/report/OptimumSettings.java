package dev.isoflop.scaling.report;

import org.jspecify.annotations.Nullable;

/**
 * What is asked for of approaches 1 and 2.
 *
 * @param protocol of approach 2, by name; {@link OptimumReports#OURS} for our own
 * @param resamples draws of noise for the intervals of our own protocol; published ones bring theirs
 * @param seed of the draws
 * @param level of every interval
 * @param target FLOPs to predict the optimum for; null for none
 */
public record OptimumSettings(
        String protocol,
        int resamples,
        long seed,
        double level,
        @Nullable Double target) {

    public OptimumSettings {
        if (!(level > 0 && level < 1)) {
            throw new IllegalArgumentException("level must lie between 0 and 1, was " + level);
        }
        if (target != null && !(target > 0 && Double.isFinite(target))) {
            throw new IllegalArgumentException("target must be positive and finite, was " + target);
        }
    }

    OptimumSettings withProtocol(String name) {
        return new OptimumSettings(name, resamples, seed, level, target);
    }
}
