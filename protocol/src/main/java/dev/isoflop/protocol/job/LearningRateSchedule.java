package dev.isoflop.protocol.job;

/** How the learning rate moves after the warm-up. */
public enum LearningRateSchedule {
    /** Half a cosine from the peak to the final fraction at the last step. */
    COSINE,
    /** Warm-up, stable, then a linear decay over the last fifth. */
    WSD,
    /** The peak until the end. */
    CONSTANT;

    /** Share of the steps at which {@link #WSD} begins to decay. */
    public static final double WSD_DECAY_FROM = 0.8;
}
