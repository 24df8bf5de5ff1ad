package dev.isoflop.scaling.isoflop;

import dev.isoflop.scaling.fit.Estimate;
import dev.isoflop.scaling.fit.FitOutcome;
import dev.isoflop.scaling.fit.PowerLaw;
import dev.isoflop.scaling.fit.RefusalReason;
import dev.isoflop.scaling.fit.Resamples;
import dev.isoflop.scaling.fit.WeightedLine;
import dev.isoflop.scaling.law.FitPoint;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.apache.commons.math3.random.MersenneTwister;
import org.apache.commons.math3.stat.descriptive.moment.StandardDeviation;
import org.apache.commons.math3.stat.descriptive.rank.Median;
import org.jspecify.annotations.Nullable;

/**
 * Runs a {@link Protocol}. Each resample adds its own normal noise to every loss and goes the whole way again, from curves to lines. Holds no state.
 */
public final class ProtocolFit {

    private static final int MIN_BUDGETS = 3;

    private ProtocolFit() {}

    /**
     * The optimum of one budget.
     *
     * @param C training FLOPs
     * @param logN ln N*; the median of the resamples where the protocol has any
     * @param logNSd standard deviation of ln N*, its floor applied; 0 without noise
     * @param loss at the optimum of the losses as they are, nats per token
     * @param kept share of resamples with a minimum inside the sampled sizes
     */
    public record Optimum(double C, double logN, double logNSd, double loss, double kept) {

        public double N() {
            return Math.exp(logN);
        }
    }

    /**
     * @param C of a budget without an optimum
     * @param sentence why, and what to do
     */
    public record Left(double C, String sentence) {}

    /**
     * @param protocol that was followed
     * @param optima by C
     * @param left budgets without one
     * @param N N* = k C^a; infinite intervals without noise
     * @param D D* = k' C^b, from C = 6 N D
     * @param resamples (ln k, a) of each draw; empty without noise
     */
    public record Result(
            Protocol protocol, List<Optimum> optima, List<Left> left, PowerLaw N, PowerLaw D, Resamples resamples) {

        /** N* at a budget. */
        public Estimate optimumN(double C, double level) {
            return resamples.estimate(N.at(C), level, row -> Math.exp(row[0] + row[1] * Math.log(C)));
        }
    }

    public static FitOutcome<Result> fit(List<FitPoint> points, Protocol protocol, double level) {
        List<BudgetCurve> curves = BudgetCurve.of(points);
        List<Optimum> optima = new ArrayList<>();
        List<double[]> drawn = new ArrayList<>();
        List<Left> left = new ArrayList<>();
        MersenneTwister random = new MersenneTwister(protocol.seed());
        for (BudgetCurve curve : curves) {
            CurveRule rule = protocol.rule();
            if (curve.sizes() < rule.needs()) {
                left.add(new Left(
                        curve.C(),
                        format(
                                "At %.3g FLOPs there are %d sizes; this rule needs %d.",
                                curve.C(), curve.sizes(), rule.needs())));
                continue;
            }
            Optional<CurveRule.Lowest> lowest = rule.lowest(curve.logN(), curve.loss());
            if (lowest.isEmpty()) {
                left.add(new Left(
                        curve.C(),
                        format(
                                "At %.3g FLOPs the lowest loss is not between the sizes tried (N = %.3g to %.3g). Add sizes beyond the end where it falls.",
                                curve.C(), Math.exp(curve.logN()[0]), Math.exp(curve.logN()[curve.sizes() - 1]))));
                continue;
            }
            double[] draws = draws(curve, protocol, random);
            double[] finite = Arrays.stream(draws).filter(Double::isFinite).toArray();
            boolean noisy = protocol.noise() != null;
            if (noisy && finite.length < 2) {
                left.add(new Left(
                        curve.C(),
                        format("At %.3g FLOPs no resample has a minimum between the sizes tried.", curve.C())));
                continue;
            }
            optima.add(new Optimum(
                    curve.C(),
                    noisy ? new Median().evaluate(finite) : lowest.get().logN(),
                    noisy
                            ? Math.max(
                                    new StandardDeviation(false).evaluate(finite), protocol.floor() * curve.meanGap())
                            : 0,
                    lowest.get().loss(),
                    noisy ? (double) finite.length / draws.length : 1));
            drawn.add(draws);
        }
        return optima.size() < MIN_BUDGETS
                ? new FitOutcome.Refused<>(
                        RefusalReason.TOO_FEW_BUDGETS,
                        format(
                                "A power law with a check needs %d budgets with an optimum; there are %d. %s",
                                MIN_BUDGETS,
                                optima.size(),
                                left.isEmpty() ? "" : left.getFirst().sentence()),
                        Map.of("budgets", (double) optima.size(), "needed", (double) MIN_BUDGETS))
                : new FitOutcome.Converged<>(lines(protocol, optima, left, drawn, level));
    }

    /** ln N* of each draw, not a number where that has no minimum inside. */
    private static double[] draws(BudgetCurve curve, Protocol protocol, MersenneTwister random) {
        double[] out = new double[protocol.resamples()];
        @Nullable LossNoise noise = protocol.noise();
        if (noise == null) {
            return out;
        }
        double[] loss = new double[curve.sizes()];
        double[] sd = new double[curve.sizes()];
        for (int i = 0; i < sd.length; i++) {
            sd[i] = noise.sd(curve.loss()[i]) * Math.sqrt(curve.share()[i]);
        }
        for (int b = 0; b < out.length; b++) {
            for (int i = 0; i < loss.length; i++) {
                // a loss that noise would take below zero has no logarithm
                loss[i] = Math.max(1e-9, curve.loss()[i] + sd[i] * random.nextGaussian());
            }
            out[b] = protocol.rule()
                    .lowest(curve.logN(), loss)
                    .map(CurveRule.Lowest::logN)
                    .orElse(Double.NaN);
        }
        return out;
    }

    private static Result lines(
            Protocol protocol, List<Optimum> optima, List<Left> left, List<double[]> drawn, double level) {
        int m = optima.size();
        double[] x = optima.stream().mapToDouble(o -> Math.log(o.C())).toArray();
        double[] y = optima.stream().mapToDouble(Optimum::logN).toArray();
        double[] w = new double[m];
        Arrays.setAll(w, i -> protocol.weighted() ? 1 / Math.pow(optima.get(i).logNSd(), 2) : 1);
        WeightedLine line = WeightedLine.through(x, y, w);
        List<double[]> rows = new ArrayList<>();
        for (int b = 0; b < protocol.resamples(); b++) {
            int draw = b;
            int[] inside = java.util.stream.IntStream.range(0, m)
                    .filter(i -> Double.isFinite(drawn.get(i)[draw]))
                    .toArray();
            if (inside.length >= MIN_BUDGETS) {
                WeightedLine each = WeightedLine.through(
                        Arrays.stream(inside).mapToDouble(i -> x[i]).toArray(),
                        Arrays.stream(inside)
                                .mapToDouble(i -> drawn.get(i)[draw])
                                .toArray(),
                        Arrays.stream(inside).mapToDouble(i -> w[i]).toArray());
                rows.add(new double[] {each.intercept(), each.slope()});
            }
        }
        Resamples resamples = new Resamples(List.of("ln k", "a"), rows);
        Estimate k = resamples.estimate(Math.exp(line.intercept()), level, row -> Math.exp(row[0]));
        Estimate a = resamples.estimate(line.slope(), level, row -> row[1]);
        return new Result(
                protocol,
                List.copyOf(optima),
                List.copyOf(left),
                new PowerLaw(k, a),
                new PowerLaw(k.under(1.0 / 6), new Estimate(1 - a.value(), 1 - a.high(), 1 - a.low())),
                resamples);
    }

    private static String format(String pattern, Object... arguments) {
        return String.format(Locale.ROOT, pattern, arguments);
    }
}
