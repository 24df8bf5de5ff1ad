package dev.isoflop.scaling.downstream;

import dev.isoflop.scaling.fit.Estimate;

/**
 * What a model will make of a task. Intervals are for what will be measured: they hold the uncertainty of the laws and the scatter of runs about them.
 *
 * @param N parameters
 * @param D training tokens
 * @param bpb bits per byte on its answers, of the first step
 * @param accuracy of both steps, the first's uncertainty carried through the second
 * @param accuracyAtBpb as if bits per byte were known to be the predicted ones: what the second step adds by itself
 */
public record DownstreamPrediction(double N, double D, Estimate bpb, Estimate accuracy, Estimate accuracyAtBpb) {}
