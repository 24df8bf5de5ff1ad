package dev.isoflop.scaling.report;

import dev.isoflop.scaling.fit.ParametricOptions;
import org.jspecify.annotations.Nullable;

/**
 * What is asked for.
 *
 * @param law name of the form
 * @param delta Huber's, of log loss
 * @param resamples bootstrap draws; 0 gives no intervals
 * @param resampling what is drawn
 * @param seed of the draws
 * @param level of every interval
 * @param target FLOPs to predict the optimum for; null for none
 */
public record FitSettings(
        String law,
        double delta,
        int resamples,
        ParametricOptions.Resampling resampling,
        long seed,
        double level,
        @Nullable Double target) {

    public FitSettings {
        if (!(delta > 0) || Double.isInfinite(delta)) {
            throw new IllegalArgumentException("delta must be positive, was " + delta);
        }
        if (resamples < 0 || resamples == 1) {
            throw new IllegalArgumentException("resamples must be 0 or at least 2, was " + resamples);
        }
        if (!(level > 0 && level < 1)) {
            throw new IllegalArgumentException("level must lie between 0 and 1, was " + level);
        }
        if (target != null && !(target > 0 && Double.isFinite(target))) {
            throw new IllegalArgumentException("target must be positive and finite, was " + target);
        }
    }
}
