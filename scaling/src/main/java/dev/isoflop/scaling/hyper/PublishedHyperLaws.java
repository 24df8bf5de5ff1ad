package dev.isoflop.scaling.hyper;

/** Laws of others. Each holds for its authors' optimizer, schedule, data and parametrisation; batches are tokens a step. */
public final class PublishedHyperLaws {

    /** Learning rate (Li et al. 2025, "Predictable scale: part I", equation 1). N without embeddings. */
    public static final HyperLaw STEP_LAW_RATE = new HyperLaw(1.79, -.713, .307);

    /** Batch (Li et al. 2025, equation 1). */
    public static final HyperLaw STEP_LAW_BATCH = new HyperLaw(.58, 0, .571);

    /** Learning rate (DeepSeek-AI 2024, "DeepSeek LLM", equation 1), for C = 6 N D; theirs is non-embedding FLOPs a token times D. */
    public static final HyperLaw DEEPSEEK_RATE = HyperLaw.ofCompute(.3118, -.1250);

    /** Batch (DeepSeek-AI 2024, equation 1). */
    public static final HyperLaw DEEPSEEK_BATCH = HyperLaw.ofCompute(.2920, .3271);

    private PublishedHyperLaws() {}

    /**
     * Learning rate (Kaplan et al. 2020, equation D.1): 0.003239 - 0.0001395 ln N.
     *
     * @param N parameters without embeddings
     * @throws IllegalArgumentException where it is not positive: from 1.2e10 parameters on
     */
    public static double kaplanRate(double N) {
        double rate = .003239 - .0001395 * Math.log(N);
        if (!(N > 0) || !(rate > 0)) {
            throw new IllegalArgumentException(
                    "Kaplan et al.'s learning rate is positive for 0 < N < 1.2e10, N was " + N);
        }
        return rate;
    }

    /**
     * Critical batch (Kaplan et al. 2020, equation 1.4): 2e8 L^(-1 / 0.21) tokens a step, where time and compute are traded evenly.
     *
     * @param L nats per token
     */
    public static double kaplanCriticalBatch(double L) {
        if (!(L > 0)) {
            throw new IllegalArgumentException("the loss must be positive, was " + L);
        }
        return 2e8 * Math.pow(L, -1 / .21);
    }
}
