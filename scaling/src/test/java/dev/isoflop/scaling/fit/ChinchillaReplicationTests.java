package dev.isoflop.scaling.fit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import dev.isoflop.scaling.Fixtures;
import dev.isoflop.scaling.law.ChinchillaLaw;
import dev.isoflop.scaling.law.FitPoint;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import org.junit.jupiter.api.Test;

/** Hoffmann's law on the published points, against the published replication and its bootstrap. */
class ChinchillaReplicationTests {

    private static final double MINIMUM = 1.0182740178006e-3;
    private static final ParametricOptions OPTIONS = ParametricOptions.defaults();

    @Test
    void variableProjectionReachesTheGlobalMinimum() {
        var minimum = ParametricFit.minimum(Fixtures.chinchilla(), OPTIONS, 2).orElseThrow();

        assertThat(minimum.objective()).isLessThanOrEqualTo(MINIMUM * (1 + 1e-8));
        assertThat(minimum.converged()).isTrue();
        ChinchillaLaw law = minimum.law();
        assertThat(law.alpha()).isCloseTo(.3473105, within(1e-5));
        assertThat(law.beta()).isCloseTo(.3671724, within(1e-5));
        assertThat(law.a()).isCloseTo(.5138995, within(1e-5));
        assertThat(law.A()).isCloseTo(477.826, withinPercentage(.1));
        assertThat(law.B()).isCloseTo(2143.417, withinPercentage(.1));
        assertThat(law.E()).isCloseTo(1.817218, within(1e-4));
        assertThat(law.optimum(5.76e23).N()).isCloseTo(7.319e10, withinPercentage(.1));
        assertThat(law.optimum(5.76e23).tokensPerParameter()).isCloseTo(17.92, withinPercentage(.1));
    }

    @Test
    void objectiveAtHoffmannsVectorsIsThePublishedSum() {
        List<FitPoint> points = Fixtures.chinchilla();

        assertThat(ParametricFit.objectiveAt(points, new ChinchillaLaw(1.69, 406.4, 410.7, .34, .28), 1e-3))
                .isCloseTo(4.1210091e-3, withinPercentage(1e-5));
        assertThat(ParametricFit.objectiveAt(points, new ChinchillaLaw(1.8169, 482.01, 2085.43, .34781, .36585), 1e-3))
                .as("the published table is rounded and no minimiser: within .06 % of it, above it by .03 %")
                .isBetween(MINIMUM * 1.0003, MINIMUM * 1.0006);
    }

    @Test
    void fivePointsOfHighestLossMoveTheExponents() {
        var minimum =
                ParametricFit.minimum(Fixtures.chinchillaAll(), OPTIONS, 2).orElseThrow();

        assertThat(minimum.objective()).isLessThanOrEqualTo(1.826010523e-3 * (1 + 1e-6));
        assertThat(minimum.law().E()).isCloseTo(1.8913, within(2e-4));
        assertThat(minimum.law().alpha()).isCloseTo(.3493, within(1e-4));
        assertThat(minimum.law().beta()).isCloseTo(.4530, within(1e-4));
        assertThat(minimum.law().a()).isCloseTo(.5646, within(1e-4));
    }

    @Test
    void everyResampleReachesItsOwnMinimum() {
        List<FitPoint> points = Fixtures.chinchilla();
        List<Map<String, String>> published = Fixtures.csv("epoch_boot_params_first200.csv");
        HuberLogSumExp all = ParametricFit.objective(points, OPTIONS);
        List<int[]> draws = CaseDraws.draw(points, OPTIONS.resampling(), published.size(), 42);
        DampedNewton newton = new DampedNewton(OPTIONS.minExponent(), OPTIONS.maxExponent());
        double[] start = ParametricFit.theta(
                all, ParametricFit.minimum(points, OPTIONS, 2).orElseThrow().law());
        for (int i = 0; i < draws.size(); i++) {
            HuberLogSumExp f =
                    all.reweighted(Arrays.stream(draws.get(i)).asDoubleStream().toArray());
            double expected = Double.parseDouble(published.get(i).get("obj"));
            double got = newton.minimise(f, start).value();
            assertThat(got).as("resample %d", i).isLessThanOrEqualTo(expected * (1 + 1e-8));
            // and not below it: the draws are the same draws
            assertThat(got).as("resample %d", i).isGreaterThanOrEqualTo(expected * (1 - 1e-2));
        }
    }

    @Test
    void fourThousandResamplesGiveThePublishedStandardErrors() {
        ParametricResult fit = ParametricFit.fit(Fixtures.chinchilla(), OPTIONS.withResamples(4000))
                .orElseThrow();

        assertThat(sd(fit, r -> r[1])).isCloseTo(124.493, withinPercentage(.1));
        assertThat(sd(fit, r -> r[2])).isCloseTo(1293.169, withinPercentage(.1));
        assertThat(sd(fit, r -> r[0])).isCloseTo(.025657, withinPercentage(.1));
        assertThat(sd(fit, r -> r[3])).isCloseTo(.015397, withinPercentage(.1));
        assertThat(sd(fit, r -> r[4])).isCloseTo(.020594, withinPercentage(.1));
        assertThat(sd(fit, r -> ParametricResult.law(r).a())).isCloseTo(.01998, withinPercentage(.2));
        BudgetPrediction gopher = fit.predict(5.76e23).orElseThrow();
        assertThat(gopher.N().low()).isCloseTo(51.7e9, withinPercentage(1));
        assertThat(gopher.N().high()).isCloseTo(112.4e9, withinPercentage(1));
        assertThat(gopher.tokensPerParameter().low()).isCloseTo(7.60, withinPercentage(1));
        assertThat(gopher.tokensPerParameter().high()).isCloseTo(35.9, withinPercentage(1));
        JointDraws joint = fit.draws(5.76e23);
        assertThat(joint.median(JointDraws.Draw::N)).isCloseTo(74.7e9, withinPercentage(1));
        assertThat(joint.median(JointDraws.Draw::tokensPerParameter)).isCloseTo(17.2, withinPercentage(1));
        JointDraws far = fit.draws(3.8e25);
        Estimate n = far.interval(far.optimum().N(), .95, JointDraws.Draw::N);
        assertThat(n.low()).isCloseTo(388e9, withinPercentage(1));
        assertThat(n.high()).isCloseTo(1156e9, withinPercentage(1));
        Estimate ratio = far.interval(1, .95, JointDraws.Draw::tokensPerParameter);
        assertThat(ratio.low()).isCloseTo(4.7, withinPercentage(1.5));
        assertThat(ratio.high()).isCloseTo(42.1, withinPercentage(1));
        // to second order (alpha + beta) / 2 times the variance of ln N*
        double variance = joint.draws().stream()
                .mapToDouble(d -> Math.pow(Math.log(d.N() / joint.optimum().N()), 2))
                .average()
                .orElseThrow();
        double expected = (fit.law().alpha() + fit.law().beta()) / 2 * variance;
        assertThat(joint.expectedExcess()).isCloseTo(expected, withinPercentage(10));
    }

    @Test
    void resultDoesNotDependOnTheNumberOfThreads() {
        ParametricOptions options = OPTIONS.withResamples(60);
        List<double[]> one = ParametricFit.fit(Fixtures.chinchilla(), options, 1)
                .orElseThrow()
                .resamples()
                .rows();
        List<double[]> three = ParametricFit.fit(Fixtures.chinchilla(), options, 3)
                .orElseThrow()
                .resamples()
                .rows();

        for (int i = 0; i < one.size(); i++) {
            assertThat(one.get(i)).containsExactly(three.get(i));
        }
    }

    @Test
    void theProfileOfBothExponentsHoldsThePublishedValuesAndIsFinite() {
        ParametricResult fit = ParametricFit.fit(Fixtures.chinchilla(), OPTIONS.withResamples(0))
                .orElseThrow();

        assertThat(fit.alphaProfile().low()).isBetween(.28, .347);
        assertThat(fit.alphaProfile().high()).isBetween(.348, .42);
        assertThat(fit.betaProfile().low()).isBetween(.29, .367);
        assertThat(fit.betaProfile().high()).isBetween(.3675, .45);
        assertThat(fit.alpha().isFinite()).as("no resamples give no interval").isFalse();
    }

    private static double sd(ParametricResult fit, ToDoubleFunction<double[]> of) {
        List<Double> values = new ArrayList<>();
        fit.resamples().rows().forEach(r -> values.add(of.applyAsDouble(r)));
        double mean = values.stream().mapToDouble(Double::doubleValue).average().orElseThrow();
        double ss = values.stream().mapToDouble(v -> (v - mean) * (v - mean)).sum();
        return Math.sqrt(ss / (values.size() - 1));
    }
}
