package dev.isoflop.scaling.downstream;

import dev.isoflop.scaling.fit.Criterion;
import dev.isoflop.scaling.fit.ParametricOptions.Resampling;
import dev.isoflop.scaling.law.Law;
import dev.isoflop.scaling.law.form.Chinchilla;

/**
 * @param law of bits per byte
 * @param criterion of the first step's fit
 * @param anchored whether no loss is known to be full accuracy
 * @param runs what is resampled of the first step
 * @param checkpoints what is resampled of the second
 * @param resamples bootstrap draws
 * @param seed of the draws
 * @param level of every interval
 */
public record DownstreamOptions(
        Law law,
        Criterion criterion,
        boolean anchored,
        Resampling runs,
        Resampling checkpoints,
        int resamples,
        long seed,
        double level) {

    public DownstreamOptions {
        if (resamples < 2) {
            throw new IllegalArgumentException("resamples must be at least 2, was " + resamples);
        }
        if (!(level > 0 && level < 1)) {
            throw new IllegalArgumentException("level must lie between 0 and 1, was " + level);
        }
    }

    /** Bhagia et al.'s protocol, and 500 draws of runs and of runs' checkpoints for 90 % intervals. */
    public static DownstreamOptions defaults() {
        return new DownstreamOptions(
                new Chinchilla(),
                new Criterion.HuberLog(1e-3),
                true,
                Resampling.POINTS,
                Resampling.GROUPS,
                500,
                42,
                .9);
    }

    public DownstreamOptions withResamples(int newResamples) {
        return new DownstreamOptions(law, criterion, anchored, runs, checkpoints, newResamples, seed, level);
    }

    public DownstreamOptions withSeed(long newSeed) {
        return new DownstreamOptions(law, criterion, anchored, runs, checkpoints, resamples, newSeed, level);
    }

    public DownstreamOptions withLevel(double newLevel) {
        return new DownstreamOptions(law, criterion, anchored, runs, checkpoints, resamples, seed, newLevel);
    }

    public DownstreamOptions withLaw(Law newLaw) {
        return new DownstreamOptions(newLaw, criterion, anchored, runs, checkpoints, resamples, seed, level);
    }

    /** @param newRuns what is resampled of the first step */
    public DownstreamOptions withRuns(Resampling newRuns) {
        return new DownstreamOptions(law, criterion, anchored, newRuns, checkpoints, resamples, seed, level);
    }

    /** @param newCheckpoints what is resampled of the second step */
    public DownstreamOptions withCheckpoints(Resampling newCheckpoints) {
        return new DownstreamOptions(law, criterion, anchored, runs, newCheckpoints, resamples, seed, level);
    }
}
