package dev.isoflop.scaling.isoflop;

/**
 * Akima's interpolation (1970): a cubic in each gap whose slopes at the ends weigh those of the neighbouring gaps by how much their further neighbours bend, so
 * that a point that is off bends the curve near it only. Beyond each end two gaps are made up whose slopes go on as the last two did, as in scipy; commons-math
 * takes other ends, which moves a minimum in the first or last two gaps.
 */
final class Akima {

    private final double[] x;
    private final double[] y;
    private final double[] slope;

    /**
     * @param x ascending, at least three
     * @param y as many
     */
    Akima(double[] x, double[] y) {
        this.x = x;
        this.y = y;
        int n = x.length;
        // gap[i + 2] is the slope between points i and i + 1
        double[] gap = new double[n + 3];
        for (int i = 0; i + 1 < n; i++) {
            gap[i + 2] = (y[i + 1] - y[i]) / (x[i + 1] - x[i]);
        }
        gap[1] = 2 * gap[2] - gap[3];
        gap[0] = 2 * gap[1] - gap[2];
        gap[n + 1] = 2 * gap[n] - gap[n - 1];
        gap[n + 2] = 2 * gap[n + 1] - gap[n];
        double largest = 0;
        for (int i = 0; i < n; i++) {
            largest = Math.max(largest, Math.abs(gap[i + 3] - gap[i + 2]) + Math.abs(gap[i + 1] - gap[i]));
        }
        slope = new double[n];
        for (int i = 0; i < n; i++) {
            double right = Math.abs(gap[i + 3] - gap[i + 2]);
            double left = Math.abs(gap[i + 1] - gap[i]);
            // where neither side bends the weights say nothing
            slope[i] = right + left > 1e-9 * largest
                    ? (right * gap[i + 1] + left * gap[i + 2]) / (right + left)
                    : (gap[i + 1] + gap[i + 2]) / 2;
        }
    }

    /** @param at between the first and the last x */
    double at(double at) {
        int i = java.util.Arrays.binarySearch(x, at);
        i = Math.clamp(i >= 0 ? i : -i - 2, 0, x.length - 2);
        double width = x[i + 1] - x[i];
        double rise = (y[i + 1] - y[i]) / width;
        double t = at - x[i];
        double square = (3 * rise - 2 * slope[i] - slope[i + 1]) / width;
        double cube = (slope[i] + slope[i + 1] - 2 * rise) / (width * width);
        return y[i] + t * (slope[i] + t * (square + t * cube));
    }
}
