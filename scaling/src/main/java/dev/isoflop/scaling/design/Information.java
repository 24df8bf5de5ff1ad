package dev.isoflop.scaling.design;

import dev.isoflop.scaling.law.ChinchillaLaw;
import java.util.HashMap;
import java.util.Map;

/**
 * Covariance of (ln A, ln B, ln E, alpha, beta) by what runs say of them, to first order about a law (Laplace): the inverse of the sum of g g' times what is known at each
 * place, g the gradient of log loss there. At a place with m runs that is 1 / (misfit^2 + noise^2 / m): repetition averages noise away and not what the law is off
 * by there, so more of it says ever less. Begins with a wide prior, which only matters while there are few runs.
 */
final class Information {

    private static final int PARAMETERS = 5;
    /** Of ln A, ln B, ln E, alpha and beta: published laws differ by less. */
    private static final double[] PRIOR_SD = {2, 2, 0.3, 0.1, 0.1};

    private final ChinchillaLaw law;
    private final double noise;
    private final double misfit;
    /** Weight of the runs at each place. */
    private final Map<Place, Double> runs = new HashMap<>();

    private final double[][] covariance = new double[PARAMETERS][PARAMETERS];

    /** Runs that are closer than a quarter of a factor of e in N and D are at one place. */
    private record Place(long n, long d) {
        static Place of(double N, double D) {
            return new Place(Math.round(4 * Math.log(N)), Math.round(4 * Math.log(D)));
        }
    }

    /**
     * @param noise standard deviation of a run's log loss
     * @param misfit by which the law may be off at any one place
     */
    Information(ChinchillaLaw law, double noise, double misfit) {
        this.law = law;
        this.noise = noise;
        this.misfit = misfit;
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

    /** What one more run adds to what is known at its place. */
    private double adds(double N, double D, double weight) {
        double there = runs.getOrDefault(Place.of(N, D), 0.0);
        return known(there + weight) - known(there);
    }

    private double known(double weight) {
        return weight == 0 ? 0 : 1 / (misfit * misfit + noise * noise / weight);
    }

    /**
     * By how much one run would lower the variance of a target.
     *
     * @param target {@link #times} of the target's gradient
     */
    double reduction(double N, double D, double[] target) {
        double[] g = gradient(N, D);
        double shared = dot(g, target);
        return shared * shared / (1 / adds(N, D, 1) + variance(g));
    }

    /** Takes a run in (Sherman and Morrison 1950). */
    void add(double N, double D, double weight) {
        double[] g = gradient(N, D);
        double[] cg = times(g);
        double scale = 1 / (1 / adds(N, D, weight) + dot(g, cg));
        for (int i = 0; i < PARAMETERS; i++) {
            for (int j = 0; j < PARAMETERS; j++) {
                covariance[i][j] -= scale * cg[i] * cg[j];
            }
        }
        runs.merge(Place.of(N, D), weight, Double::sum);
    }

    private static double dot(double[] a, double[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += a[i] * b[i];
        }
        return sum;
    }
}
