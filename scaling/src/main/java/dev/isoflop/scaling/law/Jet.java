package dev.isoflop.scaling.law;

/**
 * A number with its gradient and Hessian in a handful of parameters (second-order forward differentiation), so that a law is written once, as its formula.
 *
 * <p>Immutable. Constants of a formula are plain numbers; only what depends on a coefficient is a jet.
 */
public final class Jet {

    private static final double[] NONE = {};

    private final double value;
    private final double[] gradient;
    /** Lower triangle by rows: (0,0), (1,0), (1,1), (2,0), … */
    private final double[] hessian;

    private Jet(double value, double[] gradient, double[] hessian) {
        this.value = value;
        this.gradient = gradient;
        this.hessian = hessian;
    }

    /**
     * Parameter {@code index} of {@code parameters}.
     *
     * @param value where it stands
     */
    public static Jet variable(double value, int index, int parameters) {
        double[] gradient = new double[parameters];
        gradient[index] = 1;
        return new Jet(value, gradient, new double[parameters * (parameters + 1) / 2]);
    }

    /** Numbers where a formula wants jets and nobody its derivatives. */
    public static Jet[] constants(double[] values) {
        Jet[] jets = new Jet[values.length];
        for (int i = 0; i < values.length; i++) {
            jets[i] = new Jet(values[i], NONE, NONE);
        }
        return jets;
    }

    public double value() {
        return value;
    }

    /** First derivative by a parameter. */
    public double d(int i) {
        return gradient[i];
    }

    /** Second derivative by two parameters. */
    public double d(int i, int j) {
        return i >= j ? hessian[i * (i + 1) / 2 + j] : hessian[j * (j + 1) / 2 + i];
    }

    public Jet plus(Jet o) {
        int n = gradient.length;
        double[] g = new double[n];
        double[] h = new double[hessian.length];
        for (int i = 0; i < n; i++) {
            g[i] = gradient[i] + o.gradient[i];
        }
        for (int i = 0; i < h.length; i++) {
            h[i] = hessian[i] + o.hessian[i];
        }
        return new Jet(value + o.value, g, h);
    }

    public Jet plus(double constant) {
        return new Jet(value + constant, gradient, hessian);
    }

    public Jet times(double factor) {
        int n = gradient.length;
        double[] g = new double[n];
        double[] h = new double[hessian.length];
        for (int i = 0; i < n; i++) {
            g[i] = gradient[i] * factor;
        }
        for (int i = 0; i < h.length; i++) {
            h[i] = hessian[i] * factor;
        }
        return new Jet(value * factor, g, h);
    }

    public Jet negated() {
        return times(-1);
    }

    public Jet minus(Jet o) {
        return plus(o.negated());
    }

    public Jet times(Jet o) {
        int n = gradient.length;
        double[] g = new double[n];
        double[] h = new double[hessian.length];
        int k = 0;
        for (int i = 0; i < n; i++) {
            g[i] = value * o.gradient[i] + o.value * gradient[i];
            for (int j = 0; j <= i; j++, k++) {
                h[k] = value * o.hessian[k]
                        + o.value * hessian[k]
                        + gradient[i] * o.gradient[j]
                        + gradient[j] * o.gradient[i];
            }
        }
        return new Jet(value * o.value, g, h);
    }

    public Jet over(Jet o) {
        return times(o.power(-1));
    }

    public Jet exp() {
        double e = Math.exp(value);
        return chain(e, e, e);
    }

    public Jet log() {
        return chain(Math.log(value), 1 / value, -1 / (value * value));
    }

    /** This to a constant power. */
    public Jet power(double p) {
        double v = Math.pow(value, p);
        return chain(v, p * v / value, p * (p - 1) * v / (value * value));
    }

    /** This, which is positive, to the power of another. */
    public Jet power(Jet p) {
        return log().times(p).exp();
    }

    /** A positive constant to the power of this. */
    public Jet exponentOf(double base) {
        return times(Math.log(base)).exp();
    }

    /** A function of this, by its value and derivatives here. */
    public Jet chain(double f, double first, double second) {
        int n = gradient.length;
        double[] g = new double[n];
        double[] h = new double[hessian.length];
        int k = 0;
        for (int i = 0; i < n; i++) {
            g[i] = first * gradient[i];
            double gi = second * gradient[i];
            for (int j = 0; j <= i; j++, k++) {
                h[k] = first * hessian[k] + gi * gradient[j];
            }
        }
        return new Jet(f, g, h);
    }
}
