package dev.isoflop.lm.train;

/** How the learning rate goes over a run; every schedule begins with a linear warm-up. */
public enum Schedule {
    /** Half a cosine from the peak to the final fraction (Loshchilov and Hutter 2017). */
    COSINE,
    /** Warm-up, stable, decay: the peak until 80 % of the steps, then a straight line to the final fraction (Hu et al. 2024). */
    WSD,
    /** The peak throughout. */
    CONSTANT;

    /** Share of the steps at which {@link #WSD} begins to decay. */
    public static final double WSD_DECAY_FROM = 0.8;

    /**
     * Learning rate of a step. The warm-up takes {@code ceil(warmupFraction * steps)} steps, step {@code i} of it has
     * {@code (i + 1) / warmup} of the peak.
     *
     * @param step from 0
     */
    public double learningRate(long step, TrainingOptions options) {
        double peak = options.learningRate();
        double last = peak * options.minLearningRateFraction();
        long steps = options.steps();
        long warmup = (long) Math.ceil(options.warmupFraction() * steps);
        if (step < warmup) {
            return peak * (step + 1) / warmup;
        }
        return switch (this) {
            case CONSTANT -> peak;
            case COSINE -> {
                double progress = Math.min(1.0, (double) (step - warmup) / Math.max(1, steps - warmup));
                yield last + 0.5 * (peak - last) * (1 + Math.cos(Math.PI * progress));
            }
            case WSD -> {
                long from = Math.max(warmup, (long) Math.floor(WSD_DECAY_FROM * steps));
                double progress = Math.clamp((double) (step - from) / Math.max(1, steps - from), 0.0, 1.0);
                yield peak + (last - peak) * progress;
            }
        };
    }
}
