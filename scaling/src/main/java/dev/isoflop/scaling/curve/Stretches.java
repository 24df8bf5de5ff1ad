package dev.isoflop.scaling.curve;

import java.util.List;
import org.apache.commons.math3.stat.StatUtils;

/**
 * A curve as means over stretches of equally many points, in units of the loss it ends with.
 *
 * @param shares of the tokens, the mean of each stretch
 * @param losses over {@code now}
 * @param variance of such a mean, by the scatter within stretches; 0 where each is one point
 * @param now mean of the last three, nats per token
 */
@SuppressWarnings("ArrayRecordComponent") // columns
record Stretches(double[] shares, double[] losses, double variance, double now) {

    /** Points in a stretch; where there are fewer than six such stretches, each point is one. */
    private static final int LEAST_IN_ONE = 4;

    static Stretches of(List<CurvePoint> points, double totalTokens, int most) {
        int n = points.size();
        int count = n < LEAST_IN_ONE * CurveForecast.LEAST_POINTS ? n : Math.min(most, n / LEAST_IN_ONE);
        double[] shares = new double[count];
        double[] losses = new double[count];
        double variance = 0;
        for (int i = 0; i < count; i++) {
            List<CurvePoint> own = points.subList(i * n / count, (i + 1) * n / count);
            double[] values = own.stream().mapToDouble(CurvePoint::loss).toArray();
            shares[i] = own.stream().mapToDouble(CurvePoint::tokens).average().orElseThrow() / totalTokens;
            losses[i] = StatUtils.mean(values);
            variance += values.length > 1 ? StatUtils.variance(values) / values.length / count : 0;
        }
        double now = StatUtils.mean(losses, count - 3, 3);
        for (int i = 0; i < count; i++) {
            losses[i] /= now;
        }
        return new Stretches(shares, losses, variance / (now * now), now);
    }

    int size() {
        return shares.length;
    }
}
