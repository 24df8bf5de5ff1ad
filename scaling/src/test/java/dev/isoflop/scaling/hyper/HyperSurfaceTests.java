package dev.isoflop.scaling.hyper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import dev.isoflop.scaling.fit.Criterion;
import dev.isoflop.scaling.fit.FitOutcome;
import dev.isoflop.scaling.fit.LawFit;
import dev.isoflop.scaling.fit.RefusalReason;
import dev.isoflop.scaling.law.FitPoint;
import dev.isoflop.scaling.law.Law;
import dev.isoflop.scaling.law.LawPoints;
import dev.isoflop.scaling.law.form.Chinchilla;
import dev.isoflop.scaling.law.form.RateBatch;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** One surface of loss, learning rate and batch, and regret. */
class HyperSurfaceTests {

    private static final int THREADS = 2;
    private static final double[] TRUTH = {1.7, 300, 900, .33, .31, 1.8, -.71, .3, .6, .57, .12, -.05, .08};

    /** A grid of 5 learning rates and 5 batches around the best of each of 9 (N, D). */
    private static List<TunedRun> grid(double noise) {
        Random random = new Random(5);
        RateBatch form = new RateBatch();
        List<TunedRun> runs = new ArrayList<>();
        for (double n : new double[] {6e7, 2.5e8, 1e9}) {
            for (double each : new double[] {10, 50, 250}) {
                double d = n * each;
                double rate = TRUTH[5] * Math.pow(n, TRUTH[6]) * Math.pow(d, TRUTH[7]);
                double batch = TRUTH[8] * Math.pow(d, TRUTH[9]);
                for (int i = -2; i <= 2; i++) {
                    for (int k = -2; k <= 2; k++) {
                        double r = rate * Math.pow(1.6, i + .3);
                        double b = batch * Math.pow(1.8, k - .2);
                        runs.add(new TunedRun(
                                n, d, r, b, form.loss(TRUTH, n, d, r, b) * Math.exp(noise * random.nextGaussian())));
                    }
                }
            }
        }
        return runs;
    }

    private static HyperSurface fit(List<TunedRun> runs, double within, int draws) {
        return HyperSurface.of(runs, within, draws, 42, .9, THREADS).orElseThrow();
    }

    @Test
    void theSurfaceIsRecoveredWithoutNoise() {
        HyperSurface surface = fit(grid(0), 1, 4);
        // the basin's coefficients follow those of the best loss
        for (int k = 0; k < TRUTH.length - 5; k++) {
            assertThat(surface.minimum().values()[k])
                    .as(surface.minimum().law().coefficients().get(k).name())
                    .isCloseTo(TRUTH[k + 5], withinPercentage(.01));
        }
        double n = 1e10;
        double d = 2e11;
        double rate = surface.rate().at(n, d);
        double batch = surface.batch().at(n, d);
        assertThat(surface.regret(n, d, rate, batch).share().value()).isCloseTo(0, within(1e-12));
        assertThat(surface.regret(n, d, 2 * rate, batch).share().value())
                .isCloseTo(Math.pow(.12 * Math.log(2), 2) / 2, withinPercentage(.1));
    }

    @Test
    void aLevelThatNoLawDescribesDoesNotBendTheBasin() {
        // every (N, D) is shifted by a percent or two of its own, as another data mix or a bad seed would
        List<TunedRun> shifted = grid(0).stream()
                .map(r -> new TunedRun(
                        r.N(), r.D(), r.rate(), r.batch(), r.loss() * (1 + .02 * Math.sin(r.N() / 1e8 + r.D() / 1e10))))
                .toList();
        HyperSurface surface = fit(shifted, 1, 0);
        assertThat(surface.rate().ofN()).isCloseTo(-.71, within(1e-4));
        assertThat(surface.batch().ofD()).isCloseTo(.57, within(1e-4));
    }

    @Test
    void lossRateAndBatchAreOneLaw() {
        List<FitPoint> points = grid(0).stream()
                .map(r -> FitPoint.of(r.N(), r.D(), r.loss())
                        .with(Map.of(Law.Input.RATE, r.rate(), Law.Input.BATCH, r.batch())))
                .toList();
        LawFit.Minimum found = LawFit.minimum(
                        new RateBatch(), LawPoints.of(points), new Criterion.HuberLog(1e-3), THREADS)
                .orElseThrow();
        for (int k = 0; k < TRUTH.length; k++) {
            assertThat(found.values()[k])
                    .as(found.law().coefficients().get(k).name())
                    .isCloseTo(TRUTH[k], withinPercentage(.1));
        }
    }

    @Test
    void onThePublishedGridOneLawOfAllNeedsRunsFartherFromTheBest() {
        LawFit.Minimum near = oneLaw(HyperLawTests.grid(), .01);
        assertThat(near.atEnd())
                .as("the basin makes up for the law of the best")
                .contains("rN", "rD");
        LawFit.Minimum wide = oneLaw(HyperLawTests.grid(), .03);
        assertThat(wide.atEnd()).isEmpty();
        assertThat(wide.agreeing()).isEqualTo(wide.starts());
        assertThat(wide.value("rN")).isCloseTo(-.5746, within(1e-3));
        assertThat(wide.value("rD")).isCloseTo(.196, within(1e-3));
        assertThat(wide.value("tD")).isCloseTo(PublishedHyperLaws.STEP_LAW_BATCH.ofD(), within(2e-3));
    }

    private static LawFit.Minimum oneLaw(List<TunedRun> grid, double share) {
        List<FitPoint> points = new ArrayList<>();
        LocalOptima.cells(grid).values().forEach(runs -> {
            double best = runs.stream().mapToDouble(TunedRun::loss).min().orElseThrow();
            runs.stream()
                    .filter(r -> r.loss() <= best * (1 + share))
                    .map(r -> FitPoint.of(r.N(), r.D(), r.loss())
                            .with(Map.of(Law.Input.RATE, r.rate(), Law.Input.BATCH, r.batch())))
                    .forEach(points::add);
        });
        return LawFit.minimum(new RateBatch(), LawPoints.of(points), new Criterion.Square(true), THREADS)
                .orElseThrow();
    }

    @Test
    void regretIsExpectedEvenOfTheBestThatIsKnown() {
        HyperSurface surface = fit(grid(.003), 1, 40);
        assertThat(surface.rate().ofN()).isCloseTo(-.71, within(.1));
        double n = 1e11;
        double d = 2e12;
        HyperSurface.Regret best =
                surface.regret(n, d, surface.rate().at(n, d), surface.batch().at(n, d));
        assertThat(best.share().value()).isCloseTo(0, within(1e-12));
        assertThat(best.expected()).as("the best is not known exactly").isGreaterThan(1e-6);
        HyperSurface.Regret far = surface.regret(
                n, d, 4 * surface.rate().at(n, d), surface.batch().at(n, d));
        assertThat(far.expected()).isGreaterThan(best.expected());
        assertThat(far.share().low()).isLessThan(far.share().value());
        double truth = new RateBatch()
                                .loss(
                                        TRUTH,
                                        n,
                                        d,
                                        4 * surface.rate().at(n, d),
                                        surface.batch().at(n, d))
                        / new Chinchilla().loss(TRUTH, n, d)
                - 1;
        assertThat(truth).isBetween(far.share().low(), far.share().high());
    }

    @Test
    void aGridWithoutAMinimumIsRefused() {
        List<TunedRun> falling = grid(0).stream()
                .map(r -> new TunedRun(r.N(), r.D(), r.rate(), r.batch(), 3 - .01 * Math.log(r.rate())))
                .toList();
        assertThat(HyperSurface.of(falling, 1, 0, 42, .9, THREADS))
                .isInstanceOfSatisfying(
                        FitOutcome.Refused.class, r -> assertThat(r.reason()).isEqualTo(RefusalReason.UNIDENTIFIABLE));
    }

    @Test
    void onThePublishedGridThePublishedLawIsNearTheSurfacesBest() {
        List<TunedRun> grid = HyperLawTests.grid();
        HyperSurface surface = fit(grid, .01, 20);
        assertThat(surface.runs()).isEqualTo(537);
        assertThat(surface.minimum().converged()).isTrue();
        // one basin for all lengths and sizes: other powers than the mean of single vertices, and no worse on the grid
        // than those
        assertThat(surface.rate().ofN()).isCloseTo(-.5592, within(1e-3));
        assertThat(surface.rate().ofD()).isCloseTo(.1361, within(1e-3));
        assertThat(surface.batch().ofD()).isCloseTo(.5578, within(1e-3));
        assertThat(100 * GridRegret.of(grid, surface.rate(), surface.batch()).mean())
                .isLessThan(.156);
        double published = 0;
        double expected = 0;
        int cells = 0;
        for (TunedRun.Cell cell : LocalOptima.cells(grid).keySet()) {
            HyperSurface.Regret regret = surface.regret(
                    cell.N(),
                    cell.D(),
                    PublishedHyperLaws.STEP_LAW_RATE.at(cell.N(), cell.D()),
                    PublishedHyperLaws.STEP_LAW_BATCH.at(cell.N(), cell.D()));
            published += regret.share().value();
            expected += regret.expected();
            cells++;
        }
        assertThat(100 * published / cells).as("percent").isCloseTo(.0124, within(1e-3));
        assertThat(expected).isGreaterThan(published);
    }
}
