package dev.isoflop.scaling.fit;

import dev.isoflop.scaling.law.ChinchillaLaw;
import dev.isoflop.scaling.law.FitPoint;
import dev.isoflop.scaling.law.Law;
import dev.isoflop.scaling.law.LawPoints;
import dev.isoflop.scaling.law.form.Chinchilla;
import dev.isoflop.scaling.law.form.DataConstrained;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * The decay of repeated data and of excess parameters (Muennighoff et al. 2023, section 3.1), the law of fresh data taken from those of the runs that repeat nothing, by
 * {@link ParametricFit}; then RD* and RN* from all of them, that law held.
 *
 * <p>A fresh run with more parameters than its data suffice for counts in full in the first step and discounted in the second, in the published protocol as here. Many of them pull RN* up;
 * how many there are is told. {@link dev.isoflop.scaling.law.form.DataConstrainedJoint} fits all at once and has no such pull.
 *
 * <p>Intervals carry the first step into the second: each draw fits the law of fresh data anew to the runs drawn that repeat nothing, and the decays about that one.
 *
 * <p>Concurrency: draws are made beforehand and run on the given number of threads, each into a slot of its own. No state is held.
 */
public final class DataConstrainedFit {

    /** D and U of a run that repeats nothing are one number, perhaps rounded twice. */
    private static final double ROUNDING = 1e-9;
    /** Distinct runs that a draw needs for five coefficients and a check. */
    private static final int FRESH_IN_A_DRAW = 6;
    /** The objective has more than one valley in RD* and RN*: a draw is looked at from the best of these, too. */
    private static final double[] DECAYS = {1, 6, 40, 250};

    private DataConstrainedFit() {}

    /**
     * @param fresh law of the runs that repeat nothing
     * @param freshRuns how many those are
     * @param excessive how many of those have more parameters than their data suffice for by that law
     * @param minimum of RD* and RN* about it
     * @param resamples of RD*, RN*, E, A, B, alpha, beta; not numbers where a draw had too few runs that repeat nothing
     */
    public record Result(
            ChinchillaLaw fresh, int freshRuns, int excessive, LawFit.Minimum minimum, Resamples resamples) {}

    /**
     * @param points with U
     * @param delta Huber's, of log loss, in both steps
     * @param resampling what is drawn, of all runs together
     * @param count draws; 0 gives no intervals
     * @throws IllegalArgumentException if the points lack U
     */
    public static FitOutcome<Result> of(
            List<FitPoint> points,
            double delta,
            ParametricOptions.Resampling resampling,
            int count,
            long seed,
            int threads) {
        List<FitPoint> unrepeated =
                points.stream().filter(DataConstrainedFit::repeatsNothing).toList();
        if (unrepeated.size() == points.size()) {
            return nothingRepeated(points);
        }
        ParametricOptions options =
                ParametricOptions.defaults().withHuberDelta(delta).withResamples(0);
        FitOutcome<ParametricResult> first = ParametricFit.fit(unrepeated, options, threads);
        if (first instanceof FitOutcome.Refused<ParametricResult> refused) {
            return new FitOutcome.Refused<>(
                    refused.reason(),
                    Refusals.format(
                            "The law of fresh data is fitted to the runs that repeat nothing (D <= U), %d of %d. %s Give it with --fresh E,A,B,alpha,beta, or leave --fresh out: then all runs tell it, in one fit with the decays.",
                            unrepeated.size(), points.size(), refused.sentence()),
                    refused.numbers());
        }
        ChinchillaLaw fresh = first.orElseThrow().law();
        Criterion criterion = new Criterion.HuberLog(delta);
        LawPoints all = LawPoints.of(points);
        DataConstrained form = new DataConstrained(fresh);
        int excessive = (int) excessive(unrepeated, fresh);
        FitOutcome<LawFit.Minimum> second = LawFit.minimum(form, all, criterion, threads);
        return second.flatMap(minimum -> {
            double[][] rows = new double[count][];
            List<List<FitPoint>> draws = draws(points, minimum, resampling, count, seed);
            Parallel.range(count, threads, () -> i -> rows[i] = refitted(draws.get(i), fresh, minimum, criterion));
            return new FitOutcome.Converged<>(new Result(
                    fresh,
                    unrepeated.size(),
                    excessive,
                    minimum,
                    new Resamples(List.of("RD*", "RN*", "E", "A", "B", "alpha", "beta"), List.of(rows))));
        });
    }

    /** Runs with more parameters than their distinct tokens suffice for by a law of fresh data. */
    public static long excessive(List<FitPoint> points, ChinchillaLaw fresh) {
        return points.stream().filter(p -> excess(p, fresh) > 0).count();
    }

    /** RN of the run that has most of it, 0 if none has any. */
    public static double mostExcess(List<FitPoint> points, ChinchillaLaw fresh) {
        return points.stream().mapToDouble(p -> excess(p, fresh)).max().orElse(0);
    }

    private static double excess(FitPoint p, ChinchillaLaw fresh) {
        double sufficient = new DataConstrained(fresh).sufficient(Math.min(p.D(), p.input(Law.Input.U)));
        return Math.max(0, p.N() / sufficient - 1);
    }

    /** Of points that all repeat nothing. */
    public static <T> FitOutcome.Refused<T> nothingRepeated(List<FitPoint> points) {
        return new FitOutcome.Refused<>(
                RefusalReason.UNIDENTIFIABLE,
                Refusals.format(
                        "All %d runs repeat nothing (D <= U), so they say nothing of what repeated data are worth.",
                        points.size()),
                Map.of("points", (double) points.size()));
    }

    /** @param point with U */
    public static boolean repeatsNothing(FitPoint point) {
        return point.D() <= point.input(Law.Input.U) * (1 + ROUNDING);
    }

    /** The points of each draw: those drawn, weighted by how often, or all of them with other losses. */
    private static List<List<FitPoint>> draws(
            List<FitPoint> points,
            LawFit.Minimum minimum,
            ParametricOptions.Resampling resampling,
            int count,
            long seed) {
        List<List<FitPoint>> out = new ArrayList<>(count);
        if (resampling == ParametricOptions.Resampling.RESIDUALS) {
            for (LawPoints drawn : LawFit.residuals(minimum, LawPoints.of(points), count, seed)) {
                List<FitPoint> draw = new ArrayList<>();
                for (int i = 0; i < points.size(); i++) {
                    draw.add(points.get(i).withLoss(drawn.loss(i)));
                }
                out.add(draw);
            }
            return out;
        }
        for (int[] times : CaseDraws.draw(points, resampling, count, seed)) {
            List<FitPoint> draw = new ArrayList<>();
            for (int i = 0; i < times.length; i++) {
                if (times[i] > 0) {
                    FitPoint point = points.get(i);
                    draw.add(point.withWeight(point.weight() * times[i]));
                }
            }
            out.add(draw);
        }
        return out;
    }

    private static double[] refitted(
            List<FitPoint> drawn, ChinchillaLaw fresh, LawFit.Minimum minimum, Criterion criterion) {
        double[] row = new double[7];
        Arrays.fill(row, Double.NaN);
        List<FitPoint> unrepeated =
                drawn.stream().filter(DataConstrainedFit::repeatsNothing).toList();
        if (unrepeated.size() < FRESH_IN_A_DRAW) {
            return row;
        }
        double[] law = LawFit.from(new Chinchilla(), LawPoints.of(unrepeated), criterion, new double[] {
            fresh.E(), fresh.A(), fresh.B(), fresh.alpha(), fresh.beta()
        });
        DataConstrained form = new DataConstrained(new ChinchillaLaw(law[0], law[1], law[2], law[3], law[4]));
        LawPoints all = LawPoints.of(drawn);
        FitOutcome<LawFit.Minimum> decays =
                LawFit.minimum(form, all, criterion, List.of(minimum.values(), best(form, all, criterion)), 0, 1);
        if (decays instanceof FitOutcome.Converged<LawFit.Minimum>(LawFit.Minimum found)) {
            System.arraycopy(found.values(), 0, row, 0, 2);
            System.arraycopy(law, 0, row, 2, 5);
        }
        return row;
    }

    private static double[] best(DataConstrained form, LawPoints points, Criterion criterion) {
        double[] best = {DECAYS[0], DECAYS[0]};
        double least = Double.POSITIVE_INFINITY;
        for (double data : DECAYS) {
            for (double model : DECAYS) {
                double[] values = {data, model};
                double objective = LawFit.objectiveAt(form, values, points, criterion);
                if (objective < least) {
                    least = objective;
                    best = values;
                }
            }
        }
        return best;
    }
}
