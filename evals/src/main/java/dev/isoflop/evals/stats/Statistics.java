package dev.isoflop.evals.stats;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.function.ToDoubleFunction;

/** Estimates from samples. Pure functions. */
public final class Statistics {

    private Statistics() {}

    /**
     * The arithmetic mean.
     *
     * @throws IllegalArgumentException if there is no value
     */
    public static double mean(double[] values) {
        atLeast(1, values.length);
        double sum = 0;
        for (double value : values) {
            sum += value;
        }
        return sum / values.length;
    }

    /** Standard error of the mean, {@code sqrt(Σ (x − mean)² / (n (n − 1)))}; NaN for one value. */
    public static double standardError(double[] values) {
        double mean = mean(values);
        double squares = 0;
        for (double value : values) {
            squares += (value - mean) * (value - mean);
        }
        int n = values.length;
        return n == 1 ? Double.NaN : Math.sqrt(squares / ((double) n * (n - 1)));
    }

    /**
     * Wilson's interval for a proportion (Wilson 1927): keeps its level for few trials and for proportions near 0 and 1, where the
     * normal interval does not.
     *
     * @param successes in [0, trials]
     * @param trials at least 1
     */
    public static Interval wilson(long successes, long trials, double level) {
        if (trials < 1 || successes < 0 || successes > trials) {
            throw new IllegalArgumentException(successes + " successes of " + trials + " trials");
        }
        Interval.checkLevel(level);
        double z = Normal.quantile(0.5 + level / 2);
        double n = trials;
        double p = successes / n;
        double centre = (p + z * z / (2 * n)) / (1 + z * z / n);
        double half = z / (1 + z * z / n) * Math.sqrt(p * (1 - p) / n + z * z / (4 * n * n));
        // exact at the ends, where rounding would leave 1e-17
        double low = successes == 0 ? 0 : centre - half;
        double high = successes == trials ? 1 : centre + half;
        return new Interval(p, low, high, level);
    }

    /**
     * Percentile bootstrap (Efron 1979): the statistic of resamples of the values, with replacement, and the quantiles between which
     * {@code level} of them lie (linear between order statistics). The same seed gives the same interval.
     */
    public static Interval bootstrap(
            double[] values, ToDoubleFunction<double[]> statistic, int resamples, double level, long seed) {
        atLeast(1, values.length);
        Interval.checkLevel(level);
        if (resamples < 2) {
            throw new IllegalArgumentException("resamples = " + resamples + " must be at least 2");
        }
        SplittableRandom random = new SplittableRandom(seed);
        double[] resample = new double[values.length];
        double[] found = new double[resamples];
        for (int r = 0; r < resamples; r++) {
            for (int i = 0; i < resample.length; i++) {
                resample[i] = values[random.nextInt(values.length)];
            }
            found[r] = statistic.applyAsDouble(resample);
        }
        Arrays.sort(found);
        double tail = (1 - level) / 2;
        return new Interval(
                statistic.applyAsDouble(values.clone()), quantile(found, tail), quantile(found, 1 - tail), level);
    }

    /** The bootstrap interval of the mean difference of paired values: both models on the same items. */
    public static Interval bootstrapPairedDifference(
            double[] first, double[] second, int resamples, double level, long seed) {
        if (first.length != second.length) {
            throw new IllegalArgumentException("pairs of " + first.length + " and " + second.length + " values");
        }
        double[] differences = new double[first.length];
        for (int i = 0; i < differences.length; i++) {
            differences[i] = first[i] - second[i];
        }
        return bootstrap(differences, Statistics::mean, resamples, level, seed);
    }

    private static double quantile(double[] sorted, double p) {
        double at = p * (sorted.length - 1);
        int below = (int) Math.floor(at);
        int above = Math.min(below + 1, sorted.length - 1);
        return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
    }

    private static void atLeast(int needed, int given) {
        if (given < needed) {
            throw new IllegalArgumentException("needs at least " + needed + " values, there are " + given);
        }
    }
}
