package dev.isoflop.scaling.law;

import org.jspecify.annotations.Nullable;

/**
 * One trained model as a fit sees it.
 *
 * @param N parameters, under one convention for the whole fit
 * @param D training tokens
 * @param C training FLOPs the point belongs to: the budget in an IsoFLOP sweep
 * @param loss nats per token on held-out text
 * @param seed training seed; points of one (C, N) that differ in it are replicates
 * @param group what is resampled as one when points are correlated, such as the run that checkpoints came from
 * @param weight relative weight in the objective, 1 for an ordinary point
 */
public record FitPoint(
        double N,
        double D,
        double C,
        double loss,
        @Nullable Long seed,
        @Nullable String group,
        double weight) {

    public FitPoint {
        requirePositive("N", N);
        requirePositive("D", D);
        requirePositive("C", C);
        requirePositive("loss", loss);
        requirePositive("weight", weight);
    }

    /** A point of weight 1 with no seed or group and C = 6 N D. */
    public static FitPoint of(double N, double D, double loss) {
        return new FitPoint(N, D, 6 * N * D, loss, null, null, 1);
    }

    /** A point of weight 1 of a stated budget. */
    public static FitPoint ofBudget(double N, double D, double C, double loss) {
        return new FitPoint(N, D, C, loss, null, null, 1);
    }

    public FitPoint withSeed(long newSeed) {
        return new FitPoint(N, D, C, loss, newSeed, group, weight);
    }

    public FitPoint withGroup(String newGroup) {
        return new FitPoint(N, D, C, loss, seed, newGroup, weight);
    }

    public FitPoint withWeight(double newWeight) {
        return new FitPoint(N, D, C, loss, seed, group, newWeight);
    }

    private static void requirePositive(String name, double value) {
        if (!(value > 0) || Double.isInfinite(value)) {
            throw new IllegalArgumentException(name + " must be positive and finite, was " + value);
        }
    }
}
