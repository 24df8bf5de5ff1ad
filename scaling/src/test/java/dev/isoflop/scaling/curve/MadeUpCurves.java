package dev.isoflop.scaling.curve;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Curves of the form, with noise where it is asked for. */
final class MadeUpCurves {

    static final double TOKENS = 1e9;
    /** On the grid of exponents: 0.05·40^(12/19). */
    static final double EXPONENT = 0.05 * Math.pow(40, 12 / 19.0);

    private MadeUpCurves() {}

    /**
     * @param floor L0, of a loss of about 3
     * @param annealing C
     */
    record Truth(double floor, double scale, double exponent, double annealing, RateSchedule schedule) {

        double loss(double share) {
            return floor
                    + scale * Math.pow(schedule.area(share) / schedule.area(1), -exponent)
                    - annealing * (1 - schedule.rate(share));
        }
    }

    static Truth truth(RateSchedule schedule) {
        return new Truth(2.1, 0.8, EXPONENT, 0.06, schedule);
    }

    /** A thousand training losses and ten held-out ones, the latter 0.02 above the curve. */
    static TrainingCurve curve(Truth truth, double noise, long seed) {
        Random random = new Random(seed);
        List<CurvePoint> training = new ArrayList<>();
        List<CurvePoint> heldOut = new ArrayList<>();
        for (int i = 1; i <= 1000; i++) {
            double share = i / 1000.0;
            training.add(new CurvePoint(share * TOKENS, truth.loss(share) + noise * random.nextGaussian()));
            if (i % 100 == 0) {
                heldOut.add(new CurvePoint(share * TOKENS, truth.loss(share) + 0.02));
            }
        }
        return new TrainingCurve(training, heldOut, TOKENS, truth.schedule());
    }

    static TrainingCurve times(TrainingCurve curve, double factor, double tokens) {
        return new TrainingCurve(
                times(curve.training(), factor, tokens),
                times(curve.heldOut(), factor, tokens),
                curve.totalTokens() * tokens,
                curve.schedule());
    }

    private static List<CurvePoint> times(List<CurvePoint> points, double factor, double tokens) {
        return points.stream()
                .map(p -> new CurvePoint(p.tokens() * tokens, p.loss() * factor))
                .toList();
    }
}
