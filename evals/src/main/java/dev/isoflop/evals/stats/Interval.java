package dev.isoflop.evals.stats;

/**
 * A value with a confidence interval.
 *
 * @param value the estimate
 * @param low lower end
 * @param high upper end
 * @param level confidence, such as 0.95
 */
public record Interval(double value, double low, double high, double level) {

    public Interval {
        checkLevel(level);
    }

    static void checkLevel(double level) {
        if (!(level > 0 && level < 1)) {
            throw new IllegalArgumentException("level = " + level + " must lie between 0 and 1");
        }
    }
}
