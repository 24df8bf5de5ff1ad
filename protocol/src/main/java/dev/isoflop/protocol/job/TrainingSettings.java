package dev.isoflop.protocol.job;

import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * Optimisation settings of one pretraining run: AdamW with decoupled decay (Loshchilov and Hutter 2019), or Muon beside it (Jordan et al.
 * 2024).
 *
 * @param batchSequences sequences per optimizer step; tokens per step is this times the context length
 * @param steps optimizer steps
 * @param learningRate peak learning rate
 * @param finalLearningRateFraction learning rate of the last step as a fraction of the peak
 * @param warmupFraction share of the steps spent in linear warm-up
 * @param schedule shape after the warm-up
 * @param beta1 decay of AdamW's first moment
 * @param beta2 decay of AdamW's second moment
 * @param epsilon added to the root of the second moment
 * @param weightDecay decoupled decay, applied to matrices only
 * @param gradientClip largest global gradient norm; longer gradients are scaled down to it
 * @param precision what activations and working weights are stored in; default FP32
 * @param optimizer what makes updates of gradients; default ADAMW
 */
public record TrainingSettings(
        int batchSequences,
        long steps,
        double learningRate,
        double finalLearningRateFraction,
        double warmupFraction,
        LearningRateSchedule schedule,
        double beta1,
        double beta2,
        double epsilon,
        double weightDecay,
        double gradientClip,
        @JsonProperty(defaultValue = "FP32") Precision precision,
        @JsonProperty(defaultValue = "ADAMW") Optimizer optimizer) {

    public TrainingSettings {
        // absent in what was stored before there was a choice, it arrives as null whatever its declared type
        precision = precision == null ? Precision.FP32 : precision;
        optimizer = optimizer == null ? Optimizer.ADAMW : optimizer;
    }

    /** With AdamW. */
    public TrainingSettings(
            int batchSequences,
            long steps,
            double learningRate,
            double finalLearningRateFraction,
            double warmupFraction,
            LearningRateSchedule schedule,
            double beta1,
            double beta2,
            double epsilon,
            double weightDecay,
            double gradientClip,
            Precision precision) {
        this(
                batchSequences,
                steps,
                learningRate,
                finalLearningRateFraction,
                warmupFraction,
                schedule,
                beta1,
                beta2,
                epsilon,
                weightDecay,
                gradientClip,
                precision,
                Optimizer.ADAMW);
    }
}
