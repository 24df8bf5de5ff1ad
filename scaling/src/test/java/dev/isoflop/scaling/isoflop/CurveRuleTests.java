package dev.isoflop.scaling.isoflop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.isoflop.scaling.fit.FitOutcome;
import dev.isoflop.scaling.law.ChinchillaLaw;
import dev.isoflop.scaling.law.FitPoint;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class CurveRuleTests {

    /** Values of scipy 1.10's Akima1DInterpolator at the same places. */
    @Test
    void splineEndsAreThoseOfScipy() {
        Akima curve = new Akima(new double[] {0, 1, 2.5, 4, 5}, new double[] {3, 1, 0.5, 2, 2.2});

        assertThat(curve.at(0.3)).isCloseTo(SCIPY[0], within(1e-12));
        assertThat(curve.at(1.7)).isCloseTo(SCIPY[1], within(1e-12));
        assertThat(curve.at(3.1)).isCloseTo(SCIPY[2], within(1e-12));
        assertThat(curve.at(4.8)).isCloseTo(SCIPY[3], within(1e-12));
        assertThat(curve.at(5)).isEqualTo(2.2);
    }

    private static final double[] SCIPY = {2.2191666666666667, 0.4622199977755534, 1.078594594594595, 2.2208};

    @Test
    void aSplineThroughAStraightLineIsTheLine() {
        Akima curve = new Akima(new double[] {0, 1, 3, 4}, new double[] {0, 2, 6, 8});

        assertThat(curve.at(0.25)).isCloseTo(.5, within(1e-12));
        assertThat(curve.at(3.5)).isCloseTo(7, within(1e-12));
    }

    @Test
    void aCurveThatFallsToItsEndHasNoOptimum() {
        double[] logN = {0, 1, 2, 3, 4};
        double[] loss = {5, 4, 3.2, 2.6, 2.2};

        assertThat(new CurveRule.Spline(25).lowest(logN, loss)).isEmpty();
        assertThat(new CurveRule.Parabola().lowest(logN, loss)).isEmpty();
        assertThat(new CurveRule.Parabola().lowest(logN, new double[] {2, 3, 3.2, 3, 2}))
                .as("opens downwards")
                .isEmpty();
    }

    @Test
    void aParabolaIsFoundExactly() {
        double[] logN = {1, 2, 3.5, 5, 7};
        double[] loss = new double[5];
        for (int i = 0; i < 5; i++) {
            loss[i] = 2.5 + .03 * (logN[i] - 3.2) * (logN[i] - 3.2);
        }

        CurveRule.Lowest lowest = new CurveRule.Parabola().lowest(logN, loss).orElseThrow();

        assertThat(lowest.logN()).isCloseTo(3.2, within(1e-12));
        assertThat(lowest.loss()).isCloseTo(2.5, within(1e-12));
    }

    @Test
    void budgetsWithoutAnOptimumAreNamedAndTooFewAreRefused() {
        ChinchillaLaw law = new ChinchillaLaw(1.69, 406.4, 410.7, .34, .28);
        List<FitPoint> points = new ArrayList<>();
        for (double c : new double[] {1e18, 1e19, 1e20}) {
            for (int i = 0; i < 7; i++) {
                // at the largest budget all sizes are too small
                double n = law.optimum(c).N() * Math.pow(2, i - (c == 1e20 ? 9 : 3));
                points.add(FitPoint.ofBudget(n, c / 6 / n, c, law.loss(n, c / 6 / n)));
            }
        }

        var outcome = ProtocolFit.fit(points, Protocol.PORIAN, .95);

        assertThat(outcome)
                .isInstanceOfSatisfying(
                        FitOutcome.Refused.class,
                        refused -> assertThat(refused.sentence())
                                .contains("there are 2")
                                .contains("At 1.00e+20 FLOPs the lowest loss is not between the sizes tried"));
    }

    @Test
    void theEnvelopeOfALawFollowsItsOptima() {
        ChinchillaLaw law = new ChinchillaLaw(1.69, 406.4, 410.7, .34, .28);
        List<FitPoint> curves = new ArrayList<>();
        for (int size = 0; size < 120; size++) {
            double n = 1e7 * Math.pow(1.06, size);
            for (int step = 0; step < 200; step++) {
                double d = 1e8 * Math.pow(1.05, step);
                curves.add(FitPoint.of(n, d, law.loss(n, d)).withGroup("run " + size));
            }
        }

        Envelope envelope = Envelope.of(curves);

        // the hull of log loss leans to the ends of the grid a little
        assertThat(envelope.aN()).isCloseTo(law.a(), within(.03));
        assertThat(envelope.aN() + envelope.aD()).isCloseTo(1, within(1e-9));
        assertThat(envelope.corners())
                .hasSizeGreaterThan(20)
                .isSortedAccordingTo((a, b) -> Double.compare(a.C(), b.C()));
    }
}
