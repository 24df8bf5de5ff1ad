package dev.isoflop.scaling.fit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.isoflop.scaling.Fixtures;
import dev.isoflop.scaling.law.ChinchillaLaw;
import dev.isoflop.scaling.law.FitPoint;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The picture of a profile says what the intervals say that are found without it. */
class ExponentProfileTests {

    private static final ParametricOptions OPTIONS =
            ParametricOptions.defaults().withResamples(0);

    private static ExponentProfile profile(List<FitPoint> points, int side, int threads) {
        ChinchillaLaw law =
                ParametricFit.minimum(points, OPTIONS, 2).orElseThrow().law();
        return ExponentProfile.of(points, OPTIONS, law, side, threads);
    }

    @Test
    void itCrossesTheBoundWhereTheProfileIntervalsEnd() {
        List<FitPoint> points = Fixtures.chinchilla();
        ParametricResult fit = ParametricFit.fit(points, OPTIONS, 2).orElseThrow();

        ExponentProfile profile = profile(points, 41, 2);

        assertThat(crossings(profile.alpha(), profile.alphaRise(), profile.alone()))
                .satisfiesExactly(
                        low -> assertThat(low).isCloseTo(fit.alphaProfile().low(), within(.002)),
                        high -> assertThat(high).isCloseTo(fit.alphaProfile().high(), within(.002)));
        assertThat(crossings(profile.beta(), profile.betaRise(), profile.alone()))
                .satisfiesExactly(
                        low -> assertThat(low).isCloseTo(fit.betaProfile().low(), within(.002)),
                        high -> assertThat(high).isCloseTo(fit.betaProfile().high(), within(.002)));
    }

    @Test
    void itsLeastIsTheLawItselfAndNothingIsBelow() {
        List<FitPoint> points = Fixtures.chinchilla();
        ExponentProfile profile = profile(points, 21, 2);

        double least = Arrays.stream(profile.rise())
                .flatMapToDouble(Arrays::stream)
                .min()
                .orElseThrow();

        assertThat(least).isCloseTo(1, within(1e-7));
        assertThat(profile.certificate().global()).isTrue();
        assertThat(profile.together()).isGreaterThan(profile.alone());
        for (int r = 0; r < 21; r++) {
            double lowestOfRow = Arrays.stream(profile.rise()[r]).min().orElseThrow();
            assertThat(profile.alphaRise()[r]).isLessThanOrEqualTo(lowestOfRow * (1 + 1e-9));
        }
        assertThat(profile.rise()[0][0]).as("the corner is outside").isGreaterThan(profile.together());
    }

    @Test
    void pointsThatDetermineNothingGiveFiniteNumbersToTheEndsOfTheGrid() {
        ChinchillaLaw truth = new ChinchillaLaw(1.82, 478, 2143, .347, .367);
        List<FitPoint> points = new ArrayList<>();
        Random random = new Random(3);
        for (double n = 3e7; n < 4e9; n *= 2) {
            points.add(FitPoint.of(n, 20 * n, truth.loss(n, 20 * n) * Math.exp(.01 * random.nextGaussian())));
        }

        ExponentProfile profile = ExponentProfile.of(points, OPTIONS, truth, 11, 2);

        assertThat(profile.certificate().flat()).isNotNull();
        assertThat(Arrays.stream(profile.rise()).flatMapToDouble(Arrays::stream))
                .allMatch(Double::isFinite);
    }

    @Test
    void theNumberOfThreadsChangesNothing() {
        List<FitPoint> points = Fixtures.chinchilla().subList(0, 60);
        ExponentProfile one = profile(points, 9, 1);
        ExponentProfile three = profile(points, 9, 3);

        assertThat(one.rise()).isDeepEqualTo(three.rise());
        assertThat(one.alphaRise()).isEqualTo(three.alphaRise());
    }

    @Test
    void fewerThanFiveValuesAreNoPicture() {
        List<FitPoint> points = Fixtures.chinchilla();
        assertThatThrownBy(() -> profile(points, 4, 1)).hasMessageContaining("at least 5 values");
    }

    private static List<Double> crossings(double[] at, double[] rise, double bound) {
        List<Double> out = new ArrayList<>();
        for (int k = 1; k < at.length; k++) {
            if (rise[k - 1] > bound != rise[k] > bound) {
                out.add(at[k - 1] + (at[k] - at[k - 1]) * (bound - rise[k - 1]) / (rise[k] - rise[k - 1]));
            }
        }
        return out;
    }
}
