package dev.isoflop.scaling.fit;

/**
 * Minimises an {@link Objective} by Newton steps on the exact Hessian, damped in the metric of the reweighted
 * Gauss-Newton matrix.
 *
 * <p>With delta = 1e-3 the objective is a smoothed L1 norm: most residuals sit in the linear zone, the curvature is that
 * of the few near zero and jumps as points cross. Quasi-Newton methods average over those jumps and stop early (a
 * published fit was 3e-4 above its minimum); the exact Hessian is right inside each piece, and damping carries the
 * iterate over the edges. Parameters are kept in their ranges by projection, and one pressed against an end is held there.
 *
 * <p>Not thread safe; one per thread.
 */
final class DampedNewton {

    private static final int MAX_ITERATIONS = 400;
    /** Relative decrease below which an accepted step counts as none. */
    private static final double NO_PROGRESS = 1e-13;

    private final int n;
    private final double[] low;
    private final double[] high;
    private final double[][] factor;
    private final double[] step;
    private final double[] trial;
    private final boolean[] held;

    /**
     * @param low lower end of each parameter's range
     * @param high upper end of each
     */
    DampedNewton(double[] low, double[] high) {
        this.n = low.length;
        this.low = low.clone();
        this.high = high.clone();
        this.factor = new double[n][n];
        this.step = new double[n];
        this.trial = new double[n];
        this.held = new boolean[n];
    }

    /** For a {@link HuberLogSumExp}: its exponents are bounded, the others are free. */
    DampedNewton(double minExponent, double maxExponent) {
        this(bounds(Double.NEGATIVE_INFINITY, minExponent), bounds(Double.POSITIVE_INFINITY, maxExponent));
    }

    private static double[] bounds(double coefficients, double exponents) {
        return new double[] {coefficients, coefficients, coefficients, exponents, exponents};
    }

    /**
     * @param theta centred parameters
     * @param value the objective there
     * @param iterations Newton steps tried
     * @param decrement estimated distance of the objective above its minimum, relative to it
     * @param converged whether it stopped by itself
     */
    record Minimum(double[] theta, double value, int iterations, double decrement, boolean converged) {}

    Minimum minimise(Objective f, double[] start) {
        return minimise(f, start, -1);
    }

    /**
     * @param fixed a parameter held at its start, or -1
     */
    Minimum minimise(Objective f, double[] start, int fixed) {
        double[] theta = start.clone();
        for (int i = 0; i < n; i++) {
            if (i != fixed) {
                theta[i] = Math.clamp(theta[i], low[i], high[i]);
            }
        }
        f.evaluate(theta);
        double value = f.value;
        double mu = 1e-2;
        int quiet = 0;
        int iterations = 0;
        boolean converged = false;
        while (iterations < MAX_ITERATIONS) {
            iterations++;
            for (int i = 0; i < n; i++) {
                held[i] = i == fixed;
            }
            for (int i = 0; i < n; i++) {
                // what no point depends on, such as the level of a group that was not drawn, stays where it is
                held[i] |= f.majorizer[i][i] == 0;
                held[i] |= (theta[i] <= low[i] && f.gradient[i] > 0) || (theta[i] >= high[i] && f.gradient[i] < 0);
            }
            boolean accepted = false;
            while (mu < 1e10) {
                if (solve(f, mu)) {
                    double moved = propose(theta, fixed);
                    double candidate = f.valueAt(trial);
                    if (candidate < value) {
                        double gain = value - candidate;
                        System.arraycopy(trial, 0, theta, 0, n);
                        quiet = gain <= NO_PROGRESS * value || moved == 0 ? quiet + 1 : 0;
                        value = candidate;
                        mu = Math.max(mu / 8, 1e-14);
                        accepted = true;
                        break;
                    }
                }
                mu *= 5;
            }
            if (!accepted || quiet >= 3 || value == 0) {
                converged = true;
                break;
            }
            f.evaluate(theta);
        }
        f.evaluate(theta);
        return new Minimum(theta, value, iterations, decrement(f), converged);
    }

    private double propose(double[] theta, int fixed) {
        double moved = 0;
        for (int i = 0; i < n; i++) {
            trial[i] = theta[i] + step[i];
            if (i != fixed) {
                trial[i] = Math.clamp(trial[i], low[i], high[i]);
            }
            moved += Math.abs(trial[i] - theta[i]);
        }
        return moved;
    }

    /** Half g' M^-1 g over the value, M the lightly damped majorizer: what one more safe step could gain. */
    private double decrement(Objective f) {
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                factor[i][j] = f.majorizer[i][j];
            }
            factor[i][i] += 1e-9 * f.majorizer[i][i] + 1e-300;
        }
        hold();
        if (!cholesky() || f.value == 0) {
            return 0;
        }
        backsolve(f.gradient);
        double gain = 0;
        for (int i = 0; i < n; i++) {
            gain -= held[i] ? 0 : 0.5 * step[i] * f.gradient[i];
        }
        return gain / f.value;
    }

    private boolean solve(Objective f, double mu) {
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                factor[i][j] = f.hessian[i][j] + mu * f.majorizer[i][j];
            }
            factor[i][i] += mu * 1e-3 * f.majorizer[i][i];
        }
        hold();
        if (!cholesky()) {
            return false;
        }
        backsolve(f.gradient);
        return true;
    }

    private void hold() {
        for (int i = 0; i < n; i++) {
            if (held[i]) {
                for (int j = 0; j < n; j++) {
                    factor[i][j] = 0;
                    factor[j][i] = 0;
                }
                factor[i][i] = 1;
            }
        }
    }

    private boolean cholesky() {
        for (int i = 0; i < n; i++) {
            for (int j = 0; j <= i; j++) {
                double sum = factor[i][j];
                for (int k = 0; k < j; k++) {
                    sum -= factor[i][k] * factor[j][k];
                }
                if (i == j) {
                    if (!(sum > 0)) {
                        return false;
                    }
                    factor[i][i] = Math.sqrt(sum);
                } else {
                    factor[i][j] = sum / factor[j][j];
                }
            }
        }
        return true;
    }

    private void backsolve(double[] gradient) {
        for (int i = 0; i < n; i++) {
            double sum = held[i] ? 0 : -gradient[i];
            for (int k = 0; k < i; k++) {
                sum -= factor[i][k] * step[k];
            }
            step[i] = sum / factor[i][i];
        }
        for (int i = n - 1; i >= 0; i--) {
            double sum = step[i];
            for (int k = i + 1; k < n; k++) {
                sum -= factor[k][i] * step[k];
            }
            step[i] = sum / factor[i][i];
        }
    }
}
