package dev.isoflop.scaling.fit;

import java.util.Comparator;
import java.util.stream.IntStream;
import org.apache.commons.math3.stat.descriptive.rank.Median;

/** Standard deviation of residuals by their median absolute value, which runs that went wrong do not move. */
public final class RobustScale {

    /** Of a normal distribution. */
    private static final double MAD_TO_SD = 1.4826;

    private RobustScale() {}

    /** @param residuals about zero, of either sign */
    public static double of(double[] residuals) {
        double[] magnitudes = residuals.clone();
        java.util.Arrays.setAll(magnitudes, i -> Math.abs(residuals[i]));
        return MAD_TO_SD * new Median().evaluate(magnitudes);
    }

    /** By the weighted median: the least magnitude up to which half of the weight lies. */
    public static double of(double[] residuals, double[] weight) {
        int[] order = IntStream.range(0, residuals.length)
                .boxed()
                .sorted(Comparator.comparingDouble(i -> Math.abs(residuals[i])))
                .mapToInt(Integer::intValue)
                .toArray();
        double half = java.util.Arrays.stream(weight).sum() / 2;
        double sum = 0;
        for (int i : order) {
            sum += weight[i];
            if (sum >= half) {
                return MAD_TO_SD * Math.abs(residuals[i]);
            }
        }
        return 0;
    }
}
