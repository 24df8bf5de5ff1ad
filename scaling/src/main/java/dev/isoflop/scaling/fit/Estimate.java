package dev.isoflop.scaling.fit;

/**
 * A number with its interval, at the level the fit's options name.
 *
 * @param value the point estimate
 * @param low lower end
 * @param high upper end
 */
public record Estimate(double value, double low, double high) {

    public boolean isFinite() {
        return Double.isFinite(value) && Double.isFinite(low) && Double.isFinite(high);
    }
}
