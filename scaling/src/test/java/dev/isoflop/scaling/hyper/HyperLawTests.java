package dev.isoflop.scaling.hyper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import dev.isoflop.scaling.Fixtures;
import dev.isoflop.scaling.fit.Estimate;
import dev.isoflop.scaling.fit.FitOutcome;
import dev.isoflop.scaling.fit.ParametricOptions.Resampling;
import dev.isoflop.scaling.law.FitPoint;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Power laws of learning rate and batch: published ones, and those of the grid that was published with them. */
class HyperLawTests {

    private static final int THREADS = 2;
    /** Tokens a sequence of the published grid. */
    private static final int SEQUENCE = 2048;

    static double number(Map<String, String> row, String column) {
        return Double.parseDouble(row.get(column));
    }

    /** Li et al.'s dense grid: 17 (N, D), up to 120 learning rates and batches each; losses smoothed by them. */
    static List<TunedRun> grid() {
        return Fixtures.csv("steplaw/dense_lr_bs_loss.csv").stream()
                .map(r -> new TunedRun(
                        number(r, "N"),
                        number(r, "D"),
                        number(r, "lr"),
                        number(r, "bs") * SEQUENCE,
                        number(r, "smooth loss")))
                .toList();
    }

    @Test
    void theMeanOfThePublishedTableIsTheStepLaw() {
        List<Map<String, String>> rows = Fixtures.csv("steplaw/1004_fitted_lr_bs_scaling_model_parameters.csv");
        assertThat(rows).hasSize(1000);
        HyperLaw rate = meanRate(rows);
        HyperLaw batch = meanBatch(rows);
        assertThat(rate.at(7e9, 1.4e12)).isCloseTo(9.347e-4, withinPercentage(.1));
        assertThat(batch.at(7e9, 1.4e12)).isCloseTo(4.997e6, withinPercentage(.1));
        HyperLaw published = PublishedHyperLaws.STEP_LAW_RATE;
        assertThat(rate.ofN()).isCloseTo(published.ofN(), within(1e-3));
        assertThat(rate.ofD()).isCloseTo(published.ofD(), within(1e-3));
        assertThat(batch.ofD()).isCloseTo(PublishedHyperLaws.STEP_LAW_BATCH.ofD(), within(1e-3));
        // three digits of the published exponents are two percent of a rate at this size
        assertThat(published.at(7e9, 1.4e12)).isCloseTo(9.347e-4, withinPercentage(2));
    }

    private static HyperLaw meanRate(List<Map<String, String>> rows) {
        return new HyperLaw(Math.exp(mean(rows, "lr_intercept")), mean(rows, "lr_coefN"), mean(rows, "lr_coefD"));
    }

    private static HyperLaw meanBatch(List<Map<String, String>> rows) {
        return new HyperLaw(Math.exp(mean(rows, "bs_intercept")), 0, mean(rows, "bs_coefD"));
    }

    private static double mean(List<Map<String, String>> rows, String column) {
        return rows.stream().mapToDouble(r -> number(r, column)).average().orElseThrow();
    }

    @Test
    void paraboloidsThroughRunsWithinTwoPercentGiveTheGridsOwnLaws() {
        List<TunedRun> grid = grid();
        LocalOptima optima = LocalOptima.of(grid, .02);
        assertThat(optima.optima()).hasSize(17);
        assertThat(optima.refused()).isEmpty();
        HyperLawFit rate = fit(HyperLawFit.rates(optima), HyperLawFit.Of.N_AND_D);
        HyperLawFit batch = fit(HyperLawFit.batches(optima), HyperLawFit.Of.D);
        assertThat(rate.law().ofN()).isCloseTo(-.6948, within(1e-4));
        assertThat(rate.law().ofD()).isCloseTo(.2082, within(1e-4));
        assertThat(batch.law().coefficient()).isCloseTo(.5459, within(1e-4));
        assertThat(batch.law().ofD()).isCloseTo(.5691, within(1e-4));
        // the basin is flat: exponents are known to a few hundredths at best
        assertThat(width(rate.ofD())).isBetween(.05, .6);
        assertThat(width(batch.ofD())).isBetween(.02, .5);
        assertThat(rate.ofN().low()).isLessThan(rate.law().ofN());
        assertThat(100 * GridRegret.of(grid, rate.law(), batch.law()).mean()).isCloseTo(.156, within(1e-3));
    }

    @Test
    void thePublishedLawLosesATenthOfAPercentOnItsOwnGrid() {
        List<Map<String, String>> rows = Fixtures.csv("steplaw/1004_fitted_lr_bs_scaling_model_parameters.csv");
        GridRegret regret = GridRegret.of(grid(), meanRate(rows), meanBatch(rows));
        assertThat(regret.cells()).isEqualTo(17);
        assertThat(100 * regret.mean()).isCloseTo(.098, within(6e-4));
        assertThat(100 * regret.worst()).isBetween(.1, 1.0);
    }

    @Test
    void runsWithinAQuarterOfAPercentGiveAnotherLawThanWasPublishedOfThem() {
        List<FitPoint> rates = new ArrayList<>();
        List<FitPoint> batches = new ArrayList<>();
        LocalOptima.cells(grid()).forEach((cell, runs) -> {
            double best = runs.stream().mapToDouble(TunedRun::loss).min().orElseThrow();
            for (TunedRun run : runs) {
                if (run.loss() <= best * 1.0025) {
                    rates.add(FitPoint.of(run.N(), run.D(), run.rate()).withGroup(cell.toString()));
                    batches.add(FitPoint.of(run.N(), run.D(), run.batch()).withGroup(cell.toString()));
                }
            }
        });
        HyperLawFit rateFit = fit(rates, HyperLawFit.Of.N_AND_D);
        HyperLawFit batchFit = fit(batches, HyperLawFit.Of.D);
        HyperLaw rate = rateFit.law();
        HyperLaw batch = batchFit.law();
        // standard deviations, (N, D) drawn together: a 90 % interval is 3.29 of them wide
        assertThat(width(rateFit.ofD()) / 3.29).isCloseTo(.041, within(.005));
        assertThat(width(batchFit.ofD()) / 3.29).isCloseTo(.054, within(.006));
        assertThat(rate.coefficient()).isCloseTo(77.7, withinPercentage(.1));
        assertThat(rate.ofN()).isCloseTo(-.766, within(5e-4));
        assertThat(rate.ofD()).isCloseTo(.197, within(5e-4));
        assertThat(batch.coefficient()).isCloseTo(.2085, within(1e-4));
        assertThat(batch.ofD()).isCloseTo(.6125, within(1e-4));
        // published with that threshold: -.713, .307 and .571
        assertThat(rate.ofD()).isLessThan(PublishedHyperLaws.STEP_LAW_RATE.ofD() - .1);
    }

    private static HyperLawFit fit(List<FitPoint> points, HyperLawFit.Of of) {
        return HyperLawFit.of(points, of, Resampling.GROUPS, 1000, 42, .9, THREADS)
                .orElseThrow();
    }

    private static double width(Estimate e) {
        return e.high() - e.low();
    }

    @Test
    void aPowerLawIsRecoveredAndHeavyPointsCountMore() {
        HyperLaw truth = new HyperLaw(2, -.7, .3);
        Random random = new Random(1);
        List<FitPoint> points = new ArrayList<>();
        for (double n : new double[] {1e8, 3e8, 1e9, 3e9}) {
            for (double d : new double[] {1e10, 3e10, 1e11}) {
                points.add(FitPoint.of(n, d, truth.at(n, d)).withGroup("N" + n));
            }
        }
        HyperLawFit exact = fit(points, HyperLawFit.Of.N_AND_D);
        assertThat(exact.law().coefficient()).isCloseTo(2, withinPercentage(1e-6));
        assertThat(exact.law().ofN()).isCloseTo(-.7, within(1e-9));
        assertThat(exact.ofD().high() - exact.ofD().low()).isLessThan(1e-6);
        assertThat(exact.at(1e11, 1e13).value()).isCloseTo(truth.at(1e11, 1e13), withinPercentage(1e-5));
        List<FitPoint> noisy = points.stream()
                .map(p -> new FitPoint(
                        p.N(),
                        p.D(),
                        p.C(),
                        p.loss() * (p.N() < 5e8 ? 1 : Math.exp(random.nextGaussian())),
                        null,
                        p.group(),
                        p.N() < 5e8 ? 1e6 : 1))
                .toList();
        HyperLawFit weighted = fit(noisy, HyperLawFit.Of.N_AND_D);
        assertThat(weighted.law().ofN())
                .as("noisy points weigh next to nothing")
                .isCloseTo(-.7, within(.01));
    }

    @Test
    void whatAParaboloidCannotSayIsRefused() {
        List<TunedRun> runs = new ArrayList<>();
        for (double x = -2; x <= 2; x++) {
            for (double y = -2; y <= 2; y++) {
                // one with a minimum outside its runs, one with a saddle, one with a single batch
                runs.add(new TunedRun(1, 1, Math.exp(x), Math.exp(y), 3 + .01 * ((x - 4) * (x - 4) + y * y)));
                runs.add(new TunedRun(2, 1, Math.exp(x), Math.exp(y), 3 + .01 * (x * x - y * y)));
                runs.add(new TunedRun(3, 1, Math.exp(x + y / 7), 1, 3 + .01 * x * x));
            }
        }
        runs.add(new TunedRun(4, 1, 1, 1, 3));
        LocalOptima found = LocalOptima.of(runs, 1);
        assertThat(found.optima()).singleElement().satisfies(o -> {
            assertThat(o.inside()).isFalse();
            assertThat(o.rate()).isCloseTo(Math.exp(4), withinPercentage(1e-6));
            assertThat(o.loss()).isCloseTo(3, within(1e-9));
            assertThat(o.curvature().rate()).isCloseTo(.02, within(1e-9));
        });
        assertThat(found.refused())
                .extracting(LocalOptima.Refused::reason)
                .containsExactly(
                        "the loss has no minimum near the best run",
                        "the runs near the best lie on a line in rate and batch",
                        "1 runs near the best; a paraboloid needs 7");
    }

    @Test
    void lawsOfOthersAreWhatTheyPublished() {
        // DeepSeek's 7 billion parameters and 2 trillion tokens were trained with 4.2e-4 and batches of 2304 sequences
        // of 4096 tokens
        assertThat(PublishedHyperLaws.DEEPSEEK_RATE.at(7e9, 2e12)).isCloseTo(4.2e-4, withinPercentage(15));
        assertThat(PublishedHyperLaws.DEEPSEEK_BATCH.at(7e9, 2e12)).isCloseTo(2304.0 * 4096, withinPercentage(15));
        assertThat(PublishedHyperLaws.DEEPSEEK_RATE.at(1e9, 1e10))
                .isCloseTo(.3118 * Math.pow(6e19, -.125), withinPercentage(1e-9));
        // GPT-3's smallest was trained with 6e-4
        assertThat(PublishedHyperLaws.kaplanRate(1.25e8)).isCloseTo(6e-4, withinPercentage(10));
        assertThat(PublishedHyperLaws.kaplanCriticalBatch(2)).isCloseTo(2e8 / 27.1, withinPercentage(1));
        assertThatThrownBy(() -> PublishedHyperLaws.kaplanRate(2e10)).hasMessageContaining("N < 1.2e10");
    }

    @Test
    void aPowerOfWhatDoesNotVaryIsRefused() {
        List<FitPoint> points = List.of(
                FitPoint.of(1e8, 1e9, 1), FitPoint.of(1e8, 2e9, 2), FitPoint.of(1e8, 3e9, 3), FitPoint.of(1e8, 4e9, 4));
        FitOutcome<HyperLawFit> refused =
                HyperLawFit.of(points, HyperLawFit.Of.N_AND_D, Resampling.POINTS, 0, 1, .9, 1);
        assertThat(refused)
                .isInstanceOfSatisfying(
                        FitOutcome.Refused.class,
                        r -> assertThat(r.sentence()).isEqualTo("A power of N needs at least two values of it."));
        assertThat(HyperLawFit.of(points, HyperLawFit.Of.D, Resampling.POINTS, 0, 1, .9, 1)
                        .orElseThrow()
                        .law()
                        .ofD())
                .isCloseTo(1, within(1e-9));
    }

    @Test
    void powersOfWhatGoesTogetherAreNotToldApart() {
        List<FitPoint> points = new ArrayList<>();
        for (double n : new double[] {1e8, 2e8, 5e8, 1e9}) {
            points.add(FitPoint.of(n, 20 * n, 1 / n));
        }
        assertThat(HyperLawFit.of(points, HyperLawFit.Of.N_AND_D, Resampling.POINTS, 0, 1, .9, 1))
                .isInstanceOfSatisfying(
                        FitOutcome.Refused.class, r -> assertThat(r.sentence()).contains("Vary tokens a parameter"));
    }
}
