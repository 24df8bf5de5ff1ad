package dev.isoflop.lm.cpu;

/**
 * What turns a model's gradients into new parameters, with the state it keeps between steps.
 *
 * <p>Concurrency: as {@link CpuModel}; the same bits for any number of threads.
 */
public sealed interface ParameterUpdater permits AdamW, Muon {

    /** First moments or momentum, laid out as the parameters. */
    float[] firstMoments();

    /** Second moments, laid out as the parameters; zero for a tensor that has none. */
    float[] secondMoments();

    /** Square root of the sum of squares of all gradients. */
    double gradientNorm();

    /**
     * One update.
     *
     * @param t number of this update, from 1
     * @param scale what gradients are multiplied by first: below 1 when clipped
     */
    void step(
            long t, double learningRate, double beta1, double beta2, double epsilon, double weightDecay, double scale);
}
