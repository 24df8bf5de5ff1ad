package dev.isoflop.scaling.law;

import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.ArrayRealVector;
import org.apache.commons.math3.linear.DecompositionSolver;
import org.apache.commons.math3.linear.QRDecomposition;

/**
 * Least squares of c0 + c1 x + c2 y + (xx x^2 + 2 xy x y + yy y^2) / 2, about the mean of x and y.
 *
 * @param outcome whether it has a minimum, and if not, why; without one the numbers are not
 * @param x of the vertex
 * @param y of the vertex
 * @param value at the vertex
 * @param xx second derivative by x
 * @param xy by x and y
 * @param yy by y
 * @param inside whether the vertex is within the range of the points, in x and in y
 */
public record Paraboloid(
        Outcome outcome, double x, double y, double value, double xx, double xy, double yy, boolean inside) {

    /** Coefficients, which one point more than them leaves a check of. */
    public static final int COEFFICIENTS = 6;

    /** What came of the points. */
    public enum Outcome {
        MINIMUM,
        TOO_FEW,
        ON_A_LINE,
        NO_MINIMUM
    }

    /** Through points of the same order. */
    public static Paraboloid through(double[] x, double[] y, double[] value) {
        int n = value.length;
        if (n <= COEFFICIENTS) {
            return without(Outcome.TOO_FEW);
        }
        double[] centre = new double[2];
        double[] low = {Double.POSITIVE_INFINITY, Double.POSITIVE_INFINITY};
        double[] high = {Double.NEGATIVE_INFINITY, Double.NEGATIVE_INFINITY};
        double[][] of = {x, y};
        for (int k = 0; k < 2; k++) {
            for (double v : of[k]) {
                centre[k] += v / n;
                low[k] = Math.min(low[k], v);
                high[k] = Math.max(high[k], v);
            }
        }
        double[][] rows = new double[n][];
        for (int i = 0; i < n; i++) {
            double u = x[i] - centre[0];
            double v = y[i] - centre[1];
            rows[i] = new double[] {1, u, v, u * u / 2, u * v, v * v / 2};
        }
        DecompositionSolver solver = new QRDecomposition(new Array2DRowRealMatrix(rows, false), 1e-10).getSolver();
        if (!solver.isNonSingular()) {
            return without(Outcome.ON_A_LINE);
        }
        double[] c = solver.solve(new ArrayRealVector(value, false)).toArray();
        double determinant = c[3] * c[5] - c[4] * c[4];
        if (!(c[3] > 0) || !(determinant > 0)) {
            return without(Outcome.NO_MINIMUM);
        }
        double u = -(c[5] * c[1] - c[4] * c[2]) / determinant;
        double v = -(c[3] * c[2] - c[4] * c[1]) / determinant;
        double atX = u + centre[0];
        double atY = v + centre[1];
        return new Paraboloid(
                Outcome.MINIMUM,
                atX,
                atY,
                c[0] + (c[1] * u + c[2] * v) / 2,
                c[3],
                c[4],
                c[5],
                atX >= low[0] && atX <= high[0] && atY >= low[1] && atY <= high[1]);
    }

    private static Paraboloid without(Outcome outcome) {
        double none = Double.NaN;
        return new Paraboloid(outcome, none, none, none, none, none, none, false);
    }
}
