package dev.isoflop.scaling.fit;

/**
 * L*(C) = floor + scale C^-decay through a handful of optima: for a fixed decay linear least squares with both
 * coefficients non-negative, the decay by a scan in ln decay and a golden section.
 */
final class LossFloorFit {

    private static final double LOW = Math.log(0.005);
    private static final double HIGH = Math.log(2);
    private static final int SCAN = 48;
    private static final double GOLDEN = (Math.sqrt(5) - 1) / 2;

    private final double[] z;
    private final double meanLogC;
    private final double[] loss;
    private double floor;
    private double scale;

    /**
     * @param logC ln C of the optima
     * @param loss their losses
     */
    LossFloorFit(double[] logC, double[] loss) {
        double mean = 0;
        for (double each : logC) {
            mean += each / logC.length;
        }
        this.meanLogC = mean;
        this.z = new double[logC.length];
        for (int i = 0; i < z.length; i++) {
            z[i] = logC[i] - mean;
        }
        this.loss = loss;
    }

    /** floor, ln scale, decay. */
    double[] fit() {
        double best = LOW;
        double bestSum = Double.POSITIVE_INFINITY;
        double step = (HIGH - LOW) / SCAN;
        for (int k = 0; k <= SCAN; k++) {
            double sum = solve(Math.exp(LOW + k * step));
            if (sum < bestSum) {
                bestSum = sum;
                best = LOW + k * step;
            }
        }
        double low = Math.max(LOW, best - step);
        double high = Math.min(HIGH, best + step);
        double left = high - GOLDEN * (high - low);
        double right = low + GOLDEN * (high - low);
        double atLeft = solve(Math.exp(left));
        double atRight = solve(Math.exp(right));
        for (int i = 0; i < 40; i++) {
            if (atLeft < atRight) {
                high = right;
                right = left;
                atRight = atLeft;
                left = high - GOLDEN * (high - low);
                atLeft = solve(Math.exp(left));
            } else {
                low = left;
                left = right;
                atLeft = atRight;
                right = low + GOLDEN * (high - low);
                atRight = solve(Math.exp(right));
            }
        }
        double decay = Math.exp((low + high) / 2);
        solve(decay);
        return new double[] {floor, Math.log(Math.max(scale, Double.MIN_NORMAL)) + decay * meanLogC, decay};
    }

    /** Residual sum of squares at a decay; leaves floor and (centred) scale in the fields. */
    private double solve(double decay) {
        int n = z.length;
        double su = 0;
        double suu = 0;
        double sy = 0;
        double suy = 0;
        for (int i = 0; i < n; i++) {
            double u = Math.exp(-decay * z[i]);
            su += u;
            suu += u * u;
            sy += loss[i];
            suy += u * loss[i];
        }
        double determinant = n * suu - su * su;
        scale = determinant > 1e-14 * n * suu ? (n * suy - su * sy) / determinant : 0;
        floor = (sy - scale * su) / n;
        if (scale < 0) {
            scale = 0;
            floor = sy / n;
        } else if (floor < 0) {
            floor = 0;
            scale = suy / suu;
        }
        double sum = 0;
        for (int i = 0; i < n; i++) {
            double r = loss[i] - floor - scale * Math.exp(-decay * z[i]);
            sum += r * r;
        }
        return sum;
    }
}
