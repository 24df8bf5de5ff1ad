package dev.isoflop.scaling.forecast;

import dev.isoflop.scaling.fit.Criterion;
import dev.isoflop.scaling.fit.Estimate;
import dev.isoflop.scaling.fit.FitOutcome;
import dev.isoflop.scaling.fit.LawFit;
import dev.isoflop.scaling.fit.ParametricFit;
import dev.isoflop.scaling.fit.ParametricOptions;
import dev.isoflop.scaling.fit.ParametricOptions.Resampling;
import dev.isoflop.scaling.fit.Resamples;
import dev.isoflop.scaling.fit.RobustScale;
import dev.isoflop.scaling.law.ChinchillaLaw;
import dev.isoflop.scaling.law.FitPoint;
import dev.isoflop.scaling.law.LawPoints;
import dev.isoflop.scaling.law.form.Kaplan;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.apache.commons.math3.distribution.NormalDistribution;

/**
 * The loss of one run that is larger than those fitted, with an interval that holds up.
 *
 * <p>The interval of a bootstrap says how much a law would move with other noise, if the law were true. Beyond the points it is not quite true: with every decade of
 * compute that is added, Chinchilla's law finds a lower floor, and Kaplan's, which has none, a higher one. What is done about it:
 *
 * <ul>
 *   <li>Points count in proportion to their compute, C / Cmax. The largest runs are the nearest to what is asked for; the many small ones bend the law to themselves. Where that
 *       would leave fewer than {@value #ENOUGH} effective points, the ratio is taken to a lower power.
 *   <li>Both laws are fitted, and the forecast is their mean of log loss, {@value #KAPLAN} of it Kaplan's: they mostly err to different sides.
 *   <li>The variance of log loss is the sum of four: of the law by bootstrap, of a run about it (median absolute deviation, weighted alike), of the form, by
 *       {@value #DISAGREEMENT} of what the two disagree by, and of distance, {@value #PER_E_FOLD} for each factor of e in compute beyond the largest run.
 * </ul>
 *
 * <p>The four constants were chosen for 90 % intervals on made-up surfaces and half of the published families, leaving out what is above Cmax / 3 and Cmax / 10, and
 * then looked at on the other half: docs/benchmarks/forecast.md. Between the points (C up to the largest) the last term is zero.
 */
public final class LossForecast {

    /** How many times the largest run a forecast was calibrated for; beyond, whether its interval holds nobody knows. */
    public static final double CALIBRATED_TO = 10;

    static final double KAPLAN = 0.4;
    static final double DISAGREEMENT = 0.25;
    static final double PER_E_FOLD = 0.008;
    /** Four for each coefficient of Chinchilla's law: fewer let it pass through them, and no noise is seen. */
    private static final double ENOUGH = 20;

    private static final double DELTA = 1e-3;

    private final ChinchillaLaw chinchilla;
    private final LawFit.Minimum kaplan;
    private final Resamples draws;
    private final double noise;
    private final double maxC;

    private LossForecast(ChinchillaLaw chinchilla, LawFit.Minimum kaplan, Resamples draws, double noise, double maxC) {
        this.chinchilla = chinchilla;
        this.kaplan = kaplan;
        this.draws = draws;
        this.noise = noise;
        this.maxC = maxC;
    }

    /**
     * Where an interval comes from: standard deviations of log loss.
     *
     * @param law of the law, by bootstrap
     * @param noise of one run about it
     * @param form of not knowing the form
     * @param distance of being beyond the largest run
     */
    public record Spread(double law, double noise, double form, double distance) {

        public double total() {
            return Math.sqrt(law * law + noise * noise + form * form + distance * distance);
        }
    }

    /**
     * @param points one a trained model; points of one group are drawn together
     * @param resamples bootstrap draws, at least 20
     * @param seed of the draws
     */
    public static FitOutcome<LossForecast> of(List<FitPoint> points, int resamples, long seed, int threads) {
        if (resamples < 20) {
            throw new IllegalArgumentException("resamples must be at least 20, was " + resamples);
        }
        double maxC = points.stream().mapToDouble(LossForecast::flops).max().orElse(0);
        List<FitPoint> weighted = weighted(points, maxC);
        ParametricOptions options = ParametricOptions.defaults()
                .withHuberDelta(DELTA)
                .withResamples(resamples)
                .withResampling(hasGroups(points) ? Resampling.GROUPS : Resampling.POINTS)
                .withSeed(seed);
        return ParametricFit.minimum(weighted, options, threads)
                .flatMap(found -> LawFit.minimum(
                                new Kaplan(), LawPoints.of(weighted), new Criterion.HuberLog(DELTA), threads)
                        .flatMap(kaplan -> new FitOutcome.Converged<>(new LossForecast(
                                found.law(),
                                kaplan,
                                ParametricFit.resample(weighted, options, threads, found.law()),
                                deviation(weighted, found.law()),
                                maxC))));
    }

    /** By C / Cmax, or a lower power of it, so that enough points have a say. */
    private static List<FitPoint> weighted(List<FitPoint> points, double maxC) {
        double power = 1;
        while (power > 0.01 && effective(points, power, maxC) < ENOUGH) {
            power -= 0.05;
        }
        double chosen = power;
        return points.stream()
                .map(p -> p.withWeight(p.weight() * Math.pow(flops(p) / maxC, chosen)))
                .toList();
    }

    /** Kish's effective number of points. */
    private static double effective(List<FitPoint> points, double power, double maxC) {
        double sum = 0;
        double squares = 0;
        for (FitPoint p : points) {
            double w = p.weight() * Math.pow(flops(p) / maxC, power);
            sum += w;
            squares += w * w;
        }
        return sum * sum / squares;
    }

    /** 6 N D, whatever a table calls C: the constants were fixed with it. */
    private static double flops(FitPoint p) {
        return 6 * p.N() * p.D();
    }

    private static boolean hasGroups(List<FitPoint> points) {
        Set<String> seen = new HashSet<>();
        return points.stream().anyMatch(p -> p.group() != null && !seen.add(p.group()));
    }

    /** Weighted, so that what misfits far below the largest run does not count. */
    private static double deviation(List<FitPoint> weighted, ChinchillaLaw law) {
        return RobustScale.of(
                weighted.stream()
                        .mapToDouble(p -> Math.log(law.loss(p.N(), p.D()) / p.loss()))
                        .toArray(),
                weighted.stream().mapToDouble(FitPoint::weight).toArray());
    }

    /** Largest 6 N D among the points. */
    public double maxC() {
        return maxC;
    }

    /**
     * The middle of the forecast, nats per token.
     *
     * @param N parameters
     * @param D tokens
     */
    public double loss(double N, double D) {
        return Math.exp((1 - KAPLAN) * Math.log(chinchilla.loss(N, D)) + KAPLAN * Math.log(kaplan.loss(N, D)));
    }

    public Spread spread(double N, double D) {
        double sum = 0;
        double squares = 0;
        for (double[] row : draws.rows()) {
            double log = Math.log(new ChinchillaLaw(row[0], row[1], row[2], row[3], row[4]).loss(N, D));
            sum += log;
            squares += log * log;
        }
        double mean = sum / draws.size();
        double apart = Math.abs(Math.log(kaplan.loss(N, D) / chinchilla.loss(N, D)));
        return new Spread(
                Math.sqrt(Math.max(0, squares / draws.size() - mean * mean)),
                noise,
                DISAGREEMENT * apart,
                PER_E_FOLD * Math.max(0, Math.log(6 * N * D / maxC)));
    }

    /**
     * Loss of one new run with its interval, normal in log loss.
     *
     * @param level of the interval, such as 0.9
     */
    public Estimate forecast(double N, double D, double level) {
        double z = new NormalDistribution().inverseCumulativeProbability(0.5 + level / 2);
        double middle = loss(N, D);
        double width = z * spread(N, D).total();
        return new Estimate(middle, middle * Math.exp(-width), middle * Math.exp(width));
    }
}
