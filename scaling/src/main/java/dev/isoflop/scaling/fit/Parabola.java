package dev.isoflop.scaling.fit;

/**
 * The fitted curve of one budget: loss = lossAtOptimum + curvature (ln N - ln N*)^2.
 *
 * @param optimumN N*, parameters
 * @param optimumD D* = C / 6N*, tokens
 * @param loss loss at the vertex, nats per token
 * @param curvature nats per squared natural-log unit of N
 * @param lowN smallest size the parabola was fitted to
 * @param highN largest size the parabola was fitted to
 * @param residualNoise standard deviation of this budget's residuals, nats
 * @param interiorShare share of resamples with a minimum inside the sampled sizes
 */
public record Parabola(
        Estimate optimumN,
        Estimate optimumD,
        Estimate loss,
        double curvature,
        double lowN,
        double highN,
        double residualNoise,
        double interiorShare) {

    /**
     * @param N parameters
     * @return nats per token on the fitted curve
     */
    public double lossAt(double N) {
        double x = Math.log(N / optimumN.value());
        return loss.value() + curvature * x * x;
    }
}
