package dev.isoflop.scaling.hyper;

/**
 * The best learning rate or batch as a power law: coefficient N^ofN D^ofD.
 *
 * @param coefficient at N = D = 1
 * @param ofN power of parameters
 * @param ofD power of training tokens
 */
public record HyperLaw(double coefficient, double ofN, double ofD) {

    public HyperLaw {
        if (!(coefficient > 0) || Double.isInfinite(coefficient)) {
            throw new IllegalArgumentException("the coefficient must be positive and finite, was " + coefficient);
        }
        if (!Double.isFinite(ofN) || !Double.isFinite(ofD)) {
            throw new IllegalArgumentException("exponents must be finite, were " + ofN + " and " + ofD);
        }
    }

    /** A law of compute, C = 6 N D. */
    public static HyperLaw ofCompute(double coefficient, double exponent) {
        return new HyperLaw(coefficient * Math.pow(6, exponent), exponent, exponent);
    }

    /**
     * @param N parameters
     * @param D training tokens
     * @return the peak learning rate, or tokens a step
     */
    public double at(double N, double D) {
        return coefficient * Math.pow(N, ofN) * Math.pow(D, ofD);
    }
}
