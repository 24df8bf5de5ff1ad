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
import dev.isoflop.scaling.forecast.Candidate.Emphasis;
import dev.isoflop.scaling.law.ChinchillaLaw;
import dev.isoflop.scaling.law.FitPoint;
import dev.isoflop.scaling.law.LawPoints;
import dev.isoflop.scaling.law.form.Chinchilla;
import dev.isoflop.scaling.law.form.Kaplan;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.apache.commons.math3.distribution.NormalDistribution;
import org.jspecify.annotations.Nullable;

/**
 * The loss of one run that is larger than those fitted, with an interval that holds up.
 *
 * <p>The interval of a bootstrap says how much a law would move with other noise, if the law were true. Beyond the points it is not quite true: with every decade of
 * compute that is added, Chinchilla's law finds a lower floor, and Kaplan's, which has none, a higher one. What is done about it:
 *
 * <ul>
 *   <li>Points count in proportion to their compute, C / Cmax. The largest runs are the nearest to what is asked for; the many small ones bend the law to themselves. Where that
 *       would leave too few effective points, the ratio is taken to a lower power.
 *   <li>Both laws are fitted, and the forecast is their mean of log loss, {@value #KAPLAN} of it Kaplan's: at half of the cut-offs of published families they err to different sides. Other {@link Combination}s can be asked for.
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
    private static final double DELTA = 1e-3;

    /** Cut-offs' worth of belief in the fixed weights when others are stacked; chosen as docs/benchmarks/forecast.md says. */
    private static final double PRIOR_COUNT = 0.5;

    private static final Candidate CHINCHILLA = new Candidate(new Chinchilla(), Emphasis.BY_COMPUTE);
    private static final Candidate KAPLANS = new Candidate(new Kaplan(), Emphasis.BY_COMPUTE);

    private final ChinchillaLaw chinchilla;
    private final LawFit.Minimum kaplan;
    private final Resamples draws;
    private final double noise;
    private final double maxC;
    private final List<Part> parts;
    private final @Nullable Rollouts rollouts;

    private LossForecast(
            ChinchillaLaw chinchilla,
            LawFit.Minimum kaplan,
            Resamples draws,
            double noise,
            double maxC,
            List<Part> parts,
            @Nullable Rollouts rollouts) {
        this.chinchilla = chinchilla;
        this.kaplan = kaplan;
        this.draws = draws;
        this.noise = noise;
        this.maxC = maxC;
        this.parts = List.copyOf(parts);
        this.rollouts = rollouts;
    }

    /** What forms make the middle of a forecast. */
    public enum Combination {
        /** Chinchilla's and Kaplan's laws by weights that were fixed beforehand: the one that did best on runs held out. */
        FIXED,
        /** The same two by the weights that would have done best on the points' own {@link Rollouts}, drawn to the fixed ones. */
        STACKED,
        /** The one form of {@link Candidate#ofSizeAndData} that did best on them. */
        SELECTED
    }

    /**
     * A form in the middle of a forecast.
     *
     * @param weight of its log loss; those of all parts sum to one
     */
    public record Part(Candidate.Fitted form, double weight) {}

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
        return of(points, Combination.FIXED, resamples, seed, threads);
    }

    /**
     * Intervals are those of the fixed combination about another middle.
     *
     * @param points one a trained model; points of one group are drawn together
     * @param resamples bootstrap draws, at least 20
     * @param seed of the draws
     */
    public static FitOutcome<LossForecast> of(
            List<FitPoint> points, Combination combination, int resamples, long seed, int threads) {
        if (resamples < 20) {
            throw new IllegalArgumentException("resamples must be at least 20, was " + resamples);
        }
        List<FitPoint> weighted = ComputeWeights.weighted(points);
        ParametricOptions options = ParametricOptions.defaults()
                .withHuberDelta(DELTA)
                .withResamples(resamples)
                .withResampling(hasGroups(points) ? Resampling.GROUPS : Resampling.POINTS)
                .withSeed(seed);
        return ParametricFit.minimum(weighted, options, threads)
                .flatMap(found -> LawFit.minimum(
                                KAPLANS.law(), LawPoints.of(weighted), new Criterion.HuberLog(DELTA), threads)
                        .flatMap(kaplan -> middle(points, combination, found.law(), kaplan, threads)
                                .flatMap(middle -> new FitOutcome.Converged<>(new LossForecast(
                                        found.law(),
                                        kaplan,
                                        ParametricFit.resample(weighted, options, threads, found.law()),
                                        deviation(weighted, found.law()),
                                        ComputeWeights.largest(points),
                                        middle.parts,
                                        middle.rollouts)))));
    }

    private record Middle(List<Part> parts, @Nullable Rollouts rollouts) {}

    private static FitOutcome<Middle> middle(
            List<FitPoint> points,
            Combination combination,
            ChinchillaLaw chinchilla,
            LawFit.Minimum kaplan,
            int threads) {
        Candidate.Fitted first = new Candidate.Fitted(CHINCHILLA, Candidate.values(chinchilla));
        Candidate.Fitted second = new Candidate.Fitted(KAPLANS, kaplan.values());
        double[] fixed = {1 - KAPLAN, KAPLAN};
        return switch (combination) {
            case FIXED ->
                new FitOutcome.Converged<>(
                        new Middle(List.of(new Part(first, fixed[0]), new Part(second, fixed[1])), null));
            case STACKED ->
                Rollouts.of(points, List.of(CHINCHILLA, KAPLANS), DELTA, threads)
                        .flatMap(rollouts -> {
                            double[] weights = rollouts.stacked(fixed, PRIOR_COUNT);
                            return new FitOutcome.Converged<>(new Middle(
                                    List.of(new Part(first, weights[0]), new Part(second, weights[1])), rollouts));
                        });
            case SELECTED ->
                Rollouts.of(points, Candidate.ofSizeAndData(), DELTA, threads)
                        .flatMap(rollouts -> rollouts.candidates()
                                .get(rollouts.best())
                                .fit(points, DELTA, null, threads)
                                .flatMap(form ->
                                        new FitOutcome.Converged<>(new Middle(List.of(new Part(form, 1)), rollouts))));
        };
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

    /** The forms that make the middle, and what each counts. */
    public List<Part> parts() {
        return parts;
    }

    /** What the weights come from; empty for the fixed ones. */
    public Optional<Rollouts> rollouts() {
        return Optional.ofNullable(rollouts);
    }

    /**
     * The middle of the forecast, nats per token.
     *
     * @param N parameters
     * @param D tokens
     */
    public double loss(double N, double D) {
        FitPoint run = FitPoint.of(N, D, 1);
        return Math.exp(parts.stream()
                .filter(part -> part.weight > 0)
                .mapToDouble(part -> part.weight * part.form.logLoss(run))
                .sum());
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
