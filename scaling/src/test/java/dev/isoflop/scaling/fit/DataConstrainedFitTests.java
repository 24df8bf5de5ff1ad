package dev.isoflop.scaling.fit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import dev.isoflop.scaling.Fixtures;
import dev.isoflop.scaling.fit.ParametricOptions.Resampling;
import dev.isoflop.scaling.law.ChinchillaLaw;
import dev.isoflop.scaling.law.FitPoint;
import dev.isoflop.scaling.law.Law;
import dev.isoflop.scaling.law.LawPoints;
import dev.isoflop.scaling.law.form.DataConstrained;
import dev.isoflop.scaling.law.form.DataConstrainedJoint;
import dev.isoflop.scaling.law.form.RepeatedData;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class DataConstrainedFitTests {

    private static final int THREADS = 2;
    private static final ChinchillaLaw FRESH = new ChinchillaLaw(1.82, 478, 2143, .347, .367);
    private static final double[] DECAYS = {15.4, 5.3};

    private static double number(Map<String, String> row, String column) {
        return Double.parseDouble(row.get(column));
    }

    /**
     * Fresh runs have the tokens that their size needs by the law.
     *
     * @param noise standard deviation of log loss
     */
    private static List<FitPoint> points(double noise, long seed) {
        return points(noise, seed, 40, 100, 250, 600);
    }

    private static List<FitPoint> points(double noise, long seed, double... tokensPerParameter) {
        Random random = new Random(seed);
        Law law = new DataConstrained(FRESH);
        List<FitPoint> points = new ArrayList<>();
        for (double n : new double[] {3e7, 1e8, 3e8, 1e9, 3e9}) {
            for (double each : tokensPerParameter) {
                for (double epochs : new double[] {1, 3, 10, 40}) {
                    double d = n * each;
                    double loss = law.loss(DECAYS, n, d, d / epochs) * Math.exp(noise * random.nextGaussian());
                    points.add(FitPoint.of(n, d, loss).with(Map.of(Law.Input.U, d / epochs)));
                }
            }
        }
        return points;
    }

    private static DataConstrainedFit.Result fit(List<FitPoint> points, Resampling resampling, int count) {
        return DataConstrainedFit.of(points, 1e-3, resampling, count, 42, THREADS)
                .orElseThrow();
    }

    @Test
    void bothStepsAreRecoveredFromPointsWithoutNoise() {
        DataConstrainedFit.Result found = fit(points(0, 1), Resampling.POINTS, 0);
        assertThat(found.freshRuns()).isEqualTo(20);
        assertThat(found.fresh().alpha()).isCloseTo(FRESH.alpha(), within(1e-5));
        assertThat(found.fresh().B()).isCloseTo(FRESH.B(), withinPercentage(.1));
        assertThat(found.minimum().value("RD*")).isCloseTo(15.4, withinPercentage(.1));
        assertThat(found.minimum().value("RN*")).isCloseTo(5.3, withinPercentage(.1));
        assertThat(found.excessive()).isZero();
        assertThat(found.resamples().size()).isZero();
    }

    @Test
    void freshRunsWithExcessParametersPullTheirDecayUpAndAreCounted() {
        DataConstrainedFit.Result found = fit(points(0, 1, 3, 10, 100, 400), Resampling.POINTS, 0);
        assertThat(found.excessive()).isBetween(8, 12);
        assertThat(found.minimum().value("RN*")).isGreaterThan(6);
    }

    /** What two steps cannot, one fit of all can: the law that discounts such a run is found with that discount. */
    @Test
    void inOneFitFreshRunsWithExcessParametersPullNothing() {
        LawFit.Minimum found = LawFit.minimum(
                        new DataConstrainedJoint(),
                        LawPoints.of(points(0, 1, 3, 10, 100, 400)),
                        new Criterion.HuberLog(1e-3),
                        THREADS)
                .orElseThrow();
        assertThat(found.value("RN*")).isCloseTo(5.3, withinPercentage(.01));
        assertThat(found.value("RD*")).isCloseTo(15.4, withinPercentage(.01));
        assertThat(found.value("alpha")).isCloseTo(FRESH.alpha(), within(1e-6));
        LawFit.Minimum noisy = LawFit.minimum(
                        new DataConstrainedJoint(),
                        LawPoints.of(points(.002, 4, 3, 10, 100, 400)),
                        new Criterion.HuberLog(1e-3),
                        THREADS)
                .orElseThrow();
        assertThat(noisy.value("RN*")).isBetween(4.0, 7.0);
        assertThat(noisy.value("RD*")).isBetween(13.0, 18.0);
    }

    /** What holding the law of fresh data would leave out of the intervals is most of them. */
    @ParameterizedTest
    @EnumSource(Resampling.class)
    void intervalsHoldTheTruthAndTheFirstStepsDoubt(Resampling resampling) {
        List<FitPoint> points = points(.004, 3);
        DataConstrainedFit.Result found = fit(points, resampling, 60);
        assertThat(found.resamples().names()).containsExactly("RD*", "RN*", "E", "A", "B", "alpha", "beta");
        double[] truth = {DECAYS[0], DECAYS[1], FRESH.E(), FRESH.A(), FRESH.B(), FRESH.alpha(), FRESH.beta()};
        for (int k = 0; k < truth.length; k++) {
            int index = k;
            Estimate e = found.resamples().estimate(truth[k], .99, row -> row[index]);
            assertThat(e.low()).as(found.resamples().names().get(k)).isLessThanOrEqualTo(truth[k]);
            assertThat(e.high()).as(found.resamples().names().get(k)).isGreaterThanOrEqualTo(truth[k]);
        }
        Resamples held = LawFit.resample(
                found.minimum(), LawPoints.of(points), new Criterion.HuberLog(1e-3), resampling, 60, 42, THREADS);
        assertThat(width(found.resamples(), 1)).isGreaterThan(1.3 * width(held, 1));
    }

    private static double width(Resamples resamples, int index) {
        Estimate e = resamples.estimate(0, .8, row -> Math.log(row[index]));
        return e.high() - e.low();
    }

    @Test
    void drawsDoNotDependOnThreads() {
        List<FitPoint> points = points(.004, 5);
        assertThat(DataConstrainedFit.of(points, 1e-3, Resampling.POINTS, 12, 7, 1)
                        .orElseThrow()
                        .resamples()
                        .rows())
                .usingRecursiveComparison()
                .isEqualTo(DataConstrainedFit.of(points, 1e-3, Resampling.POINTS, 12, 7, THREADS)
                        .orElseThrow()
                        .resamples()
                        .rows());
    }

    @Test
    void aDrawWithTooFewFreshRunsHasNoNumbers() {
        List<FitPoint> all = points(.004, 5);
        List<FitPoint> fresh =
                all.stream().filter(p -> p.D() == p.input(Law.Input.U)).toList();
        List<FitPoint> few = new ArrayList<>(
                all.stream().filter(p -> p.D() != p.input(Law.Input.U)).toList());
        // eight of them, at the corners and between: the least that a fit takes
        for (int i : new int[] {0, 3, 5, 6, 9, 14, 16, 19}) {
            few.add(fresh.get(i));
        }
        DataConstrainedFit.Result found = fit(few, Resampling.POINTS, 60);
        long without = found.resamples().rows().stream()
                .filter(row -> Double.isNaN(row[0]))
                .count();
        assertThat(without).isBetween(20L, 59L);
        assertThat(found.resamples().rows())
                .allSatisfy(row -> assertThat(Double.isNaN(row[6])).isEqualTo(Double.isNaN(row[0])));
        assertThat(found.resamples().estimate(1, .95, row -> row[0]).isFinite())
                .as("draws without a number count to both ends")
                .isFalse();
    }

    @Test
    void withoutRunsOfBothKindsItIsRefused() {
        List<FitPoint> all = points(0, 1);
        List<FitPoint> fresh =
                all.stream().filter(p -> p.D() == p.input(Law.Input.U)).toList();
        FitOutcome<DataConstrainedFit.Result> nothingRepeated =
                DataConstrainedFit.of(fresh, 1e-3, Resampling.POINTS, 0, 42, THREADS);
        assertThat(nothingRepeated)
                .isInstanceOfSatisfying(
                        FitOutcome.Refused.class, r -> assertThat(r.sentence()).contains("All 20 runs repeat nothing"));
        List<FitPoint> seven = new ArrayList<>(
                all.stream().filter(p -> p.D() != p.input(Law.Input.U)).toList());
        seven.addAll(fresh.subList(0, 7));
        assertThat(DataConstrainedFit.of(seven, 1e-3, Resampling.POINTS, 0, 42, THREADS))
                .isInstanceOfSatisfying(FitOutcome.Refused.class, r -> {
                    assertThat(r.reason()).isEqualTo(RefusalReason.TOO_FEW_POINTS);
                    assertThat(r.sentence())
                            .contains(
                                    "repeat nothing (D <= U), 7 of 67",
                                    "at least 8 points",
                                    "--fresh E,A,B,alpha,beta");
                });
        List<FitPoint> noUnique =
                all.stream().map(p -> FitPoint.of(p.N(), p.D(), p.loss())).toList();
        assertThatThrownBy(() -> DataConstrainedFit.of(noUnique, 1e-3, Resampling.POINTS, 0, 42, THREADS))
                .hasMessage("the points have no U");
    }

    /** The published constants of fresh data are of 54 other runs; the table's own 29 leave less than half of the objective. */
    @Test
    void onThePublishedRunsTheirOwnLawOfFreshDataIsTheBetterOne() {
        List<FitPoint> points = Fixtures.csv("datablations_182.csv").stream()
                .map(r -> FitPoint.of(number(r, "N"), number(r, "D"), number(r, "loss"))
                        .with(Map.of(Law.Input.U, number(r, "U"))))
                .toList();
        DataConstrainedFit.Result found = fit(points, Resampling.POINTS, 0);
        assertThat(found.freshRuns()).isEqualTo(29);
        assertThat(found.minimum().objective()).isLessThan(.0158046625 / 2);
        LawFit.Minimum published = LawFit.minimum(
                        new DataConstrained(Truths.C4), LawPoints.of(points), new Criterion.HuberLog(1e-3), THREADS)
                .orElseThrow();
        assertThat(published.objective()).isCloseTo(.0158046625, withinPercentage(1e-4));
        assertThat(found.minimum().value("RD*")).isBetween(20.0, 60.0);
        // so many copies of the parameters that the data would need are not in the table: they lose nothing
        assertThat(found.minimum().value("RN*")).isGreaterThan(100);
        LawFit.Minimum joint = LawFit.minimum(
                        new DataConstrainedJoint(), LawPoints.of(points), new Criterion.HuberLog(1e-3), THREADS)
                .orElseThrow();
        assertThat(joint.objective())
                .as("the law of fresh data is of all runs")
                .isLessThan(found.minimum().objective());
        LawFit.Minimum withoutDecay = LawFit.minimum(
                        new RepeatedData(), LawPoints.of(points), new Criterion.HuberLog(1e-3), THREADS)
                .orElseThrow();
        assertThat(joint.objective())
                .as("nothing speaks for a decay of excess parameters")
                .isCloseTo(withoutDecay.objective(), withinPercentage(1e-3));
        assertThat(joint.value("RN*")).isGreaterThan(1000);
    }
}
