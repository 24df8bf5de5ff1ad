package dev.isoflop.scaling.law;

/**
 * The best use of a budget.
 *
 * @param C training FLOPs
 * @param N parameters
 * @param D tokens
 * @param loss nats per token there
 */
public record ComputeOptimum(double C, double N, double D, double loss) {

    public double tokensPerParameter() {
        return D / N;
    }
}
