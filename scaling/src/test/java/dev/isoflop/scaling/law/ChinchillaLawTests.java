package dev.isoflop.scaling.law;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import org.junit.jupiter.api.Test;

class ChinchillaLawTests {

    private static final ChinchillaLaw LAW = new ChinchillaLaw(1.69, 406.4, 410.7, .34, .28);

    @Test
    void theClosedFormOptimumIsTheLowestLossOfTheBudget() {
        double c = 5.76e23;
        ComputeOptimum best = LAW.optimum(c);

        assertThat(6 * best.N() * best.D()).isCloseTo(c, withinPercentage(1e-9));
        for (double factor : new double[] {.5, .9, .99, 1.01, 1.1, 2}) {
            double n = best.N() * factor;
            assertThat(LAW.loss(n, c / (6 * n))).isGreaterThan(best.loss());
        }
    }

    @Test
    void exponentsOfTheOptimumSumToOneAndAreThoseOfTheClosedForm() {
        assertThat(LAW.a()).isCloseTo(.28 / .62, within(1e-12));
        assertThat(LAW.a() + LAW.b()).isCloseTo(1, within(1e-12));
        double slope = Math.log(LAW.optimum(1e24).N() / LAW.optimum(1e23).N()) / Math.log(10);
        assertThat(slope).isCloseTo(LAW.a(), within(1e-9));
    }

    @Test
    void computeToReachInvertsTheOptimum() {
        double loss = LAW.optimum(3e21).loss();

        assertThat(LAW.computeToReach(loss)).isCloseTo(3e21, withinPercentage(1e-6));
        assertThat(LAW.computeToReach(1.69)).isInfinite();
    }

    @Test
    void aPointWithoutAMeaningIsRejected() {
        assertThatThrownBy(() -> FitPoint.of(1e8, 1e9, Double.NaN)).hasMessageContaining("loss");
        assertThatThrownBy(() -> FitPoint.of(0, 1e9, 3)).hasMessageContaining("N must be positive");
    }
}
