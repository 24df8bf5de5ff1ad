package dev.isoflop.scaling.law.form;

/** Values of exponents to look from, and columns made with them. */
public final class Grid {

    private Grid() {}

    /** Evenly spaced logarithms, both ends included. */
    public static double[] logarithmic(double low, double high, int count) {
        double[] values = new double[count];
        for (int i = 0; i < count; i++) {
            values[i] = low * Math.pow(high / low, (double) i / (count - 1));
        }
        return values;
    }

    /** Each value to a power. */
    public static double[] power(double[] values, double exponent) {
        double[] out = new double[values.length];
        for (int i = 0; i < out.length; i++) {
            out[i] = Math.pow(values[i], exponent);
        }
        return out;
    }

    /** Each value to minus each exponent: a row an exponent. */
    public static double[][] falling(double[] values, double[] exponents) {
        double[][] out = new double[exponents.length][];
        for (int k = 0; k < out.length; k++) {
            out[k] = power(values, -exponents[k]);
        }
        return out;
    }

    public static double[] ones(int count) {
        double[] out = new double[count];
        java.util.Arrays.fill(out, 1);
        return out;
    }
}
