package dev.isoflop.scaling.fit;

import java.util.Arrays;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * The bootstrap's parameter vectors, kept so that an interval for any later target comes from the same draws.
 *
 * @param names what each column is
 * @param rows one vector a resample
 */
public record Resamples(List<String> names, List<double[]> rows) {

    public Resamples {
        names = List.copyOf(names);
        rows = List.copyOf(rows);
    }

    public int size() {
        return rows.size();
    }

    /** Percentile interval of a function of the parameters. With no resamples the interval is the whole line. */
    public Estimate estimate(double value, double level, ToDoubleFunction<double[]> of) {
        double[] values = new double[rows.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = of.applyAsDouble(rows.get(i));
        }
        return percentile(value, level, values);
    }

    /**
     * @param values one a resample; those that are not a number stand for "no finite value" and count to both ends
     */
    static Estimate percentile(double value, double level, double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        int n = sorted.length;
        while (n > 0 && Double.isNaN(sorted[n - 1])) {
            n--;
        }
        double lost = sorted.length - n;
        double tail = (1 - level) / 2 * sorted.length - lost / 2;
        if (n < 2 || tail < 0) {
            return new Estimate(value, Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY);
        }
        double share = tail / n;
        return new Estimate(value, quantile(sorted, n, share), quantile(sorted, n, 1 - share));
    }

    /** Linear between order statistics (type 7, numpy's default). */
    static double quantile(double[] sorted, int n, double p) {
        double position = p * (n - 1);
        int low = (int) Math.floor(position);
        int high = Math.min(low + 1, n - 1);
        return sorted[low] + (position - low) * (sorted[high] - sorted[low]);
    }
}
