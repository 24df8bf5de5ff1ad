package dev.isoflop.scaling.fit;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Residual resampling: what a law leaves over of log loss, put back on it at random. */
final class ResidualDraws {

    private ResidualDraws() {}

    /**
     * @param residual log loss less what the law says, one a point
     * @param weight of the points: an error of variance s^2 / weight is drawn for each
     * @param coefficients of the law, which take up as many of the residuals' degrees of freedom
     * @return for each draw what to add to the law's log loss at each point
     */
    static List<double[]> draw(double[] residual, double[] weight, int coefficients, int count, long seed) {
        int n = residual.length;
        double mean = Arrays.stream(residual).average().orElse(0);
        double widen = Math.sqrt((double) n / Math.max(1, n - coefficients));
        double[] free = new double[n];
        for (int i = 0; i < n; i++) {
            free[i] = (residual[i] - mean) * widen * Math.sqrt(weight[i]);
        }
        List<double[]> out = new ArrayList<>(count);
        for (int[] indices : CaseDraws.indices(n, count, seed)) {
            double[] row = new double[n];
            for (int i = 0; i < n; i++) {
                row[i] = free[indices[i]] / Math.sqrt(weight[i]);
            }
            out.add(row);
        }
        return out;
    }
}
