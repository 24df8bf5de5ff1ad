package dev.isoflop.scaling.fit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.isoflop.scaling.law.FitPoint;
import dev.isoflop.scaling.law.Law;
import dev.isoflop.scaling.law.LawPoints;
import dev.isoflop.scaling.law.form.ComputeEnvelope;
import dev.isoflop.scaling.law.form.DataConstrained;
import dev.isoflop.scaling.law.form.Forms;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What is true of every form, whatever its formula. */
class LawPropertyTests {

    private static final Criterion HUBER = new Criterion.HuberLog(1e-3);
    private static final int THREADS = 2;

    @Test
    void everyRegisteredFormIsTested() {
        assertThat(Truths.all().map(each -> ((Law) each.get()[0]).name()))
                .containsAll(Forms.all().stream().map(Law::name).toList());
        assertThat(Forms.all().stream().map(Law::name)).doesNotHaveDuplicates();
    }

    private static List<FitPoint> noisy(Law law, double[] truth) {
        Random random = new Random(13);
        return Truths.design().stream()
                .map(row -> Truths.point(
                        row, law.loss(truth, Truths.inputs(law, row)) * Math.exp(.002 * random.nextGaussian())))
                .toList();
    }

    private static LawFit.Minimum fit(Law law, List<FitPoint> points) {
        return LawFit.minimum(law, LawPoints.of(points), HUBER, THREADS).orElseThrow();
    }

    @ParameterizedTest
    @MethodSource("dev.isoflop.scaling.fit.Truths#all")
    void theOrderOfPointsDoesNotMatter(Law law, double[] truth) {
        List<FitPoint> points = noisy(law, truth);
        List<FitPoint> shuffled = new ArrayList<>(points);
        Collections.shuffle(shuffled, new Random(1));
        assertThat(fit(law, shuffled).objective()).isCloseTo(fit(law, points).objective(), withinPercentage(1e-6));
    }

    @ParameterizedTest
    @MethodSource("dev.isoflop.scaling.fit.Truths#all")
    void unitsDoNotMatter(Law law, double[] truth) {
        assumeTrue(!(law instanceof DataConstrained), "it holds constants of its own, in parameters and tokens");
        List<FitPoint> points = noisy(law, truth);
        LawFit.Minimum plain = fit(law, points);
        // millions of parameters and of tokens a step, billions of tokens, widths in tens, rates in thousandths; bits
        // in place of nats, unless the form holds a
        // floor in nats
        double bits = law.formula().equals(ComputeEnvelope.above(1.6).formula()) ? 1 : 1 / Math.log(2);
        Map<Law.Input, Double> unit = new EnumMap<>(Map.of(
                Law.Input.N, 1e6,
                Law.Input.ACTIVE, 1e6,
                Law.Input.D, 1e9,
                Law.Input.U, 1e9,
                Law.Input.C, 1e15,
                Law.Input.WIDTH, 10.0,
                Law.Input.DEPTH, 1.0,
                Law.Input.RATE, 1e-3,
                Law.Input.BATCH, 1e6));
        List<FitPoint> other = new ArrayList<>();
        for (int i = 0; i < points.size(); i++) {
            Map<Law.Input, Double> row = new EnumMap<>(Law.Input.class);
            Truths.design().get(i).forEach((input, value) -> row.put(input, value / unit.get(input)));
            other.add(Truths.point(row, points.get(i).loss() * bits));
        }
        LawFit.Minimum moved = fit(law, other);
        assertThat(moved.objective()).isCloseTo(plain.objective(), withinPercentage(1e-4));
        Map<Law.Input, Double> far = new EnumMap<>(Truths.design().getLast());
        far.replaceAll((input, value) -> value * 4);
        Map<Law.Input, Double> farMoved = new EnumMap<>(far);
        farMoved.replaceAll((input, value) -> value / unit.get(input));
        assertThat(moved.loss(Truths.inputs(law, farMoved)))
                .isCloseTo(plain.loss(Truths.inputs(law, far)) * bits, withinPercentage(.1));
    }

    @ParameterizedTest
    @MethodSource("dev.isoflop.scaling.fit.Truths#all")
    void aPointCountedTwiceIsAPointOfTwiceTheWeight(Law law, double[] truth) {
        List<FitPoint> points = new ArrayList<>(noisy(law, truth));
        List<FitPoint> heavy = new ArrayList<>(points);
        for (int i = 0; i < 5; i++) {
            FitPoint p = points.get(i * 11);
            points.add(p);
            heavy.set(i * 11, new FitPoint(p.N(), p.D(), p.C(), p.loss(), null, null, 2, p.further()));
        }
        assertThat(fit(law, heavy).objective()).isCloseTo(fit(law, points).objective(), withinPercentage(1e-6));
    }

    @ParameterizedTest
    @MethodSource("dev.isoflop.scaling.fit.Truths#all")
    void noFiniteInputGivesNoNumber(Law law, double[] truth) {
        Random random = new Random(17);
        for (int i = 0; i < 20_000; i++) {
            double[] c = new double[truth.length];
            for (int k = 0; k < c.length; k++) {
                Law.Coefficient each = law.coefficients().get(k);
                c[k] = each.positive()
                        ? Math.clamp(
                                Math.exp(80 * random.nextGaussian()),
                                Math.max(each.low(), 1e-300),
                                Math.min(each.high(), 1e300))
                        : each.low() + (each.high() - each.low()) * random.nextDouble();
            }
            double[] x = new double[law.inputs().size()];
            for (int k = 0; k < x.length; k++) {
                x[k] = Math.exp(1 + 80 * random.nextDouble());
            }
            assertThat(law.loss(c, x))
                    .as("%s of %s at %s", law.name(), c, x)
                    .isNotNaN()
                    .isNotNegative();
        }
    }

    @ParameterizedTest
    @MethodSource("dev.isoflop.scaling.fit.Truths#all")
    void lossesWithoutAnyLawAreFittedToNumbers(Law law, double[] truth) {
        Random random = new Random(19);
        for (int round = 0; round < 3; round++) {
            double spread = new double[] {0, .1, 3}[round];
            List<FitPoint> points = Truths.design().stream()
                    .map(row -> Truths.point(row, 3 * Math.exp(spread * random.nextGaussian())))
                    .toList();
            LawFit.Minimum found = fit(law, points);
            assertThat(found.objective()).isNotNaN().isNotNegative().isFinite();
            assertThat(found.values()).doesNotContain(Double.NaN);
            for (FitPoint p : points) {
                assertThat(found.loss(
                                law.inputs().stream().mapToDouble(p::input).toArray()))
                        .isFinite();
            }
        }
    }
}
