package dev.isoflop.scaling.fit;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Starts for the optimizer. For fixed (alpha, beta) the law is linear in (E, A, B), so on a log-spaced grid of exponents
 * the best non-negative coefficients come from a 3 x 3 problem; the starts are the grid's basins under the real
 * objective. This leaves two dimensions to search where Hoffmann's grid has five.
 */
final class VariableProjection {

    private VariableProjection() {}

    /**
     * A pair of exponents.
     *
     * @param theta centred parameters: the exponents with the best coefficients by least squares of relative error
     * @param value the real objective there
     */
    record Cell(int row, int column, double[] theta, double value) {}

    /**
     * @param limit most starts returned
     * @return centred parameter vectors, best first: every local minimum of the grid, at least one
     */
    static List<double[]> starts(HuberLogSumExp f, int side, double minExponent, double maxExponent, int limit) {
        // exponents below .02 or above 2 are reached by the optimizer, not looked for
        Cell[][] grid = grid(f, side, Math.max(minExponent, 0.02), Math.min(maxExponent, 2));
        List<Cell> basins = new ArrayList<>();
        for (Cell[] row : grid) {
            for (Cell cell : row) {
                if (isLocalMinimum(grid, cell)) {
                    basins.add(cell);
                }
            }
        }
        return basins.stream()
                .sorted(Comparator.comparingDouble(Cell::value))
                .limit(limit)
                .map(Cell::theta)
                .toList();
    }

    /** Every pair of {@code side} exponents, their logarithms evenly spaced, alpha by row. */
    static Cell[][] grid(HuberLogSumExp f, int side, double lowest, double highest) {
        double[] exponents = exponents(side, lowest, highest);
        return grid(f, exponents, exponents);
    }

    /** {@code side} exponents, their logarithms evenly spaced. */
    static double[] exponents(int side, double lowest, double highest) {
        double low = Math.log(lowest);
        double high = Math.log(highest);
        double[] out = new double[side];
        for (int k = 0; k < side; k++) {
            out[k] = Math.exp(low + (high - low) * k / (side - 1));
        }
        return out;
    }

    /** Every pair, alpha by row. */
    static Cell[][] grid(HuberLogSumExp f, double[] alphas, double[] betas) {
        int n = f.size();
        double[][] px = new double[alphas.length][n];
        double[][] py = new double[betas.length][n];
        for (int i = 0; i < n; i++) {
            for (int k = 0; k < alphas.length; k++) {
                px[k][i] = Math.exp(-alphas[k] * f.x(i));
            }
            for (int k = 0; k < betas.length; k++) {
                py[k][i] = Math.exp(-betas[k] * f.y(i));
            }
        }
        // least squares of relative error, near enough to log error to seed with
        double[] invLoss = new double[n];
        for (int i = 0; i < n; i++) {
            invLoss[i] = Math.exp(-f.logLoss(i));
        }
        Cell[][] grid = new Cell[alphas.length][betas.length];
        for (int r = 0; r < alphas.length; r++) {
            for (int c = 0; c < betas.length; c++) {
                double[] coefficients = project(f, px[r], py[c], invLoss);
                double[] theta = {
                    Math.log(coefficients[1]), Math.log(coefficients[2]), Math.log(coefficients[0]), alphas[r], betas[c]
                };
                grid[r][c] = new Cell(r, c, theta, value(f, px[r], py[c], coefficients));
            }
        }
        return grid;
    }

    /** Whether none of its neighbours is lower. */
    static boolean isLocalMinimum(Cell[][] grid, Cell cell) {
        for (int r = Math.max(0, cell.row - 1); r <= Math.min(grid.length - 1, cell.row + 1); r++) {
            for (int c = Math.max(0, cell.column - 1); c <= Math.min(grid.length - 1, cell.column + 1); c++) {
                if (grid[r][c].value < cell.value) {
                    return false;
                }
            }
        }
        return true;
    }

    private static double value(HuberLogSumExp f, double[] px, double[] py, double[] c) {
        double delta = f.delta();
        double sum = 0;
        for (int i = 0; i < px.length; i++) {
            double r = Math.abs(Math.log(c[0] + c[1] * px[i] + c[2] * py[i]) - f.logLoss(i));
            sum += f.weight(i) * (r <= delta ? 0.5 * r * r : delta * (r - 0.5 * delta));
        }
        return sum;
    }

    /** Weighted least squares for (E, A, B); a coefficient that would be negative is put at a trace of the loss. */
    private static double[] project(HuberLogSumExp f, double[] px, double[] py, double[] invLoss) {
        double[][] m = new double[3][3];
        double[] v = new double[3];
        double[] scale = new double[3];
        for (int i = 0; i < px.length; i++) {
            double w = f.weight(i);
            double u0 = invLoss[i];
            double u1 = px[i] * u0;
            double u2 = py[i] * u0;
            m[0][0] += w * u0 * u0;
            m[0][1] += w * u0 * u1;
            m[0][2] += w * u0 * u2;
            m[1][1] += w * u1 * u1;
            m[1][2] += w * u1 * u2;
            m[2][2] += w * u2 * u2;
            v[0] += w * u0;
            v[1] += w * u1;
            v[2] += w * u2;
            scale[0] += u0;
            scale[1] += u1;
            scale[2] += u2;
        }
        m[1][0] = m[0][1];
        m[2][0] = m[0][2];
        m[2][1] = m[1][2];
        double[] best = new double[3];
        double bestGain = Double.NEGATIVE_INFINITY;
        // three unknowns have seven supports: the feasible one that explains most is the non-negative optimum
        for (int support = 1; support < 8; support++) {
            double[] c = solve(m, v, support);
            if (c.length == 0) {
                continue;
            }
            double gain = 0;
            boolean feasible = true;
            for (int k = 0; k < 3; k++) {
                feasible &= c[k] >= 0;
                gain += c[k] * v[k];
            }
            if (feasible && gain > bestGain) {
                bestGain = gain;
                best = c;
            }
        }
        for (int k = 0; k < 3; k++) {
            best[k] = Math.max(best[k], 1e-3 * px.length / scale[k]);
        }
        return best;
    }

    /** Cramer's rule on the supported rows, scaled by the diagonal; empty when singular. */
    private static double[] solve(double[][] m, double[] v, int support) {
        double[][] s = new double[3][3];
        double[] r = new double[3];
        double[] d = new double[3];
        for (int i = 0; i < 3; i++) {
            d[i] = Math.sqrt(m[i][i]);
        }
        for (int i = 0; i < 3; i++) {
            boolean in = (support >> i & 1) == 1;
            for (int j = 0; j < 3; j++) {
                boolean both = in && (support >> j & 1) == 1;
                s[i][j] = both ? m[i][j] / (d[i] * d[j]) : 0;
            }
            s[i][i] = 1;
            r[i] = in ? v[i] / d[i] : 0;
        }
        double c00 = s[1][1] * s[2][2] - s[1][2] * s[2][1];
        double c01 = s[1][2] * s[2][0] - s[1][0] * s[2][2];
        double c02 = s[1][0] * s[2][1] - s[1][1] * s[2][0];
        double det = s[0][0] * c00 + s[0][1] * c01 + s[0][2] * c02;
        if (!(Math.abs(det) > 1e-12)) {
            return new double[0];
        }
        double[] out = new double[3];
        for (int k = 0; k < 3; k++) {
            double[][] t = {s[0].clone(), s[1].clone(), s[2].clone()};
            for (int i = 0; i < 3; i++) {
                t[i][k] = r[i];
            }
            double top = t[0][0] * (t[1][1] * t[2][2] - t[1][2] * t[2][1])
                    - t[0][1] * (t[1][0] * t[2][2] - t[1][2] * t[2][0])
                    + t[0][2] * (t[1][0] * t[2][1] - t[1][1] * t[2][0]);
            out[k] = top / det / d[k];
        }
        return out;
    }
}
