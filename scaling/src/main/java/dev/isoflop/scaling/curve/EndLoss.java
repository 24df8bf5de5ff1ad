package dev.isoflop.scaling.curve;

import dev.isoflop.scaling.fit.Estimate;
import org.apache.commons.math3.distribution.NormalDistribution;

/**
 * A final loss that is not known yet, normal in its logarithm.
 *
 * @param loss the middle, nats per token
 * @param logSd standard deviation of its logarithm
 */
public record EndLoss(double loss, double logSd) {

    /** Of log loss: how well a run is trained beside those of a law, of which nothing is known. */
    private static final double RECIPE_SD = 0.05;

    /** @throws IllegalArgumentException unless both are numbers, the loss above 0 and the deviation at least 0 */
    public EndLoss {
        if (!(loss > 0) || !Double.isFinite(loss) || !(logSd >= 0) || !Double.isFinite(logSd)) {
            throw new IllegalArgumentException(
                    "a final loss is above 0 with a deviation of at least 0, was " + loss + " with " + logSd);
        }
    }

    /** @param level of the interval, such as 0.9 */
    public Estimate interval(double level) {
        if (!(level > 0 && level < 1)) {
            throw new IllegalArgumentException("level lies between 0 and 1, was " + level);
        }
        double width = logSd * new NormalDistribution().inverseCumulativeProbability(0.5 + level / 2);
        return new Estimate(loss, loss * Math.exp(-width), loss * Math.exp(width));
    }

    /**
     * What a run's own curve and a law say together, by inverse variance of log loss. A law is of runs that were trained as its own were; another recipe ends 5 % or so off it, and one that
     * is off by more, as its curve shows, is told less by it: the variance between the two (DerSimonian and Laird 1986) is the law's.
     *
     * @param law of the same run, its noise included
     */
    public EndLoss with(EndLoss law) {
        double own = logSd * logSd;
        double apart = Math.log(law.loss / loss);
        double theirs = law.logSd * law.logSd + RECIPE_SD * RECIPE_SD;
        theirs += Math.max(0, apart * apart - own - theirs);
        if (own == 0 || theirs == 0) {
            return own == 0 ? this : law;
        }
        double weight = own / (own + theirs);
        return new EndLoss(loss * Math.exp(weight * apart), Math.sqrt(own * theirs / (own + theirs)));
    }
}
