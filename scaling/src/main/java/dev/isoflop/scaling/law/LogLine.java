package dev.isoflop.scaling.law;

import java.util.Optional;
import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.ArrayRealVector;
import org.apache.commons.math3.linear.DecompositionSolver;
import org.apache.commons.math3.linear.QRDecomposition;

/** Weighted least squares of ln y = c0 + c1 ln x1 + c2 ln x2 + …: a power law. */
public final class LogLine {

    private LogLine() {}

    /**
     * @param x positive, a row a point
     * @param y positive
     * @param weight positive
     * @return c0, c1, …; empty if the points do not determine them
     */
    public static Optional<double[]> through(double[][] x, double[] y, double[] weight) {
        if (y.length == 0 || y.length <= x[0].length) {
            return Optional.empty();
        }
        int k = x[0].length;
        double total = 0;
        double[] centre = new double[k];
        for (int i = 0; i < y.length; i++) {
            total += weight[i];
            for (int j = 0; j < k; j++) {
                centre[j] += weight[i] * Math.log(x[i][j]);
            }
        }
        double[][] rows = new double[y.length][k + 1];
        double[] target = new double[y.length];
        for (int i = 0; i < y.length; i++) {
            double root = Math.sqrt(weight[i] / total);
            rows[i][0] = root;
            for (int j = 0; j < k; j++) {
                rows[i][j + 1] = root * (Math.log(x[i][j]) - centre[j] / total);
            }
            target[i] = root * Math.log(y[i]);
        }
        DecompositionSolver solver = new QRDecomposition(new Array2DRowRealMatrix(rows, false), 1e-9).getSolver();
        if (!solver.isNonSingular()) {
            return Optional.empty();
        }
        double[] c = solver.solve(new ArrayRealVector(target, false)).toArray();
        for (int j = 0; j < k; j++) {
            c[0] -= c[j + 1] * centre[j] / total;
        }
        return Optional.of(c);
    }
}
