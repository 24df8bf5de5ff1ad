package dev.isoflop.scaling.design;

import dev.isoflop.scaling.law.ChinchillaLaw;

/**
 * Covariance of (ln A, ln B, ln E, alpha, beta) by what each run says of them, to first order about a law (Laplace): the inverse of the sum of g g' / sigma^2, g the
 * gradient of a run's log loss. Begins with a wide prior, which only matters while there are few runs.
 */
final class Information {

    private static final int PARAMETERS = 5;
    /** Of ln A, ln B, ln E, alpha and beta: published laws differ by less. */
    private static final double[] PRIOR_SD = {2, 2, 0.3, 0.1, 0.1};

    private final ChinchillaLaw law;
    private final double sigma;
    private final double[][] covariance = new double[PARAMETERS][PARAMETERS];

    Information(ChinchillaLaw law, double sigma) {
        this.law = law;
        this.sigma = sigma;
        for (int i = 0; i < PARAMETERS; i++) {
            covariance[i][i] = PRIOR_SD[i] * PRIOR_SD[i];
        }
    }

    /** Gradient of log loss. */
    double[] gradient(double N, double D) {
        double model = law.A() * Math.pow(N, -law.alpha());
        double data = law.B() * Math.pow(D, -law.beta());
        double loss = law.E() + model + data;
        return new double[] {
            model / loss, data / loss, law.E() / loss, -model * Math.log(N) / loss, -data * Math.log(D) / loss
        };
    }

    /** Gradient of a target, by central differences. */
    double[] gradient(DesignTarget target) {
        double[] at = {Math.log(law.A()), Math.log(law.B()), Math.log(law.E()), law.alpha(), law.beta()};
        double[] out = new double[PARAMETERS];
        double step = 1e-5;
        for (int i = 0; i < PARAMETERS; i++) {
            double[] up = at.clone();
            double[] down = at.clone();
            up[i] += step;
            down[i] -= step;
            out[i] = (target.value(of(up)) - target.value(of(down))) / (2 * step);
        }
        return out;
    }

    private static ChinchillaLaw of(double[] t) {
        return new ChinchillaLaw(Math.exp(t[2]), Math.exp(t[0]), Math.exp(t[1]), t[3], t[4]);
    }

    double[] times(double[] g) {
        double[] out = new double[PARAMETERS];
        for (int i = 0; i < PARAMETERS; i++) {
            for (int j = 0; j < PARAMETERS; j++) {
                out[i] += covariance[i][j] * g[j];
            }
        }
        return out;
    }

    double variance(double[] g) {
        return dot(g, times(g));
    }

    /**
     * By how much one run would lower the variance of a target.
     *
     * @param run gradient of its log loss
     * @param target {@link #times} of the target's gradient
     */
    double reduction(double[] run, double[] target, double weight) {
        double shared = dot(run, target);
        return shared * shared / (sigma * sigma / weight + variance(run));
    }

    /** Takes a run in (Sherman and Morrison 1950). */
    void add(double[] g, double weight) {
        double[] cg = times(g);
        double scale = 1 / (sigma * sigma / weight + dot(g, cg));
        for (int i = 0; i < PARAMETERS; i++) {
            for (int j = 0; j < PARAMETERS; j++) {
                covariance[i][j] -= scale * cg[i] * cg[j];
            }
        }
    }

    private static double dot(double[] a, double[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += a[i] * b[i];
        }
        return sum;
    }
}
