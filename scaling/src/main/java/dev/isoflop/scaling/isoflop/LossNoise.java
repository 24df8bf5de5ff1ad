package dev.isoflop.scaling.isoflop;

/**
 * Standard deviation of a run's final loss, by its loss: runs that got less far are less reproducible. Straight in log sd against log loss between the two ends,
 * constant beyond.
 *
 * @param lowLoss nats per token
 * @param lowSd at or below it, nats per token
 * @param highLoss nats per token
 * @param highSd at or above it
 */
public record LossNoise(double lowLoss, double lowSd, double highLoss, double highSd) {

    /** On RefinedWeb, as measured by Porian et al. 2024, appendix: .002 at a loss of 3, .05 at 7. */
    public static final LossNoise REFINED_WEB = new LossNoise(3, 0.002, 7, 0.05);

    /** On OpenWebText2, whose validation set is small: .01 to .1. */
    public static final LossNoise OPEN_WEB_TEXT2 = new LossNoise(3, 0.01, 7, 0.1);

    public LossNoise {
        if (!(lowLoss > 0 && lowSd > 0 && highSd > 0 && highLoss > lowLoss) || Double.isInfinite(highLoss)) {
            throw new IllegalArgumentException("0 < lowLoss < highLoss and positive deviations needed");
        }
    }

    /** The same at every loss. */
    public static LossNoise constant(double sd) {
        return new LossNoise(1, sd, 2, sd);
    }

    public double sd(double loss) {
        double share = Math.clamp(Math.log(loss / lowLoss) / Math.log(highLoss / lowLoss), 0, 1);
        return Math.exp(Math.log(lowSd) + share * Math.log(highSd / lowSd));
    }
}
