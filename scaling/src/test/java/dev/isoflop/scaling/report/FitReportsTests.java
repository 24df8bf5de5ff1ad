package dev.isoflop.scaling.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.isoflop.scaling.Fixtures;
import dev.isoflop.scaling.diagnosis.Finding;
import dev.isoflop.scaling.fit.Estimate;
import dev.isoflop.scaling.fit.ParametricOptions.Resampling;
import dev.isoflop.scaling.law.ChinchillaLaw;
import dev.isoflop.scaling.law.FitPoint;
import dev.isoflop.scaling.law.Law;
import dev.isoflop.scaling.law.form.DataConstrained;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FitReportsTests {

    private static FitSettings settings(String law, int resamples) {
        return new FitSettings(law, 1e-3, resamples, Resampling.POINTS, 42, .95, null);
    }

    private static List<FitPoint> points(double noise) {
        Random random = new Random(11);
        List<FitPoint> points = new ArrayList<>();
        for (double n : new double[] {3e7, 1e8, 3e8, 1e9, 3e9}) {
            for (double each : new double[] {3, 10, 30, 100}) {
                double d = n * each;
                double loss = 1.82 + 478 * Math.pow(n, -.347) + 2143 * Math.pow(d, -.367);
                points.add(FitPoint.of(n, d, loss * Math.exp(noise * random.nextGaussian())));
            }
        }
        return points;
    }

    private static List<String> codes(FitReport report) {
        return report.diagnostics().stream().map(Finding::code).toList();
    }

    /** The law of fresh data above, of which repeated tokens lose their worth with RD* = 10, and excess parameters with RN* = 4. */
    private static List<FitPoint> repeated() {
        Law law = new DataConstrained(new ChinchillaLaw(1.82, 478, 2143, .347, .367));
        List<FitPoint> points = new ArrayList<>();
        for (FitPoint p : points(0)) {
            for (double epochs : new double[] {1, 4, 20}) {
                double d = 14 * p.D();
                double u = d / epochs;
                points.add(FitPoint.of(p.N(), d, law.loss(new double[] {10, 4}, p.N(), d, u))
                        .with(Map.of(Law.Input.U, u)));
            }
        }
        return points;
    }

    @Test
    void theLawOfFreshDataIsTheRunsOwnOrTheOneGivenAndSaidToBe() {
        FitReport joint = FitReports.of(repeated(), settings("data-constrained", 20), 2);
        assertThat(joint.refusal()).isNull();
        assertThat(joint.law()).isEqualTo("data-constrained");
        assertThat(joint.parameters().keySet()).containsExactly("RD*", "RN*", "E", "A", "B", "alpha", "beta");
        assertThat(joint.parameters().get("RD*").value()).isCloseTo(10, within(1e-3));
        assertThat(joint.parameters().get("RN*").value()).isCloseTo(4, within(1e-3));
        assertThat(joint.parameters().get("alpha").isFinite()).isTrue();
        assertThat(joint.diagnostics().getFirst().sentence())
                .contains("One fit of all 60 runs: 40 repeat their data and tell RD*")
                .contains("have more parameters than their data suffice for and tell RN*");

        FitReport own = FitReports.of(repeated(), settings("data-constrained:own", 20), 2);
        assertThat(own.refusal()).isNull();
        assertThat(own.law()).isEqualTo("data-constrained");
        assertThat(own.parameters().keySet()).isEqualTo(joint.parameters().keySet());
        assertThat(own.parameters().get("RD*").value()).isCloseTo(10, within(.01));
        assertThat(own.parameters().get("alpha").isFinite()).isTrue();
        assertThat(own.diagnostics().getFirst().code()).isEqualTo("fresh-law");
        assertThat(own.diagnostics().getFirst().sentence())
                .contains("the 20 of 60 runs that repeat nothing (D <= U); each draw fits it anew");
        assertThat(own.inputHash()).isNotEqualTo(joint.inputHash());

        FitReport given = FitReports.of(repeated(), settings("data-constrained:1.82,478,2143,.347,.367", 20), 2);
        assertThat(given.parameters().get("RN*").value()).isCloseTo(4, within(1e-6));
        assertThat(given.parameters().get("alpha")).isEqualTo(Estimate.alone(.347));
        assertThat(given.diagnostics().getFirst().sentence()).contains("was given", "hold it fixed");
        assertThat(given.inputHash()).isNotEqualTo(own.inputHash());

        FitReport refused = FitReports.of(repeated().subList(0, 15), settings("data-constrained:own", 0), 2);
        assertThat(refused.refusal().code()).isEqualTo("too-few-points");
        FitReport nothing = FitReports.of(
                repeated().stream().filter(p -> p.D() == p.input(Law.Input.U)).toList(),
                settings("data-constrained", 0),
                2);
        assertThat(nothing.refusal().sentence()).contains("All 20 runs repeat nothing");
        assertThat(refused.formula()).isEqualTo(own.formula());
        for (String wrong : List.of("1,2,3,4", "1,2,3,4,x", "1,2,3,4,0", "", "-1,2,3,4,5", "1,2,3,4,5,6")) {
            assertThatThrownBy(() -> FitReports.of(repeated(), settings("data-constrained:" + wrong, 0), 2))
                    .hasMessageContaining("the law of fresh data is E,A,B,alpha,beta, five positive numbers")
                    .hasMessageContaining("was '" + wrong + "'");
        }
    }

    @Test
    void theReplicationInOneCall() {
        FitReport report = FitReports.of(
                Fixtures.chinchilla(),
                new FitSettings("chinchilla", 1e-3, 400, Resampling.POINTS, 42, .95, 5.76e23),
                2);
        assertThat(report.objective()).isCloseTo(1.0182740178e-3, within(1e-11));
        assertThat(report.parameters()).containsOnlyKeys("E", "A", "B", "alpha", "beta", "a", "b");
        Estimate alpha = report.parameters().get("alpha");
        assertThat(alpha.value()).isCloseTo(.34731, within(1e-5));
        assertThat(alpha.low()).isBetween(.30, .33);
        assertThat(alpha.high()).isBetween(.36, .40);
        assertThat(report.certificate().global()).isTrue();
        assertThat(report.optimum().N().value()).isCloseTo(7.319e10, within(1e8));
        assertThat(codes(report)).contains("straight-zone").doesNotContain("flop-convention", "narrow-grid");
        assertThat(report.refusal()).isNull();
        assertThat(report.milliseconds()).isPositive();
    }

    @ParameterizedTest
    @ValueSource(strings = {"chinchilla", "kaplan", "over-training", "envelope"})
    void everyLawHasIntervalsAroundItsValues(String law) {
        FitReport report = FitReports.of(points(.004), settings(law, 60), 2);
        assertThat(report.refusal()).isNull();
        assertThat(report.parameters()).isNotEmpty().allSatisfy((name, e) -> {
            assertThat(e.isFinite()).as(name).isTrue();
            assertThat(e.low()).as(name).isLessThan(e.high());
        });
        assertThat(FitReports.of(points(.004), settings(law, 60), 1).parameters())
                .as("whatever the threads")
                .isEqualTo(report.parameters());
    }

    @Test
    void aLawThatNeedsMoreThanThePointsSayNamesIt() {
        assertThatThrownBy(() -> FitReports.of(points(0), settings("repeated-data", 0), 1))
                .hasMessage("the points have no U");
        List<FitPoint> repeated = points(.001).stream()
                .map(p -> p.with(Map.of(Law.Input.U, p.D() / (p.N() > 2e8 ? 4 : 1))))
                .toList();
        FitReport report = FitReports.of(repeated, settings("repeated-data", 0), 1);
        assertThat(report.parameters()).containsKey("RD*");
        assertThat(report.inputHash())
                .as("what a point has beside is hashed")
                .isNotEqualTo(FitReports.of(
                                repeated.stream()
                                        .map(p -> p.with(Map.of(Law.Input.U, p.D() / 3)))
                                        .toList(),
                                settings("repeated-data", 0),
                                1)
                        .inputHash());
    }

    @Test
    void withoutResamplesThereAreNoIntervals() {
        FitReport report = FitReports.of(points(.004), settings("kaplan", 0), 2);
        assertThat(report.parameters().get("Nc").isFinite()).isFalse();
    }

    @Test
    void whatIsOddIsSaid() {
        List<FitPoint> points = new ArrayList<>(points(.002));
        points.add(points.getFirst());
        FitPoint far = points.get(7);
        points.set(7, FitPoint.of(far.N(), far.D(), far.loss() * 1.2));
        List<FitPoint> checkpoints = points.stream()
                .map(p -> new FitPoint(p.N(), p.D(), 2 * p.N() * p.D(), p.loss(), null, "run " + p.N(), 1))
                .toList();
        FitReport report = FitReports.of(checkpoints, settings("chinchilla", 0), 2);
        assertThat(codes(report)).contains("duplicates", "outliers", "flop-convention", "correlated-checkpoints");
        assertThat(report.diagnostics().stream()
                        .filter(f -> f.code().equals("flop-convention"))
                        .findFirst()
                        .orElseThrow()
                        .sentence())
                .contains("0.333 times 6ND", "forward pass alone");
        FitReport grouped =
                FitReports.of(checkpoints, new FitSettings("chinchilla", 1e-3, 0, Resampling.GROUPS, 42, .95, null), 2);
        assertThat(codes(grouped)).doesNotContain("correlated-checkpoints");
        assertThat(grouped.inputHash()).isNotEqualTo(report.inputHash());
    }

    @Test
    void aRefusalIsAResult() {
        FitReport report = FitReports.of(points(0).subList(0, 4), settings("chinchilla", 0), 2);
        assertThat(report.refusal().code()).isEqualTo("too-few-points");
        assertThat(report.parameters()).isEmpty();
        assertThat(report.objective()).isNaN();
        FitReport far = FitReports.of(
                points(.001), new FitSettings("chinchilla", 1e-3, 0, Resampling.POINTS, 42, .95, 1e30), 2);
        assertThat(far.refusal().code()).isEqualTo("far-extrapolation");
        assertThat(far.parameters()).as("the law itself is there").isNotEmpty();
    }

    @Test
    void settingsWithoutMeaningAreNamed() {
        assertThatThrownBy(() -> FitReports.of(points(0), settings("nope", 0), 1))
                .hasMessageStartingWith(
                        "there is no law 'nope'; there are chinchilla, kaplan, over-training, envelope, repeated-data, data-constrained, width-depth");
        assertThatThrownBy(() -> settings("kaplan", -1)).hasMessageContaining("resamples");
        assertThatThrownBy(() -> new FitSettings("kaplan", 0, 0, Resampling.POINTS, 1, .9, null))
                .hasMessageContaining("delta");
        assertThatThrownBy(() -> new FitSettings("kaplan", 1, 0, Resampling.POINTS, 1, 1, null))
                .hasMessageContaining("level");
        assertThatThrownBy(() -> new FitSettings("kaplan", 1, 0, Resampling.POINTS, 1, .9, -1.0))
                .hasMessageContaining("target");
    }
}
