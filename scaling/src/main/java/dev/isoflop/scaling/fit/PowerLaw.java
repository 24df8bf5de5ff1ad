package dev.isoflop.scaling.fit;

/**
 * y = k C^exponent.
 *
 * @param coefficient k
 * @param exponent power of C
 */
public record PowerLaw(Estimate coefficient, Estimate exponent) {

    public double at(double C) {
        return coefficient.value() * Math.pow(C, exponent.value());
    }
}
