package dev.isoflop.scaling.law;

import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.ArrayRealVector;
import org.apache.commons.math3.linear.DecompositionSolver;
import org.apache.commons.math3.linear.QRDecomposition;
import org.apache.commons.math3.linear.RealVector;

/**
 * Least squares with coefficients that are not negative, for the few that laws are linear in once their exponents are given (variable projection). All supports
 * are tried, which for k columns are 2^k - 1.
 */
public final class NonNegative {

    /** A coefficient that would be 0 is put where its column contributes this share of the target: its logarithm is looked for. */
    private static final double TRACE = 1e-3;

    private NonNegative() {}

    /**
     * Minimises the squares of relative error, near enough to errors of logarithms to look from.
     *
     * @param columns one a coefficient, of positive numbers
     * @param target positive
     * @return positive coefficients
     */
    public static double[] relative(double[][] columns, double[] target) {
        int k = columns.length;
        int n = target.length;
        double[] scale = new double[k];
        double[][] scaled = new double[k][n];
        for (int c = 0; c < k; c++) {
            for (int i = 0; i < n; i++) {
                scaled[c][i] = columns[c][i] / target[i];
                scale[c] += scaled[c][i] / n;
            }
            for (int i = 0; i < n; i++) {
                scaled[c][i] /= scale[c];
            }
        }
        double[] best = new double[k];
        double least = Double.POSITIVE_INFINITY;
        for (int support = 1; support < 1 << k; support++) {
            double[] solved = solve(scaled, support, n);
            double squares = squares(scaled, solved, n);
            if (squares < least) {
                least = squares;
                best = solved;
            }
        }
        for (int c = 0; c < k; c++) {
            best[c] = Math.max(best[c], TRACE) / scale[c];
        }
        return best;
    }

    /** Zero outside the support; all zero if it has no feasible solution. */
    private static double[] solve(double[][] columns, int support, int n) {
        double[] out = new double[columns.length];
        double[][] rows = new double[n][Integer.bitCount(support)];
        int at = 0;
        for (int c = 0; c < columns.length; c++) {
            if ((support >> c & 1) == 1) {
                for (int i = 0; i < n; i++) {
                    rows[i][at] = columns[c][i];
                }
                at++;
            }
        }
        DecompositionSolver solver = new QRDecomposition(new Array2DRowRealMatrix(rows, false), 1e-12).getSolver();
        if (n < at || !solver.isNonSingular()) {
            return out;
        }
        RealVector solved = solver.solve(new ArrayRealVector(n, 1.0));
        for (int c = 0, j = 0; c < columns.length; c++) {
            if ((support >> c & 1) == 1) {
                double v = solved.getEntry(j++);
                if (v < 0) {
                    return new double[columns.length];
                }
                out[c] = v;
            }
        }
        return out;
    }

    private static double squares(double[][] columns, double[] c, int n) {
        double sum = 0;
        for (int i = 0; i < n; i++) {
            double r = -1;
            for (int k = 0; k < c.length; k++) {
                r += c[k] * columns[k][i];
            }
            sum += r * r;
        }
        return sum;
    }
}
