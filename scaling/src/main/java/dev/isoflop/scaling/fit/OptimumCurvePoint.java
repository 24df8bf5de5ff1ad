package dev.isoflop.scaling.fit;

/**
 * One abscissa of the band around the power laws, for drawing.
 *
 * @param C training FLOPs
 * @param N optimum parameters
 * @param D optimum tokens
 * @param loss loss at the optimum, nats per token
 * @param extrapolated whether C is beyond the largest budget fitted
 */
public record OptimumCurvePoint(double C, Estimate N, Estimate D, Estimate loss, boolean extrapolated) {}
