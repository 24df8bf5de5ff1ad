package dev.isoflop.scaling.fit;

import dev.isoflop.scaling.law.ChinchillaLaw;
import dev.isoflop.scaling.law.FitPoint;
import dev.isoflop.scaling.law.InputHash;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.IntFunction;
import java.util.function.ToDoubleFunction;
import org.apache.commons.math3.distribution.ChiSquaredDistribution;

/**
 * Approach 3 (Hoffmann et al. 2022, section 3.3): L = E + A N^-alpha + B D^-beta by Huber loss on log loss.
 *
 * <p>Point: starts from {@link ParametricOptions.Starts}, each polished by {@link DampedNewton}, the lowest kept.
 * Identification: the objective is profiled over alpha and over beta; where the likelihood-ratio interval (Laplace and
 * Gauss mixed by the share of residuals in the linear zone) runs into the ends of the allowed range the fit is refused.
 * Intervals: percentiles over case resamples, each refitted from the optimum.
 *
 * <p>Concurrency: resamples run on the given number of threads; draws are made beforehand and every resample writes its
 * own slot, so results are the same to the bit for any number of threads. The class holds no state.
 */
public final class ParametricFit {

    /** Name stored with results. */
    public static final String METHOD = "parametric-huber-lse";

    /** Five parameters and three residuals left to judge them by. */
    private static final int MIN_POINTS = 8;
    /** A term E + A N^-alpha has three unknowns in N. */
    private static final int MIN_DISTINCT = 3;

    private static final int MAX_STARTS = 12;
    private static final List<String> NAMES = List.of("E", "A", "B", "alpha", "beta");
    private static final double SAME = 1.02;

    private ParametricFit() {}

    /** Fits on all processors. */
    public static FitOutcome<ParametricResult> fit(List<FitPoint> points, ParametricOptions options) {
        return fit(points, options, Parallel.availableThreads());
    }

    /**
     * @param points one a trained model, all of one tokenizer, data set and evaluation
     * @param threads most threads used; changes nothing but the time
     */
    public static FitOutcome<ParametricResult> fit(List<FitPoint> points, ParametricOptions options, int threads) {
        FitOutcome<Minimum> found = minimum(points, options, threads);
        return switch (found) {
            case FitOutcome.Refused<Minimum> r -> r.as();
            case FitOutcome.Converged<Minimum>(Minimum m) -> withUncertainty(points, options, threads, m);
        };
    }

    /**
     * The point estimate alone, with no profile and no intervals.
     *
     * @param law the minimiser
     * @param objective sum of Huber losses there
     * @param starts starts polished
     * @param agreeing how many of them ended within 1e-6 of the minimum: evidence that it is the global one
     * @param decrement relative gain one more step could bring
     * @param converged whether the optimizer stopped by itself
     */
    public record Minimum(
            ChinchillaLaw law, double objective, int starts, int agreeing, double decrement, boolean converged) {}

    public static FitOutcome<Minimum> minimum(List<FitPoint> points, ParametricOptions options, int threads) {
        if (points.size() < MIN_POINTS) {
            return refuse(
                    RefusalReason.TOO_FEW_POINTS,
                    Refusals.format(
                            "Five parameters need at least %d points to leave a check; there are %d.",
                            MIN_POINTS, points.size()),
                    Map.of("points", (double) points.size(), "needed", (double) MIN_POINTS));
        }
        int sizes = distinct(points, FitPoint::N);
        if (sizes < MIN_DISTINCT) {
            return refuse(
                    RefusalReason.TOO_FEW_SIZES,
                    Refusals.format("E, A and alpha need %d distinct model sizes; there are %d.", MIN_DISTINCT, sizes),
                    Map.of("sizes", (double) sizes, "needed", (double) MIN_DISTINCT));
        }
        int tokenCounts = distinct(points, FitPoint::D);
        if (tokenCounts < MIN_DISTINCT) {
            return refuse(
                    RefusalReason.TOO_FEW_TOKEN_COUNTS,
                    Refusals.format(
                            "E, B and beta need %d distinct token counts; there are %d.", MIN_DISTINCT, tokenCounts),
                    Map.of("tokenCounts", (double) tokenCounts, "needed", (double) MIN_DISTINCT));
        }
        HuberLogSumExp f = objective(points, options);
        List<double[]> starts = starts(f, options);
        DampedNewton.Minimum[] minima = new DampedNewton.Minimum[starts.size()];
        Parallel.range(starts.size(), threads, () -> {
            // an objective of its own: evaluations fill its arrays
            HuberLogSumExp own = objective(points, options);
            DampedNewton newton = new DampedNewton(options.minExponent(), options.maxExponent());
            return i -> minima[i] = newton.minimise(own, starts.get(i));
        });
        DampedNewton.Minimum best = minima[0];
        for (DampedNewton.Minimum each : minima) {
            if (each.value() < best.value()) {
                best = each;
            }
        }
        int agreeing = 0;
        for (DampedNewton.Minimum each : minima) {
            if (each.value() <= best.value() * (1 + 1e-6)) {
                agreeing++;
            }
        }
        return new FitOutcome.Converged<>(new Minimum(
                law(f, best.theta()), best.value(), minima.length, agreeing, best.decrement(), best.converged()));
    }

    /**
     * The objective at a law: the sum, over points, of Huber losses on log loss.
     */
    public static double objectiveAt(List<FitPoint> points, ChinchillaLaw law, double huberDelta) {
        HuberLogSumExp f = objective(points, ParametricOptions.defaults().withHuberDelta(huberDelta));
        return f.valueAt(theta(f, law));
    }

    /**
     * The bootstrap's vectors (E, A, B, alpha, beta) about a minimum that is known, whether or not its exponents are determined: what a law says near its points may be
     * well known where they are not.
     *
     * @param law the minimiser for these points and options
     */
    public static Resamples resample(List<FitPoint> points, ParametricOptions options, int threads, ChinchillaLaw law) {
        return new Resamples(NAMES, resample(points, options, threads, theta(objective(points, options), law)));
    }

    /** How often each point is drawn, one array a resample: what {@link #resample} fits. */
    public static List<int[]> draws(List<FitPoint> points, ParametricOptions options) {
        return CaseDraws.draw(points, options.resampling(), options.resamples(), options.seed());
    }

    private static FitOutcome<ParametricResult> withUncertainty(
            List<FitPoint> points, ParametricOptions options, int threads, Minimum minimum) {
        ChinchillaLaw law = minimum.law();
        if (!minimum.converged()) {
            return refuse(
                    RefusalReason.NOT_CONVERGED,
                    Refusals.format(
                            "The optimizer ran out of steps; one more could lower the objective by %.2g of its value.",
                            minimum.decrement()),
                    Map.of("decrement", minimum.decrement(), "objective", minimum.objective()));
        }
        for (double exponent : new double[] {law.alpha(), law.beta()}) {
            if (exponent <= options.minExponent() * 1.001 || exponent >= options.maxExponent() * 0.999) {
                return refuse(
                        RefusalReason.EXPONENT_AT_BOUND,
                        Refusals.format(
                                "The best exponents are alpha = %.4g and beta = %.4g; the range allowed is %.3g to %.3g.",
                                law.alpha(), law.beta(), options.minExponent(), options.maxExponent()),
                        Map.of(
                                "alpha", law.alpha(),
                                "beta", law.beta(),
                                "min", options.minExponent(),
                                "max", options.maxExponent()));
            }
        }
        HuberLogSumExp f = objective(points, options);
        double[] best = theta(f, law);
        Spread spread = spread(f, best);
        double threshold = threshold(points.size(), spread.linearShare(), options.level(), 1);
        Profile profile = new Profile(f, best, minimum.objective(), threshold, options);
        Estimate alphaProfile = profile.interval(3);
        Estimate betaProfile = profile.interval(4);
        if (!alphaProfile.isFinite() || !betaProfile.isFinite()) {
            boolean alphaFlat = !alphaProfile.isFinite();
            Estimate flat = alphaFlat ? alphaProfile : betaProfile;
            return refuse(
                    RefusalReason.UNIDENTIFIABLE,
                    Refusals.format(
                            "The objective is flat in %s: from %.3g it stays within the %.0f %% likelihood bound to the end of the "
                                    + "allowed range. The points do not determine the law.",
                            alphaFlat ? "alpha" : "beta", flat.value(), 100 * options.level()),
                    Map.of(
                            "alpha", law.alpha(),
                            "beta", law.beta(),
                            "E", law.E(),
                            "objective", minimum.objective()));
        }
        List<double[]> rows = resample(points, options, threads, best);
        Resamples resamples = new Resamples(NAMES, rows);
        double level = options.level();
        ToDoubleFunction<double[]> a = row -> ParametricResult.law(row).a();
        ToDoubleFunction<double[]> b = row -> ParametricResult.law(row).b();
        Map<String, Double> diagnostics = new TreeMap<>();
        diagnostics.put("starts", (double) minimum.starts());
        diagnostics.put("startsAtMinimum", (double) minimum.agreeing());
        diagnostics.put("decrement", minimum.decrement());
        diagnostics.put("linearZoneShare", spread.linearShare());
        diagnostics.put("rmseLogLoss", spread.rmse());
        diagnostics.put("r2LogLoss", spread.r2());
        diagnostics.put("floorShareOfLowestLoss", spread.floorShare());
        diagnostics.put("resamplesAtBound", atBound(rows, options));
        return new FitOutcome.Converged<>(new ParametricResult(
                METHOD,
                options,
                InputHash.of(points, options),
                law,
                resamples.estimate(law.E(), level, r -> r[0]),
                resamples.estimate(law.A(), level, r -> r[1]),
                resamples.estimate(law.B(), level, r -> r[2]),
                resamples.estimate(law.alpha(), level, r -> r[3]),
                resamples.estimate(law.beta(), level, r -> r[4]),
                resamples.estimate(law.a(), level, a),
                resamples.estimate(law.b(), level, b),
                minimum.objective(),
                alphaProfile,
                betaProfile,
                spread.noise(),
                points.stream().mapToDouble(FitPoint::C).max().orElseThrow(),
                points.size(),
                java.util.Collections.unmodifiableMap(diagnostics),
                resamples));
    }

    private static List<double[]> resample(
            List<FitPoint> points, ParametricOptions options, int threads, double[] best) {
        HuberLogSumExp all = objective(points, options);
        IntFunction<HuberLogSumExp> drawn = drawn(points, options, all, best);
        double[][] rows = new double[options.resamples()][];
        Parallel.range(rows.length, threads, () -> {
            DampedNewton newton = new DampedNewton(options.minExponent(), options.maxExponent());
            return i -> {
                HuberLogSumExp f = drawn.apply(i);
                double[] theta = newton.minimise(f, best).theta();
                ChinchillaLaw law = law(f, theta);
                rows[i] = new double[] {law.E(), law.A(), law.B(), law.alpha(), law.beta()};
            };
        });
        return List.of(rows);
    }

    private static IntFunction<HuberLogSumExp> drawn(
            List<FitPoint> points, ParametricOptions options, HuberLogSumExp all, double[] best) {
        if (options.resampling() != ParametricOptions.Resampling.RESIDUALS) {
            List<int[]> draws = draws(points, options);
            return i ->
                    all.reweighted(Arrays.stream(draws.get(i)).asDoubleStream().toArray());
        }
        int n = points.size();
        double[] law = new double[n];
        double[] residual = new double[n];
        for (int i = 0; i < n; i++) {
            residual[i] = -all.residual(best, i);
            law[i] = all.logLoss(i) - residual[i];
        }
        List<double[]> draws = ResidualDraws.draw(
                residual,
                points.stream().mapToDouble(FitPoint::weight).toArray(),
                HuberLogSumExp.PARAMETERS,
                options.resamples(),
                options.seed());
        return i -> {
            double[] losses = law.clone();
            Arrays.setAll(losses, p -> law[p] + draws.get(i)[p]);
            return all.withLogLoss(losses);
        };
    }

    private static double atBound(List<double[]> rows, ParametricOptions options) {
        long count = rows.stream()
                .filter(r -> Math.min(r[3], r[4]) <= options.minExponent() * 1.001
                        || Math.max(r[3], r[4]) >= options.maxExponent() * 0.999)
                .count();
        return rows.isEmpty() ? 0 : (double) count / rows.size();
    }

    static HuberLogSumExp objective(List<FitPoint> points, ParametricOptions options) {
        return new HuberLogSumExp(
                points.stream().mapToDouble(p -> Math.log(p.N())).toArray(),
                points.stream().mapToDouble(p -> Math.log(p.D())).toArray(),
                points.stream().mapToDouble(p -> Math.log(p.loss())).toArray(),
                points.stream().mapToDouble(FitPoint::weight).toArray(),
                options.huberDelta());
    }

    private static List<double[]> starts(HuberLogSumExp f, ParametricOptions options) {
        return switch (options.starts()) {
            case VARIABLE_PROJECTION ->
                VariableProjection.starts(
                        f, options.seedGrid(), options.minExponent(), options.maxExponent(), MAX_STARTS);
            case HOFFMANN_GRID -> hoffmannGrid(f);
        };
    }

    /** alpha, beta in {0, .5, .. 2}, e in {-1, -.5, .. 1}, a, b in {0, 5, .. 25} (Hoffmann et al. 2022, D.2). */
    private static List<double[]> hoffmannGrid(HuberLogSumExp f) {
        List<double[]> out = new ArrayList<>(4500);
        for (int a = 0; a <= 25; a += 5) {
            for (int b = 0; b <= 25; b += 5) {
                for (int e = -2; e <= 2; e++) {
                    for (int alpha = 0; alpha <= 4; alpha++) {
                        for (int beta = 0; beta <= 4; beta++) {
                            out.add(f.centred(new double[] {a, b, e / 2.0, alpha / 2.0, beta / 2.0}));
                        }
                    }
                }
            }
        }
        return out;
    }

    static ChinchillaLaw law(HuberLogSumExp f, double[] centred) {
        double[] t = f.uncentred(centred);
        return new ChinchillaLaw(Math.exp(t[2]), Math.exp(t[0]), Math.exp(t[1]), t[3], t[4]);
    }

    static double[] theta(HuberLogSumExp f, ChinchillaLaw law) {
        return f.centred(
                new double[] {Math.log(law.A()), Math.log(law.B()), Math.log(law.E()), law.alpha(), law.beta()});
    }

    private static int distinct(List<FitPoint> points, ToDoubleFunction<FitPoint> of) {
        double[] sorted = points.stream().mapToDouble(of).sorted().toArray();
        int count = 1;
        double last = sorted[0];
        for (double each : sorted) {
            if (each > last * SAME) {
                count++;
                last = each;
            }
        }
        return count;
    }

    /**
     * Rise of the objective, as a ratio, that the chi-squared bound allows. With the scale of the errors unknown the log
     * likelihood is -n ln f for Laplace errors and -n/2 ln f for Gaussian ones; five parameters are taken off n.
     *
     * @param together parameters that are bounded at once
     */
    static double threshold(int n, double linearShare, double level, int together) {
        double chi2 = new ChiSquaredDistribution(together).inverseCumulativeProbability(level);
        return Math.exp(chi2 / (Math.max(1, n - HuberLogSumExp.PARAMETERS) * (1 + linearShare)));
    }

    record Spread(double linearShare, double rmse, double r2, double noise, double floorShare) {}

    static Spread spread(HuberLogSumExp f, double[] theta) {
        int linear = 0;
        double ss = 0;
        double mean = 0;
        double lowest = Double.POSITIVE_INFINITY;
        int n = f.size();
        for (int i = 0; i < n; i++) {
            double r = f.residual(theta, i);
            linear += Math.abs(r) > f.delta() ? 1 : 0;
            ss += r * r;
            mean += f.logLoss(i) / n;
            lowest = Math.min(lowest, f.logLoss(i));
        }
        double total = 0;
        for (int i = 0; i < n; i++) {
            total += Math.pow(f.logLoss(i) - mean, 2);
        }
        return new Spread(
                (double) linear / n,
                Math.sqrt(ss / n),
                total > 0 ? 1 - ss / total : 0,
                Math.sqrt(ss / (n - HuberLogSumExp.PARAMETERS)),
                Math.exp(theta[2] - lowest));
    }

    private static <T> FitOutcome<T> refuse(RefusalReason reason, String sentence, Map<String, Double> numbers) {
        return new FitOutcome.Refused<>(reason, sentence, numbers);
    }
}
