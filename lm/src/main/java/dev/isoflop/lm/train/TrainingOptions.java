package dev.isoflop.lm.train;

/**
 * How a model is trained.
 *
 * @param batchSequences sequences in one pass
 * @param contextLength tokens in a training sequence, at most the model's
 * @param steps optimizer steps of the whole run; the schedule's length
 * @param learningRate peak of the schedule
 * @param minLearningRateFraction last learning rate as a fraction of the peak
 * @param warmupFraction share of the steps that warm up
 * @param schedule shape after the warm-up
 * @param beta1 decay of AdamW's first moment
 * @param beta2 decay of AdamW's second moment
 * @param epsilon AdamW's ε
 * @param weightDecay decoupled decay of two-dimensional tensors, multiplied by the learning rate
 * @param gradientClip largest global gradient norm; 0 means no clipping
 * @param seed of initialisation and of the order of the data
 * @param gradientAccumulation passes in one optimizer step
 * @param optimizer what makes updates of gradients; AdamW in what was stored before there was a choice
 */
public record TrainingOptions(
        int batchSequences,
        int contextLength,
        long steps,
        double learningRate,
        double minLearningRateFraction,
        double warmupFraction,
        Schedule schedule,
        double beta1,
        double beta2,
        double epsilon,
        double weightDecay,
        double gradientClip,
        long seed,
        int gradientAccumulation,
        Optimizer optimizer) {

    /** @throws IllegalArgumentException naming the option that is wrong and what would be right */
    public TrainingOptions {
        require(batchSequences >= 1, "batchSequences", batchSequences, "at least 1");
        require(contextLength >= 1, "contextLength", contextLength, "at least 1");
        require(steps >= 1, "steps", steps, "at least 1");
        require(learningRate > 0 && learningRate < 1e3, "learningRate", learningRate, "above 0; 3e-3 is a fair start");
        require(
                minLearningRateFraction >= 0 && minLearningRateFraction <= 1,
                "minLearningRateFraction",
                minLearningRateFraction,
                "in 0..1; 0.1 is usual");
        require(warmupFraction >= 0 && warmupFraction < 1, "warmupFraction", warmupFraction, "in 0..1; 0.1 is usual");
        require(beta1 >= 0 && beta1 < 1, "beta1", beta1, "in 0..1; 0.9 is usual");
        require(beta2 >= 0 && beta2 < 1, "beta2", beta2, "in 0..1; 0.95 is usual");
        require(epsilon > 0, "epsilon", epsilon, "above 0; 1e-8 is usual");
        require(weightDecay >= 0, "weightDecay", weightDecay, "0 or more; 0.1 is usual");
        require(gradientClip >= 0, "gradientClip", gradientClip, "0 (off) or more; 1.0 is usual");
        require(gradientAccumulation >= 1, "gradientAccumulation", gradientAccumulation, "at least 1");
        // absent from the JSON, it arrives as null whatever its declared type
        optimizer = optimizer == null ? Optimizer.ADAMW : optimizer;
    }

    /** With AdamW. */
    public TrainingOptions(
            int batchSequences,
            int contextLength,
            long steps,
            double learningRate,
            double minLearningRateFraction,
            double warmupFraction,
            Schedule schedule,
            double beta1,
            double beta2,
            double epsilon,
            double weightDecay,
            double gradientClip,
            long seed,
            int gradientAccumulation) {
        this(
                batchSequences,
                contextLength,
                steps,
                learningRate,
                minLearningRateFraction,
                warmupFraction,
                schedule,
                beta1,
                beta2,
                epsilon,
                weightDecay,
                gradientClip,
                seed,
                gradientAccumulation,
                Optimizer.ADAMW);
    }

    /** AdamW (0.9, 0.95, 1e-8), decay 0.1, clip 1.0, 10 % warm-up then cosine to 10 %. */
    public static TrainingOptions defaults(
            int batchSequences, int contextLength, long steps, double learningRate, long seed) {
        return new TrainingOptions(
                batchSequences,
                contextLength,
                steps,
                learningRate,
                0.1,
                0.1,
                Schedule.COSINE,
                0.9,
                0.95,
                1e-8,
                0.1,
                1.0,
                seed,
                1);
    }

    /** The same with another optimizer. */
    public TrainingOptions withOptimizer(Optimizer other) {
        return new TrainingOptions(
                batchSequences,
                contextLength,
                steps,
                learningRate,
                minLearningRateFraction,
                warmupFraction,
                schedule,
                beta1,
                beta2,
                epsilon,
                weightDecay,
                gradientClip,
                seed,
                gradientAccumulation,
                other);
    }

    /** Tokens that one optimizer step learns from. */
    public long tokensPerStep() {
        return (long) batchSequences * contextLength * gradientAccumulation;
    }

    private static void require(boolean right, String option, Object value, String wanted) {
        if (!right) {
            throw new IllegalArgumentException(option + " = " + value + " must be " + wanted);
        }
    }
}
