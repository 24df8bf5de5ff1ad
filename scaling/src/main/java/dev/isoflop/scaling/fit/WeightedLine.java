package dev.isoflop.scaling.fit;

/**
 * A straight line by weighted least squares, about the weighted means.
 *
 * @param meanX of the abscissae
 * @param meanY of the ordinates
 * @param slope of the line
 */
public record WeightedLine(double meanX, double meanY, double slope) {

    /** Through at least two distinct x. */
    public static WeightedLine through(double[] x, double[] y, double[] w) {
        double mx = mean(x, w);
        double my = mean(y, w);
        double xx = 0;
        double xy = 0;
        for (int i = 0; i < x.length; i++) {
            xx += w[i] * (x[i] - mx) * (x[i] - mx);
            xy += w[i] * (x[i] - mx) * (y[i] - my);
        }
        return new WeightedLine(mx, my, xy / xx);
    }

    static double mean(double[] x, double[] w) {
        double sum = 0;
        double total = 0;
        for (int i = 0; i < x.length; i++) {
            sum += w[i] * x[i];
            total += w[i];
        }
        return sum / total;
    }

    public double at(double x) {
        return meanY + slope * (x - meanX);
    }

    public double intercept() {
        return meanY - slope * meanX;
    }
}
