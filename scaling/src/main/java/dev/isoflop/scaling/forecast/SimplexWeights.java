package dev.isoflop.scaling.forecast;

import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.ArrayRealVector;
import org.apache.commons.math3.linear.DecompositionSolver;
import org.apache.commons.math3.linear.LUDecomposition;

/**
 * Minimises w' Q w - 2 c' w over weights that are not negative and sum to one. Every support is tried: on each the minimum solves one linear system, and the best of those
 * whose weights are not negative is the minimum of all, Q being positive definite. For the few forms there are that is 2^k - 1 systems of at most k + 1 unknowns.
 */
final class SimplexWeights {

    /** 4,095 systems. */
    static final int MOST = 12;

    private SimplexWeights() {}

    /**
     * @param Q symmetric and positive definite, k x k
     * @param c of length k
     * @throws IllegalArgumentException if there are more than {@value #MOST} weights, or no support can be solved
     */
    static double[] minimum(double[][] Q, double[] c) {
        int k = c.length;
        if (k == 0 || k > MOST) {
            throw new IllegalArgumentException("1 to " + MOST + " weights can be found, not " + k);
        }
        double[] best = new double[0];
        double least = Double.POSITIVE_INFINITY;
        for (int support = 1; support < 1 << k; support++) {
            double[] w = on(Q, c, support);
            if (w.length == k) {
                double value = value(Q, c, w);
                if (value < least) {
                    least = value;
                    best = w;
                }
            }
        }
        if (best.length == 0) {
            throw new IllegalArgumentException("no weights minimise what is not finite");
        }
        return best;
    }

    static double value(double[][] Q, double[] c, double[] w) {
        double sum = 0;
        for (int i = 0; i < w.length; i++) {
            sum -= 2 * c[i] * w[i];
            for (int j = 0; j < w.length; j++) {
                sum += w[i] * Q[i][j] * w[j];
            }
        }
        return sum;
    }

    /** Of one support, with its multiplier: Q w + mu 1 = c, 1' w = 1; empty if that has no solution that is not negative. */
    private static double[] on(double[][] Q, double[] c, int support) {
        int k = c.length;
        int size = Integer.bitCount(support);
        int[] which = new int[size];
        double scale = 0;
        for (int i = 0, at = 0; i < k; i++) {
            if ((support >> i & 1) == 1) {
                which[at++] = i;
                scale = Math.max(scale, Q[i][i]);
            }
        }
        double[][] m = new double[size + 1][size + 1];
        double[] right = new double[size + 1];
        for (int i = 0; i < size; i++) {
            for (int j = 0; j < size; j++) {
                m[i][j] = Q[which[i]][which[j]] / scale;
            }
            m[i][size] = 1;
            m[size][i] = 1;
            right[i] = c[which[i]] / scale;
        }
        right[size] = 1;
        DecompositionSolver solver = new LUDecomposition(new Array2DRowRealMatrix(m, false), 1e-14).getSolver();
        if (!solver.isNonSingular()) {
            return new double[0];
        }
        double[] solved = solver.solve(new ArrayRealVector(right, false)).toArray();
        double[] w = new double[k];
        for (int i = 0; i < size; i++) {
            if (!(solved[i] >= 0)) {
                return new double[0];
            }
            w[which[i]] = solved[i];
        }
        return w;
    }
}
