package dev.isoflop.scaling.law;

import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;
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
 * @param further inputs that some laws need beside N, D and C
 */
public record FitPoint(
        double N,
        double D,
        double C,
        double loss,
        @Nullable Long seed,
        @Nullable String group,
        double weight,
        Map<Law.Input, Double> further) {

    public FitPoint {
        requirePositive("N", N);
        requirePositive("D", D);
        requirePositive("C", C);
        requirePositive("loss", loss);
        requirePositive("weight", weight);
        further.forEach((input, value) -> {
            if (input == Law.Input.N || input == Law.Input.D || input == Law.Input.C) {
                throw new IllegalArgumentException(input + " is the point's own");
            }
            input.check(value);
        });
        // an order of its own, whatever the map's: the points' hash goes by it
        further = further.isEmpty() ? Map.of() : Collections.unmodifiableMap(new EnumMap<>(further));
    }

    public FitPoint(
            double N, double D, double C, double loss, @Nullable Long seed, @Nullable String group, double weight) {
        this(N, D, C, loss, seed, group, weight, Map.of());
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
        return new FitPoint(N, D, C, loss, newSeed, group, weight, further);
    }

    public FitPoint withGroup(String newGroup) {
        return new FitPoint(N, D, C, loss, seed, newGroup, weight, further);
    }

    public FitPoint with(Map<Law.Input, Double> newFurther) {
        return new FitPoint(N, D, C, loss, seed, group, weight, newFurther);
    }

    /** @throws IllegalArgumentException if the point does not have that input */
    public double input(Law.Input input) {
        return switch (input) {
            case N -> N;
            case D -> D;
            case C -> C;
            case U, ACTIVE, WIDTH, DEPTH, RATE, BATCH, BPB -> {
                Double value = further.get(input);
                if (value == null) {
                    throw new IllegalArgumentException("the points have no " + input);
                }
                yield value;
            }
        };
    }

    public FitPoint withLoss(double newLoss) {
        return new FitPoint(N, D, C, newLoss, seed, group, weight, further);
    }

    public FitPoint withWeight(double newWeight) {
        return new FitPoint(N, D, C, loss, seed, group, newWeight, further);
    }

    private static void requirePositive(String name, double value) {
        if (!(value > 0) || Double.isInfinite(value)) {
            throw new IllegalArgumentException(name + " must be positive and finite, was " + value);
        }
    }
}
