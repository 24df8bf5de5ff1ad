package dev.isoflop.scaling.fit;

import dev.isoflop.scaling.law.Law;
import dev.isoflop.scaling.law.LawPoints;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/**
 * Fits any {@link Law}: its candidates are ranked by the objective, the best of them that differ are followed by {@link DampedNewton} on exact derivatives, and the
 * lowest is kept.
 *
 * <p>Concurrency: those that are followed run on the given number of threads, each into a slot of its own; the result does not depend on the number. No state is held.
 */
public final class LawFit {

    private static final int MOST_STARTS = 16;
    /** Candidates closer than this in every parameter are one. */
    private static final double APART = 0.05;

    private LawFit() {}

    /**
     * A minimum of the objective.
     *
     * @param law that was fitted
     * @param values of its coefficients
     * @param objective sum of costs there
     * @param starts candidates followed
     * @param agreeing how many of them ended within 1e-6 of the minimum: evidence that it is the global one
     * @param decrement relative gain that one more step could bring
     * @param converged whether the optimizer stopped by itself
     */
    public record Minimum(
            Law law, double[] values, double objective, int starts, int agreeing, double decrement, boolean converged) {

        /**
         * Loss at a point.
         *
         * @param x the law's inputs
         */
        public double loss(double... x) {
            return law.loss(values, x);
        }

        /** Coefficients at an end of their range: what the points would have, the law does not allow, or they do not determine it. */
        public List<String> atEnd() {
            List<String> names = new ArrayList<>();
            for (int k = 0; k < values.length; k++) {
                Law.Coefficient c = law.coefficients().get(k);
                // a positive one was at the logarithm of its end, which may not come back to the last digit
                double slack = c.positive() ? 1e-12 * values[k] : 0;
                if (values[k] <= c.low() + slack || values[k] >= c.high() - slack) {
                    names.add(c.name());
                }
            }
            return names;
        }

        /** @throws IllegalArgumentException if the law has no such coefficient */
        public double value(String coefficient) {
            List<Law.Coefficient> all = law.coefficients();
            for (int k = 0; k < values.length; k++) {
                if (all.get(k).name().equals(coefficient)) {
                    return values[k];
                }
            }
            throw new IllegalArgumentException(law.name() + " has no coefficient " + coefficient);
        }
    }

    public static FitOutcome<Minimum> minimum(Law law, LawPoints points, Criterion criterion, int threads) {
        return minimum(law, points, criterion, List.of(), MOST_STARTS, threads);
    }

    /**
     * With fewer starts, where some are good: the minimum for a part of the points is one for all of them.
     *
     * @param known values of the coefficients to look from beside the law's candidates
     * @param most candidates followed; 0 for what is known alone
     */
    public static FitOutcome<Minimum> minimum(
            Law law, LawPoints points, Criterion criterion, List<double[]> known, int most, int threads) {
        int unknown = law.coefficients().size();
        if (points.size() <= unknown) {
            return new FitOutcome.Refused<>(
                    RefusalReason.TOO_FEW_POINTS,
                    Refusals.format(
                            "The %d coefficients of %s need at least %d points to leave a check; there are %d.",
                            unknown, law.formula(), unknown + 1, points.size()),
                    Map.of("points", (double) points.size(), "needed", (double) unknown + 1));
        }
        LawObjective ranking = new LawObjective(law, points, points.weights(), criterion);
        List<double[]> starts = new ArrayList<>();
        known.forEach(values -> starts.add(ranking.theta(values)));
        if (most > 0) {
            starts.addAll(best(ranking, law.candidates(points), most));
        }
        if (starts.isEmpty()) {
            return new FitOutcome.Refused<>(
                    RefusalReason.UNIDENTIFIABLE,
                    "The points give no place to look for " + law.formula() + " from.",
                    Map.of("points", (double) points.size()));
        }
        DampedNewton.Minimum[] minima = new DampedNewton.Minimum[starts.size()];
        Parallel.range(minima.length, threads, () -> {
            Descent own = new Descent(law, points, points.weights(), criterion);
            return i -> minima[i] = own.from(starts.get(i));
        });
        DampedNewton.Minimum lowest = minima[0];
        for (DampedNewton.Minimum each : minima) {
            if (each.value() < lowest.value()) {
                lowest = each;
            }
        }
        if (!Double.isFinite(lowest.value())) {
            return new FitOutcome.Refused<>(
                    RefusalReason.NOT_CONVERGED,
                    "No coefficients were found with which " + law.formula()
                            + " gives every point a number. Are N, D and the loss in the units that they should be?",
                    Map.of("points", (double) points.size()));
        }
        double bound = lowest.value() * (1 + 1e-6);
        int agreeing = (int) java.util.Arrays.stream(minima)
                .filter(each -> each.value() <= bound)
                .count();
        return new FitOutcome.Converged<>(new Minimum(
                law,
                ranking.values(lowest.theta()),
                lowest.value(),
                minima.length,
                agreeing,
                lowest.decrement(),
                lowest.converged()));
    }

    /**
     * The bootstrap's vectors: the law fitted anew to points drawn with replacement, each from the minimum.
     *
     * @param count draws
     * @param seed of MT19937
     * @return values of the coefficients, one row a draw
     */
    public static Resamples resample(
            Minimum minimum,
            LawPoints points,
            Criterion criterion,
            ParametricOptions.Resampling resampling,
            int count,
            long seed,
            int threads) {
        List<String> names =
                minimum.law.coefficients().stream().map(Law.Coefficient::name).toList();
        double[][] rows = new double[count][];
        if (resampling == ParametricOptions.Resampling.RESIDUALS) {
            List<LawPoints> drawn = residuals(minimum, points, count, seed);
            Parallel.range(count, threads, () -> i -> {
                Descent own = new Descent(minimum.law, drawn.get(i), points.weights(), criterion);
                rows[i] = own.exact.values(
                        own.from(own.exact.theta(minimum.values)).theta());
            });
            return new Resamples(names, List.of(rows));
        }
        List<int[]> draws = CaseDraws.draw(points.measured(), points::group, resampling, count, seed);
        Parallel.range(count, threads, () -> i -> {
            double[] weight = new double[points.size()];
            java.util.Arrays.setAll(weight, p -> points.weight(p) * (p < points.measured() ? draws.get(i)[p] : 1));
            Descent own = new Descent(minimum.law, points, weight, criterion);
            rows[i] = own.exact.values(own.from(own.exact.theta(minimum.values)).theta());
        });
        return new Resamples(names, List.of(rows));
    }

    /** Values of the coefficients that one descent from given ones ends at. */
    static double[] from(Law law, LawPoints points, Criterion criterion, double[] values) {
        Descent descent = new Descent(law, points, points.weights(), criterion);
        return descent.exact.values(descent.from(descent.exact.theta(values)).theta());
    }

    /** The points with other losses for each draw; anchors keep theirs. */
    static List<LawPoints> residuals(Minimum minimum, LawPoints points, int count, long seed) {
        double[][] x = points.rows(minimum.law);
        int n = points.measured();
        double[] predicted = new double[n];
        double[] residual = new double[n];
        double[] weight = new double[n];
        for (int i = 0; i < n; i++) {
            if (!(points.loss(i) > 0) || !(minimum.loss(x[i]) > 0)) {
                throw new IllegalArgumentException(
                        "residuals are drawn of logarithms, so what is fitted must be positive");
            }
            predicted[i] = Math.log(minimum.loss(x[i]));
            residual[i] = Math.log(points.loss(i)) - predicted[i];
            weight[i] = points.weight(i);
        }
        List<LawPoints> out = new ArrayList<>();
        for (double[] draw : ResidualDraws.draw(residual, weight, minimum.values.length, count, seed)) {
            double[] losses = points.losses();
            for (int i = 0; i < n; i++) {
                losses[i] = Math.exp(predicted[i] + draw[i]);
            }
            out.add(points.withLosses(losses));
        }
        return out;
    }

    /**
     * The objective at given values of the coefficients.
     */
    public static double objectiveAt(Law law, double[] values, LawPoints points, Criterion criterion) {
        LawObjective f = new LawObjective(law, points, points.weights(), criterion);
        return f.valueAt(f.theta(values));
    }

    /** Goes down a criterion's stages. Not thread safe. */
    private static final class Descent {
        private final LawObjective exact;
        private final List<LawObjective> stages;
        private final DampedNewton newton;

        Descent(Law law, LawPoints points, double[] weight, Criterion criterion) {
            exact = new LawObjective(law, points, weight, criterion);
            stages = criterion.stages().stream()
                    .map(stage -> stage == criterion ? exact : new LawObjective(law, points, weight, stage))
                    .toList();
            newton = new DampedNewton(exact.bounds(false), exact.bounds(true));
        }

        DampedNewton.Minimum from(double[] start) {
            DampedNewton.Minimum reached = newton.minimise(stages.getFirst(), start);
            for (LawObjective stage : stages.subList(1, stages.size())) {
                reached = newton.minimise(stage, reached.theta());
            }
            return new DampedNewton.Minimum(
                    reached.theta(),
                    exact.valueAt(reached.theta()),
                    reached.iterations(),
                    reached.decrement(),
                    reached.converged());
        }
    }

    private static List<double[]> best(LawObjective f, List<double[]> candidates, int most) {
        record Ranked(double[] theta, double value) {}
        List<Ranked> ranked = new ArrayList<>();
        for (double[] values : candidates) {
            double[] theta = f.theta(values);
            ranked.add(new Ranked(theta, f.valueAt(theta)));
        }
        ranked.sort(Comparator.comparingDouble(Ranked::value));
        List<double[]> kept = new ArrayList<>();
        for (Ranked each : ranked) {
            if (kept.size() < most && kept.stream().noneMatch(other -> isNear(other, each.theta))) {
                kept.add(each.theta);
            }
        }
        return kept;
    }

    private static boolean isNear(double[] a, double[] b) {
        for (int k = 0; k < a.length; k++) {
            if (Math.abs(a[k] - b[k]) > APART * Math.max(1, Math.abs(a[k]))) {
                return false;
            }
        }
        return true;
    }
}
