package dev.isoflop.scaling.fit;

import org.apache.commons.math3.random.MersenneTwister;

/** Seeded normal deviates, a stream of their own so that asking for a prediction never moves another draw. */
final class Noise {

    private static final long STREAM = 0x9E3779B97F4A7C15L;

    private Noise() {}

    static double[] normal(int n, long seed, double sd) {
        MersenneTwister random = new MersenneTwister(seed ^ STREAM);
        double[] out = new double[n];
        for (int i = 0; i < n; i++) {
            out[i] = sd * random.nextGaussian();
        }
        return out;
    }
}
