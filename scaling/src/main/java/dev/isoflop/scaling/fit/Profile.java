package dev.isoflop.scaling.fit;

/**
 * Profile of the objective over one exponent: everything else is minimised at each value, warm from the last. Walks out
 * from the optimum until the objective has risen by the allowed ratio, then closes in by bisection.
 */
final class Profile {

    private static final double FACTOR = 1.25;
    private static final int BISECTIONS = 8;

    private final HuberLogSumExp f;
    private final double[] best;
    private final double limit;
    private final ParametricOptions options;
    private final DampedNewton newton;

    Profile(HuberLogSumExp f, double[] best, double minimum, double ratio, ParametricOptions options) {
        this.f = f;
        this.best = best;
        // points that a law passes through exactly have a minimum of rounding errors, which no ratio of it describes
        this.limit = Math.max(minimum, 1e-22 * f.size()) * ratio;
        this.options = options;
        this.newton = new DampedNewton(options.minExponent(), options.maxExponent());
    }

    /**
     * @param parameter 3 for alpha, 4 for beta
     * @return ends infinite where the objective never rises enough
     */
    Estimate interval(int parameter) {
        return new Estimate(best[parameter], end(parameter, 1 / FACTOR), end(parameter, FACTOR));
    }

    private double end(int parameter, double factor) {
        double[] inside = best;
        double outside = best[parameter];
        while (true) {
            double next = Math.clamp(outside * factor, options.minExponent(), options.maxExponent());
            if (next == inside[parameter]) {
                return factor > 1 ? Double.POSITIVE_INFINITY : Double.NEGATIVE_INFINITY;
            }
            outside = next;
            DampedNewton.Minimum at = at(parameter, outside, inside);
            if (at.value() > limit) {
                break;
            }
            inside = at.theta();
        }
        for (int i = 0; i < BISECTIONS; i++) {
            double middle = Math.sqrt(inside[parameter] * outside);
            DampedNewton.Minimum at = at(parameter, middle, inside);
            if (at.value() > limit) {
                outside = middle;
            } else {
                inside = at.theta();
            }
        }
        return Math.sqrt(inside[parameter] * outside);
    }

    private DampedNewton.Minimum at(int parameter, double value, double[] from) {
        double[] start = from.clone();
        start[parameter] = value;
        return newton.minimise(f, start, parameter);
    }
}
