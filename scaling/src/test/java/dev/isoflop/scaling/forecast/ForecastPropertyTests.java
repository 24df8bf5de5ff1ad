package dev.isoflop.scaling.forecast;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.isoflop.scaling.fit.Estimate;
import dev.isoflop.scaling.fit.FitOutcome;
import dev.isoflop.scaling.law.ChinchillaLaw;
import dev.isoflop.scaling.law.FitPoint;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is true of every forecast, on sweeps drawn at random. */
class ForecastPropertyTests {

    private static List<FitPoint> sweep(Random random) {
        ChinchillaLaw law = new ChinchillaLaw(
                1.4 + random.nextDouble(),
                200 + 800 * random.nextDouble(),
                500 + 3000 * random.nextDouble(),
                .28 + .15 * random.nextDouble(),
                .28 + .15 * random.nextDouble());
        double noise = .001 + .004 * random.nextDouble();
        List<FitPoint> points = new ArrayList<>();
        for (double c = 1e18; c < 2e20; c *= 3) {
            for (int i = -3; i <= 3; i++) {
                double n = law.optimum(c).N() * Math.pow(1.6, i + random.nextDouble());
                points.add(FitPoint.of(n, c / 6 / n, law.loss(n, c / 6 / n) * Math.exp(noise * random.nextGaussian())));
            }
        }
        return points;
    }

    private static Estimate forecast(List<FitPoint> points, double n, double d, double level) {
        return LossForecast.of(points, 40, 7, 1).orElseThrow().forecast(n, d, level);
    }

    private static final double N = 2e10;
    private static final double D = 4e11;

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6})
    void theOrderOfPointsMovesNothingButTheDraws(long seed) {
        List<FitPoint> points = sweep(new Random(seed));
        List<FitPoint> shuffled = new ArrayList<>(points);
        Collections.shuffle(shuffled, new Random(seed));

        LossForecast one = LossForecast.of(points, 40, 7, 1).orElseThrow();
        LossForecast other = LossForecast.of(shuffled, 40, 7, 1).orElseThrow();

        assertThat(other.loss(N, D)).isCloseTo(one.loss(N, D), within(1e-7));
        assertThat(other.spread(N, D).noise()).isCloseTo(one.spread(N, D).noise(), within(1e-7));
    }

    /** Bits in place of nats, thousands of parameters in place of parameters. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6})
    void unitsDoNotMatter(long seed) {
        List<FitPoint> points = sweep(new Random(seed));
        double bits = 1 / Math.log(2);
        Estimate nats = forecast(points, N, D, .9);

        Estimate inBits = forecast(
                points.stream()
                        .map(p -> FitPoint.of(p.N() / 1e3, p.D() / 1e6, bits * p.loss()))
                        .toList(),
                N / 1e3,
                D / 1e6,
                .9);

        assertThat(inBits.value()).isCloseTo(bits * nats.value(), within(1e-6));
        assertThat(inBits.low()).isCloseTo(bits * nats.low(), within(1e-4));
        assertThat(inBits.high()).isCloseTo(bits * nats.high(), within(1e-4));
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6})
    void intervalsWidenWithTheirLevelAndWithDistance(long seed) {
        LossForecast forecast =
                LossForecast.of(sweep(new Random(seed)), 40, 7, 1).orElseThrow();
        double last = 0;
        for (double level : new double[] {.5, .8, .9, .95, .99}) {
            Estimate e = forecast.forecast(N, D, level);
            assertThat(e.high() - e.low()).isGreaterThan(last);
            assertThat(e.value()).isBetween(e.low(), e.high());
            last = e.high() - e.low();
        }
        double width = 0;
        for (double times = 1; times < 1e4; times *= 4) {
            double total = forecast.spread(4e9 * Math.sqrt(times), 8e9 * Math.sqrt(times))
                    .total();
            assertThat(total).isGreaterThan(width * .999);
            width = total;
        }
    }

    /** Any positive finite table gives finite numbers or a refusal. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
    void nothingFiniteGivesWhatIsNoNumber(long seed) {
        Random random = new Random(seed);
        List<FitPoint> points = new ArrayList<>();
        int count = 8 + random.nextInt(30);
        for (int i = 0; i < count; i++) {
            points.add(FitPoint.of(
                    Math.exp(60 * random.nextDouble()),
                    Math.exp(60 * random.nextDouble()),
                    Math.exp(10 * random.nextGaussian())));
        }

        FitOutcome<LossForecast> outcome = LossForecast.of(points, 20, 7, 1);

        if (outcome instanceof FitOutcome.Converged<LossForecast>(LossForecast forecast)) {
            Estimate e = forecast.forecast(1e9, 1e10, .9);
            assertThat(e.value()).isNotNaN();
            assertThat(e.low()).isNotNaN();
            assertThat(e.high()).isNotNaN();
        }
    }
}
