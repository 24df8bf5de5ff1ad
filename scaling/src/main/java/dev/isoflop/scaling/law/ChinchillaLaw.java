package dev.isoflop.scaling.law;

/**
 * L(N, D) = E + A N^-alpha + B D^-beta (Hoffmann et al. 2022, equation 2), loss in nats per token.
 *
 * @param E irreducible loss, nats per token
 * @param A scale of the finite-model term
 * @param B scale of the finite-data term
 * @param alpha exponent of N
 * @param beta exponent of D
 */
public record ChinchillaLaw(double E, double A, double B, double alpha, double beta) {

    /**
     * @param N parameters
     * @param D tokens
     * @return nats per token
     */
    public double loss(double N, double D) {
        return E + A * Math.pow(N, -alpha) + B * Math.pow(D, -beta);
    }

    /** Exponent of N* in C: a = beta / (alpha + beta). */
    public double a() {
        return beta / (alpha + beta);
    }

    /** Exponent of D* in C: b = alpha / (alpha + beta). */
    public double b() {
        return alpha / (alpha + beta);
    }

    /** G = (alpha A / (beta B))^(1 / (alpha + beta)). */
    public double G() {
        return Math.exp((Math.log(alpha * A) - Math.log(beta * B)) / (alpha + beta));
    }

    /**
     * The minimum of L under C = 6 N D (Hoffmann et al. 2022, equation 4): N* = G (C/6)^a, D* = (C/6)^b / G.
     *
     * @param C training FLOPs
     */
    public ComputeOptimum optimum(double C) {
        double n = G() * Math.pow(C / 6, a());
        double d = C / 6 / n;
        return new ComputeOptimum(C, n, d, loss(n, d));
    }

    /**
     * The least compute that reaches a loss: the inverse of {@link #optimum}.
     *
     * @param loss nats per token, above {@code E}
     * @return FLOPs; infinite at or below {@code E}
     */
    public double computeToReach(double loss) {
        if (loss <= E) {
            return Double.POSITIVE_INFINITY;
        }
        double g = G();
        double scale = A * Math.pow(g, -alpha) + B * Math.pow(g, beta);
        return 6 * Math.pow((loss - E) / scale, -(alpha + beta) / (alpha * beta));
    }
}
