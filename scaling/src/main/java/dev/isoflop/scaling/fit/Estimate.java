package dev.isoflop.scaling.fit;

/**
 * A number with its interval, at the level the fit's options name.
 *
 * @param value the point estimate
 * @param low lower end
 * @param high upper end
 */
public record Estimate(double value, double low, double high) {

    /** With no interval. */
    public static Estimate alone(double value) {
        return new Estimate(value, Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY);
    }

    /** A positive number over this one, which is positive; with no interval if this has none. */
    public Estimate under(double numerator) {
        return isFinite()
                ? new Estimate(numerator / value, numerator / high, numerator / low)
                : alone(numerator / value);
    }

    public boolean isFinite() {
        return Double.isFinite(value) && Double.isFinite(low) && Double.isFinite(high);
    }
}
