package dev.isoflop.lm.cpu;

/** Muon in float64, written down as the paper has it. */
final class MuonReference {

    private MuonReference() {}

    /** Five Newton-Schulz iterations on {@code [rows][columns]}, which is first divided by its norm. */
    static double[] orthogonalise(double[] u, int rows, int columns) {
        if (rows > columns) {
            return transpose(orthogonalise(transpose(u, rows, columns), columns, rows), columns, rows);
        }
        double norm = 0;
        for (double value : u) {
            norm += value * value;
        }
        double[] x = u.clone();
        for (int i = 0; i < x.length; i++) {
            x[i] /= Math.sqrt(norm) + 1e-7;
        }
        for (int iteration = 0; iteration < 5; iteration++) {
            double[] a = product(x, rows, columns, transpose(x, rows, columns), rows);
            double[] aa = product(a, rows, rows, a, rows);
            double[] b = new double[a.length];
            for (int i = 0; i < b.length; i++) {
                b[i] = -4.7750 * a[i] + 2.0315 * aa[i];
            }
            double[] bx = product(b, rows, rows, x, columns);
            for (int i = 0; i < x.length; i++) {
                x[i] = 3.4445 * x[i] + bx[i];
            }
        }
        return x;
    }

    /**
     * One step in place.
     *
     * @param g the clipped gradient
     */
    static void step(double[] w, double[] momentum, double[] g, int rows, int columns, double rate, double decay) {
        double[] u = new double[g.length];
        for (int i = 0; i < g.length; i++) {
            momentum[i] = 0.95 * momentum[i] + g[i];
            u[i] = 0.95 * momentum[i] + g[i];
        }
        double[] x = orthogonalise(u, rows, columns);
        for (int i = 0; i < w.length; i++) {
            w[i] = w[i] * (1 - rate * decay) - rate * 0.2 * Math.sqrt(Math.max(rows, columns)) * x[i];
        }
    }

    static double[] product(double[] a, int m, int k, double[] b, int n) {
        double[] c = new double[m * n];
        for (int i = 0; i < m; i++) {
            for (int p = 0; p < k; p++) {
                for (int j = 0; j < n; j++) {
                    c[i * n + j] += a[i * k + p] * b[p * n + j];
                }
            }
        }
        return c;
    }

    static double[] transpose(double[] a, int rows, int columns) {
        double[] t = new double[a.length];
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < columns; j++) {
                t[j * rows + i] = a[i * columns + j];
            }
        }
        return t;
    }

    /** Singular values in no order: roots of the eigenvalues of the smaller Gram matrix, by Jacobi's rotations. */
    static double[] singularValues(double[] x, int rows, int columns) {
        if (rows > columns) {
            return singularValues(transpose(x, rows, columns), columns, rows);
        }
        int n = rows;
        double[] a = product(x, n, columns, transpose(x, n, columns), n);
        for (int sweep = 0; sweep < 30; sweep++) {
            for (int p = 0; p < n; p++) {
                for (int q = p + 1; q < n; q++) {
                    rotate(a, n, p, q);
                }
            }
        }
        double[] values = new double[n];
        for (int i = 0; i < n; i++) {
            values[i] = Math.sqrt(Math.max(0, a[i * n + i]));
        }
        return values;
    }

    private static void rotate(double[] a, int n, int p, int q) {
        double off = a[p * n + q];
        if (Math.abs(off) < 1e-300) {
            return;
        }
        double theta = (a[q * n + q] - a[p * n + p]) / (2 * off);
        double t = Math.copySign(1, theta) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
        double c = 1 / Math.sqrt(t * t + 1);
        double s = t * c;
        for (int k = 0; k < n; k++) {
            double kp = a[k * n + p];
            double kq = a[k * n + q];
            a[k * n + p] = c * kp - s * kq;
            a[k * n + q] = s * kp + c * kq;
        }
        for (int k = 0; k < n; k++) {
            double pk = a[p * n + k];
            double qk = a[q * n + k];
            a[p * n + k] = c * pk - s * qk;
            a[q * n + k] = s * pk + c * qk;
        }
    }
}
