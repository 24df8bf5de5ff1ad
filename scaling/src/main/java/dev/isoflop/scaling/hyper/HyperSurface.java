package dev.isoflop.scaling.hyper;

import dev.isoflop.scaling.fit.Criterion;
import dev.isoflop.scaling.fit.Estimate;
import dev.isoflop.scaling.fit.FitOutcome;
import dev.isoflop.scaling.fit.LawFit;
import dev.isoflop.scaling.fit.ParametricOptions.Resampling;
import dev.isoflop.scaling.fit.RefusalReason;
import dev.isoflop.scaling.fit.Resamples;
import dev.isoflop.scaling.law.FitPoint;
import dev.isoflop.scaling.law.Jet;
import dev.isoflop.scaling.law.Law;
import dev.isoflop.scaling.law.LawPoints;
import dev.isoflop.scaling.law.form.Basin;
import dev.isoflop.scaling.law.form.RateBatch;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The loss around the best learning rate and batch, fitted to the runs near the best of each (N, D): a paraboloid of one shape whose centre moves by power laws, on a level
 * of its own for each (N, D). What follows are laws of the best and the regret of any choice. {@link RateBatch} is the same with a law of the level.
 */
public final class HyperSurface {

    /** Squares, as the levels are means: the excess of runs is of the size of their noise. */
    private static final Criterion CRITERION = new Criterion.Square(true);

    private final LawFit.Minimum minimum;
    private final Resamples resamples;
    private final int runs;
    private final double level;

    private HyperSurface(LawFit.Minimum minimum, Resamples resamples, int runs, double level) {
        this.minimum = minimum;
        this.resamples = resamples;
        this.runs = runs;
        this.level = level;
    }

    /**
     * The excess loss of a choice over the surface's optimum, as a share of that.
     *
     * @param share at the fit, with its interval
     * @param expected mean over the draws: above {@code share} where the optimum itself is uncertain, so that nobody's is 0
     */
    public record Regret(Estimate share, double expected) {}

    /**
     * @param within share above the least loss of its (N, D) up to which a run is fitted
     * @param draws bootstrap draws of (N, D), the runs of each together; 0 for no intervals
     * @param level of the intervals
     */
    public static FitOutcome<HyperSurface> of(
            List<TunedRun> all, double within, int draws, long seed, double level, int threads) {
        if (!(within > 0)) {
            throw new IllegalArgumentException("within must be positive, was " + within);
        }
        Map<TunedRun.Cell, List<TunedRun>> cells = LocalOptima.cells(all);
        List<FitPoint> near = new ArrayList<>();
        cells.forEach((cell, runs) -> {
            for (TunedRun run : LocalOptima.near(runs, within)) {
                near.add(FitPoint.of(run.N(), run.D(), run.loss())
                        .withGroup(cell.toString())
                        .with(Map.of(Law.Input.RATE, run.rate(), Law.Input.BATCH, run.batch())));
            }
        });
        LawPoints points = LawPoints.of(near);
        LevelForm form = new LevelForm(cells.keySet());
        if (near.size() > form.coefficients().size() && form.candidates(points).isEmpty()) {
            return new FitOutcome.Refused<>(
                    RefusalReason.UNIDENTIFIABLE,
                    "No (N, D) has a minimum of the loss among its learning rates and batches.",
                    Map.of("cells", (double) cells.size(), "runs", (double) near.size()));
        }
        return LawFit.minimum(form, points, CRITERION, threads)
                .flatMap(minimum -> new FitOutcome.Converged<>(new HyperSurface(
                        minimum,
                        LawFit.resample(minimum, points, CRITERION, Resampling.GROUPS, draws, seed, threads),
                        near.size(),
                        level)));
    }

    public LawFit.Minimum minimum() {
        return minimum;
    }

    /** Runs that were near enough to be fitted. */
    public int runs() {
        return runs;
    }

    /** The best learning rate. */
    public HyperLaw rate() {
        double[] c = minimum.values();
        return new HyperLaw(c[0], c[1], c[2]);
    }

    /** The best batch. */
    public HyperLaw batch() {
        double[] c = minimum.values();
        return new HyperLaw(c[3], 0, c[4]);
    }

    /** @throws IllegalArgumentException if the surface has no such coefficient */
    public Estimate coefficient(String name) {
        double value = minimum.value(name);
        int index = resamples.names().indexOf(name);
        return resamples.estimate(value, level, row -> row[index]);
    }

    /**
     * What training with this learning rate and batch costs against the best.
     *
     * @param batch tokens a step
     */
    public Regret regret(double N, double D, double rate, double batch) {
        double share = share(minimum.values(), N, D, rate, batch);
        double expected = resamples.rows().stream()
                .mapToDouble(row -> share(row, N, D, rate, batch))
                .average()
                .orElse(share);
        return new Regret(resamples.estimate(share, level, row -> share(row, N, D, rate, batch)), expected);
    }

    private static double share(double[] c, double N, double D, double rate, double batch) {
        return Basin.above(Jet.constants(c), 0, new double[] {N, D, rate, batch})
                .value();
    }
}
