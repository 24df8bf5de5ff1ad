package dev.isoflop.protocol.job;

/**
 * Train a model from its initialisation on a prepared dataset.
 *
 * @param model shape of the model
 * @param training optimisation settings
 * @param seed decides the initialisation and the order of the data
 * @param dataset prepared token bins to train on and to be evaluated on
 * @param metricsEverySteps record the training metrics every so many steps (at least 1)
 * @param evalEverySteps evaluate on held-out tokens every so many steps; 0 means only at the end
 * @param evalTokens held-out tokens per intermediate evaluation; the final one uses all of them
 * @param checkpointEverySeconds wall seconds between checkpoints; 0 means only at the end
 */
public record PretrainSpec(
        ModelShape model,
        TrainingSettings training,
        long seed,
        DatasetRef dataset,
        int metricsEverySteps,
        long evalEverySteps,
        long evalTokens,
        long checkpointEverySeconds)
        implements JobSpec {}
