package dev.isoflop.scaling.isoflop;

/**
 * y = intercept + slope x.
 *
 * @param r2 weighted share of the variance of y
 */
record Line(double intercept, double slope, double r2) {

    /** Weighted least squares through at least two distinct x. */
    static Line through(double[] x, double[] y, double[] w) {
        double total = 0;
        double mx = 0;
        double my = 0;
        for (int i = 0; i < x.length; i++) {
            total += w[i];
            mx += w[i] * x[i];
            my += w[i] * y[i];
        }
        mx /= total;
        my /= total;
        double xx = 0;
        double xy = 0;
        double yy = 0;
        for (int i = 0; i < x.length; i++) {
            xx += w[i] * (x[i] - mx) * (x[i] - mx);
            xy += w[i] * (x[i] - mx) * (y[i] - my);
            yy += w[i] * (y[i] - my) * (y[i] - my);
        }
        double slope = xy / xx;
        return new Line(my - slope * mx, slope, yy > 0 ? slope * xy / yy : 1);
    }
}
