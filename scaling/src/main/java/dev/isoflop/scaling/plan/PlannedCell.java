package dev.isoflop.scaling.plan;

import dev.isoflop.scaling.flops.ParameterCount;
import dev.isoflop.scaling.flops.TrainingMemory;
import dev.isoflop.scaling.flops.TransformerShape;

/**
 * One run to train.
 *
 * @param budget the budget it belongs to, FLOPs; what a fit groups by
 * @param shape the model
 * @param parameters its tensors, counted
 * @param N parameters under the plan's convention
 * @param D tokens trained on: whole steps, so at most budget / 6N
 * @param steps optimizer steps
 * @param batchSequences windows in a step
 * @param plannedFlops 6 N D
 * @param exactFlops forward and backward products with causal attention and the head
 * @param epochs passes over the corpus; 0 when its size is not known
 * @param learningRate peak
 * @param seed training seed
 * @param memory estimate of what it holds
 */
public record PlannedCell(
        double budget,
        TransformerShape shape,
        ParameterCount parameters,
        long N,
        long D,
        long steps,
        int batchSequences,
        double plannedFlops,
        double exactFlops,
        double epochs,
        double learningRate,
        long seed,
        TrainingMemory memory) {

    public long tokensPerStep() {
        return (long) batchSequences * shape.contextLength();
    }

    public double tokensPerParameter() {
        return (double) D / N;
    }
}
