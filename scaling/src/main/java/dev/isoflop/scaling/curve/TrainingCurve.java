package dev.isoflop.scaling.curve;

import java.util.Comparator;
import java.util.List;

/**
 * What is known of a run on the way.
 *
 * @param training losses of training batches, by tokens
 * @param heldOut losses on held-out text, by tokens; as the final one is measured, or on a part of it
 * @param totalTokens D, when it will have ended
 * @param schedule of its learning rate
 */
public record TrainingCurve(
        List<CurvePoint> training, List<CurvePoint> heldOut, double totalTokens, RateSchedule schedule) {

    /** @throws IllegalArgumentException if a point lies behind the end */
    public TrainingCurve {
        training = sorted(training);
        heldOut = sorted(heldOut);
        if (!(totalTokens > 0) || !Double.isFinite(totalTokens)) {
            throw new IllegalArgumentException("totalTokens is above 0, was " + totalTokens);
        }
        double last = Math.max(last(training), last(heldOut));
        if (last > totalTokens * (1 + 1e-9)) {
            throw new IllegalArgumentException(
                    "totalTokens is what the whole run has, " + totalTokens + ", but a point lies at " + last);
        }
    }

    private static List<CurvePoint> sorted(List<CurvePoint> points) {
        return points.stream()
                .sorted(Comparator.comparingDouble(CurvePoint::tokens))
                .toList();
    }

    private static double last(List<CurvePoint> points) {
        return points.isEmpty() ? 0 : points.getLast().tokens();
    }

    /** Share of the tokens that have been seen, by the last point. */
    public double progress() {
        return Math.min(1, Math.max(last(training), last(heldOut)) / totalTokens);
    }

    /** The same when that share of the tokens had been seen. */
    public TrainingCurve until(double share) {
        double most = share * totalTokens;
        return new TrainingCurve(
                training.stream().filter(p -> p.tokens() <= most).toList(),
                heldOut.stream().filter(p -> p.tokens() <= most).toList(),
                totalTokens,
                schedule);
    }
}
