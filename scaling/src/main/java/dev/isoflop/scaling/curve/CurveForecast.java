package dev.isoflop.scaling.curve;

import dev.isoflop.scaling.fit.FitOutcome;
import dev.isoflop.scaling.fit.RefusalReason;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.apache.commons.math3.stat.StatUtils;
import org.apache.commons.math3.stat.descriptive.moment.StandardDeviation;

/**
 * The final held-out loss of a run by its own curve so far.
 *
 * <p>The form is that of Tissue et al. 2024 ("Scaling law with learning rate annealing", eq. 1), L = L0 + A·S1^-α - C·S2: S1 is the area under the learning rate so far, S2 what the rate has
 * come down by since its peak (the annealing term for a memory short beside the run). Both are shares, of the run and of the peak, so that they have no units, and losses are
 * divided by the one of now, so that a run in other units ends in them.
 *
 * <p>How it is fitted, once the warm-up is over: losses of the later half of what was trained are averaged in at most {@value #BINS} stretches, since a transformer's early curve is not of
 * the form. For each α of a grid, L0, A and C are a Bayesian linear regression with wide normal priors (C is not seen at all before the rate comes down: the prior says what annealing is worth
 * then), and the α are averaged by their evidence. There is nothing to converge and no start to choose.
 *
 * <p>Training losses are many and noisy, held-out ones few: the curve is fitted to the first, and the mean distance of the second from it added. The variance of log loss is the sum of four:
 * {@link Spread}. Constants: docs/benchmarks/outlook.md.
 *
 * @param progress share of the tokens seen
 * @param now held-out loss by the curve where it ends so far, nats per token
 * @param end what it will be
 * @param spread where the end's deviation comes from
 */
public record CurveForecast(double progress, double now, EndLoss end, Spread spread) {

    /** Points after the warm-up without which nothing is said. */
    public static final int LEAST_POINTS = 6;

    private static final int BINS = 40;
    /** Share of what was trained that is not looked at. */
    private static final double SKIPPED = 0.5;

    /** Standard deviation of log loss for each factor of e in tokens that are to come: what the form does not know. */
    static final double PER_E_FOLD = 0.03;
    /** Of a final loss about its own curve, beside the curve's scatter. */
    static final double FLOOR = 0.004;
    /** Of the scatter of what the curve was fitted to, that a final loss has. */
    static final double SCATTER = 0.5;
    /** Far below what any curve was seen to reach, but above nought: a logarithm is taken. */
    private static final double LEAST = 0.01;
    /** Of the log of an end that is worth saying. */
    private static final double MOST_DEVIATION = 0.5;
    /** Of the distance of held-out from training losses, where none was measured. */
    private static final double UNSEEN_GAP = 0.02;

    /**
     * Standard deviations of log loss.
     *
     * @param fit of the coefficients and the exponent, by their posterior
     * @param form of what is still to come, which the form may not describe; nought at the end
     * @param noise of one loss about the curve
     * @param heldOut of the distance of held-out losses from training ones
     */
    public record Spread(double fit, double form, double noise, double heldOut) {

        public double total() {
            return Math.sqrt(fit * fit + form * form + noise * noise + heldOut * heldOut);
        }
    }

    /** Refuses while the run warms up, with fewer than {@value #LEAST_POINTS} losses since, and where they scatter so much that the end may be anything. */
    public static FitOutcome<CurveForecast> of(TrainingCurve curve) {
        double progress = curve.progress();
        double warmup = curve.schedule().warmup();
        if (progress <= warmup) {
            return new FitOutcome.Refused<>(
                    RefusalReason.WARMING_UP,
                    String.format(
                            Locale.ROOT,
                            "%.0f %% of the tokens have been seen, and the learning rate rises until %.0f %%: nothing is told from a warm-up.",
                            100 * progress,
                            100 * warmup),
                    Map.of("progress", progress, "warmup", warmup));
        }
        double from = curve.totalTokens() * Math.max(warmup, SKIPPED * progress);
        List<CurvePoint> training = after(curve.training(), from);
        List<CurvePoint> heldOut = after(curve.heldOut(), from);
        List<CurvePoint> fitted = training.size() >= heldOut.size() ? training : heldOut;
        if (fitted.size() < LEAST_POINTS) {
            return new FitOutcome.Refused<>(
                    RefusalReason.TOO_FEW_POINTS,
                    String.format(
                            Locale.ROOT,
                            "%d losses since %.0f %% of the tokens; %d are needed. Wait, or record them at more steps.",
                            fitted.size(),
                            100 * from / curve.totalTokens(),
                            LEAST_POINTS),
                    Map.of("points", (double) fitted.size(), "needed", (double) LEAST_POINTS));
        }
        Stretches stretches = Stretches.of(fitted, curve.totalTokens(), BINS);
        AnnealedPower.Posterior posterior =
                AnnealedPower.of(curve.schedule(), progress).fit(stretches);
        Gap gap = fitted == heldOut ? Gap.NONE : Gap.of(heldOut, curve.totalTokens(), stretches.now(), posterior);
        return believable(progress, stretches.now(), posterior, gap);
    }

    private static List<CurvePoint> after(List<CurvePoint> points, double tokens) {
        return points.stream().filter(p -> p.tokens() > tokens).toList();
    }

    private static FitOutcome<CurveForecast> believable(
            double progress, double scale, AnnealedPower.Posterior curve, Gap gap) {
        double end = Math.max(LEAST, curve.at(1) + gap.mean);
        Spread spread = new Spread(
                curve.sd(1) / end,
                PER_E_FOLD * Math.log(1 / progress),
                Math.hypot(FLOOR, SCATTER * curve.scatter()),
                gap.sd);
        double total = spread.total();
        if (!(total <= MOST_DEVIATION)) {
            // of losses near the largest double there is no number left
            double shown = Double.isFinite(total) ? Math.min(total, 100) : 100;
            return new FitOutcome.Refused<>(
                    RefusalReason.UNIDENTIFIABLE,
                    String.format(
                            Locale.ROOT,
                            "The losses scatter so much that the end may be anything (a factor of %.2g and more either way). Look for spikes, or at the recipe.",
                            Math.exp(shown)),
                    Map.of("logSd", shown, "progress", progress));
        }
        return new FitOutcome.Converged<>(new CurveForecast(
                progress,
                scale * Math.max(LEAST, curve.at(progress) + gap.mean),
                new EndLoss(scale * end, total),
                spread));
    }

    /**
     * How far held-out losses lie above those of training, in units of the loss of now.
     *
     * @param sd of the mean
     */
    private record Gap(double mean, double sd) {

        /** The curve is of held-out losses itself. */
        static final Gap NONE = new Gap(0, 0);

        static Gap of(List<CurvePoint> heldOut, double totalTokens, double scale, AnnealedPower.Posterior curve) {
            if (heldOut.isEmpty()) {
                return new Gap(0, UNSEEN_GAP);
            }
            double[] gaps = heldOut.stream()
                    .mapToDouble(p -> p.loss() / scale - curve.at(p.tokens() / totalTokens))
                    .toArray();
            // one or two say nothing of their scatter
            double sd = gaps.length < 3 ? UNSEEN_GAP / 2 : new StandardDeviation().evaluate(gaps);
            return new Gap(StatUtils.mean(gaps), sd / Math.sqrt(gaps.length));
        }
    }
}
