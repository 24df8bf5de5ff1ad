package dev.isoflop.scaling.curve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.isoflop.scaling.fit.Estimate;
import dev.isoflop.scaling.fit.FitOutcome;
import dev.isoflop.scaling.fit.RefusalReason;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The end of a run by its curve: exact where the form holds, honest where it does not, and never a NaN. */
class CurveForecastTests {

    static Stream<RateSchedule> schedules() {
        return Stream.of(
                RateSchedule.cosine(0.05, 0.1),
                RateSchedule.cosine(0, 0),
                RateSchedule.wsd(0.02, 0, 0.8),
                RateSchedule.wsd(0.1, 0.1, 0.6),
                RateSchedule.constant(0.01));
    }

    private static CurveForecast forecast(TrainingCurve curve) {
        return CurveForecast.of(curve).orElseThrow();
    }

    @ParameterizedTest
    @MethodSource("schedules")
    void aCurveOfTheFormWithoutNoiseIsRecoveredOnceTheRateHasComeDown(RateSchedule schedule) {
        MadeUpCurves.Truth truth = MadeUpCurves.truth(schedule);
        TrainingCurve whole = MadeUpCurves.curve(truth, 0, 1);
        double wanted = truth.loss(1) + 0.02;
        CurveForecast late = forecast(whole.until(0.9));
        assertThat(late.end().loss()).isCloseTo(wanted, within(1e-3 * wanted));
        assertThat(late.now()).isCloseTo(truth.loss(0.9) + 0.02, within(1e-3 * wanted));
        for (double share : new double[] {0.3, 0.5, 0.7, 0.9}) {
            Estimate said = forecast(whole.until(share)).end().interval(0.9);
            assertThat(wanted).as("seen %s", share).isBetween(said.low(), said.high());
        }
    }

    @Test
    void withAConstantRateThePowerLawAloneIsRecoveredFromTheFirstHalf() {
        MadeUpCurves.Truth truth = MadeUpCurves.truth(RateSchedule.constant(0.02));
        CurveForecast half = forecast(MadeUpCurves.curve(truth, 0, 1).until(0.5));
        assertThat(half.end().loss()).isCloseTo(truth.loss(1) + 0.02, within(1e-4));
        assertThat(half.spread().fit()).isLessThan(1e-3);
    }

    @ParameterizedTest
    @MethodSource("schedules")
    void inOtherUnitsOfLossAndTokensTheSameIsSaid(RateSchedule schedule) {
        TrainingCurve curve =
                MadeUpCurves.curve(MadeUpCurves.truth(schedule), 0.05, 3).until(0.6);
        CurveForecast one = forecast(curve);
        for (double factor : new double[] {1e-3, 0.3, 700}) {
            CurveForecast other = forecast(MadeUpCurves.times(curve, factor, 1e-4));
            assertThat(other.end().loss()).isCloseTo(factor * one.end().loss(), within(1e-9 * factor));
            assertThat(other.end().logSd()).isCloseTo(one.end().logSd(), within(1e-9));
            assertThat(other.progress()).isCloseTo(one.progress(), within(1e-12));
        }
    }

    @ParameterizedTest
    @MethodSource("schedules")
    void theIntervalIsTheWiderTheMoreIsStillToCome(RateSchedule schedule) {
        for (double noise : new double[] {0, 0.03, 0.1}) {
            TrainingCurve whole = MadeUpCurves.curve(MadeUpCurves.truth(schedule), noise, 4);
            double before = Double.POSITIVE_INFINITY;
            for (double share : new double[] {0.2, 0.3, 0.45, 0.65, 0.8, 0.9, 1}) {
                CurveForecast said = forecast(whole.until(share));
                assertThat(said.end().logSd())
                        .as("noise %s, seen %s", noise, share)
                        .isLessThan(before)
                        .isGreaterThan(0);
                assertThat(said.spread().form()).isEqualTo(CurveForecast.PER_E_FOLD * Math.log(1 / said.progress()));
                before = said.end().logSd();
            }
            assertThat(before).as("at the end").isLessThan(0.02);
        }
    }

    @Test
    void whateverTheCurveLooksLikeEveryNumberIsOne() {
        Random random = new Random(20261126);
        int told = 0;
        for (int trial = 0; trial < 400; trial++) {
            RateSchedule schedule = schedules().toList().get(trial % 5);
            TrainingCurve curve = wild(random, schedule);
            switch (CurveForecast.of(curve)) {
                case FitOutcome.Refused<CurveForecast> refused ->
                    assertThat(refused.sentence()).isNotBlank().doesNotContain("NaN");
                case FitOutcome.Converged<CurveForecast>(CurveForecast said) -> {
                    Estimate interval = said.end().interval(0.99);
                    assertThat(interval.isFinite())
                            .as("trial %d: %s", trial, said)
                            .isTrue();
                    assertThat(interval.low()).isPositive().isLessThan(interval.high());
                    assertThat(said.now()).isPositive().isFinite();
                    told++;
                }
            }
        }
        assertThat(told).as("not all were refused").isGreaterThan(100);
    }

    /** Rising, flat, leaping, spiky and decaying ones, of few or many points over any part of the run. */
    private static TrainingCurve wild(Random random, RateSchedule schedule) {
        int points = 1 + random.nextInt(300);
        double until = random.nextDouble(0.001, 1);
        double slope = random.nextGaussian();
        double scatter = Math.exp(4 * random.nextGaussian() - 5);
        List<CurvePoint> training = new ArrayList<>();
        List<CurvePoint> heldOut = new ArrayList<>();
        for (int i = 1; i <= points; i++) {
            double share = until * i / points;
            double loss = Math.exp(Math.clamp(slope * share + scatter * random.nextGaussian(), -700, 690));
            loss *= random.nextInt(50) == 0 ? 1e6 : 1;
            (random.nextInt(10) == 0 ? heldOut : training).add(new CurvePoint(share, loss));
        }
        return new TrainingCurve(training, random.nextBoolean() ? heldOut : List.of(), 1, schedule);
    }

    /** Nothing of a curve at its peak rate shows what annealing will be worth: the rate and the steps taken at it do. */
    @Test
    void aRunAtAHighRateMayFallFurtherOnceTheRateComesDown() {
        RateSchedule schedule = RateSchedule.wsd(0.02, 0, 0.8);
        TrainingCurve half =
                MadeUpCurves.curve(MadeUpCurves.truth(schedule), 0.02, 8).until(0.5);
        CurveForecast unknown = forecast(half);
        CurveForecast gentle = forecast(with(half, schedule.at(3e-4, 10_000)));
        CurveForecast hot = forecast(with(half, schedule.at(3e-2, 10_000)));
        assertThat(hot.end().loss()).isLessThan(0.94 * gentle.end().loss());
        assertThat(hot.end().logSd()).isGreaterThan(1.5 * gentle.end().logSd());
        assertThat(unknown.end().loss())
                .isBetween(hot.end().loss(), gentle.end().loss());
        CurveForecast constant = forecast(with(half, RateSchedule.constant(0.02)));
        assertThat(forecast(with(half, RateSchedule.constant(0.02).at(3e-2, 10_000)))
                        .end()
                        .loss())
                .as("what never comes down is not worth anything")
                .isCloseTo(constant.end().loss(), within(1e-9));
        assertThatThrownBy(() -> schedule.at(-1, 10)).hasMessageContaining("travel");
    }

    private static TrainingCurve with(TrainingCurve curve, RateSchedule schedule) {
        return new TrainingCurve(curve.training(), curve.heldOut(), curve.totalTokens(), schedule);
    }

    @Test
    void heldOutLossesAreWhatIsForecastAndWithoutThemTheIntervalIsWider() {
        MadeUpCurves.Truth truth = MadeUpCurves.truth(RateSchedule.cosine(0.05, 0.1));
        TrainingCurve with = MadeUpCurves.curve(truth, 0.02, 5).until(0.8);
        TrainingCurve without = new TrainingCurve(with.training(), List.of(), with.totalTokens(), with.schedule());
        CurveForecast seen = forecast(with);
        CurveForecast unseen = forecast(without);
        assertThat(seen.end().loss() - unseen.end().loss()).isCloseTo(0.02, within(0.004));
        assertThat(unseen.end().logSd()).isGreaterThan(seen.end().logSd());
        TrainingCurve onlyHeldOut = new TrainingCurve(List.of(), with.training(), with.totalTokens(), with.schedule());
        assertThat(forecast(onlyHeldOut).spread().heldOut()).isZero();
    }

    @Test
    void aRunThatWarmsUpOrHasHardlyAnyLossesIsRefusedWithTheReason() {
        RateSchedule schedule = RateSchedule.cosine(0.1, 0.1);
        TrainingCurve whole = MadeUpCurves.curve(MadeUpCurves.truth(schedule), 0.02, 6);
        assertThat(CurveForecast.of(whole.until(0.1))).isInstanceOfSatisfying(FitOutcome.Refused.class, r -> {
            assertThat(r.reason()).isEqualTo(RefusalReason.WARMING_UP);
            assertThat(r.sentence()).contains("10 %");
        });
        assertThat(CurveForecast.of(whole.until(0.105))).isInstanceOfSatisfying(FitOutcome.Refused.class, r -> {
            assertThat(r.reason()).isEqualTo(RefusalReason.TOO_FEW_POINTS);
            assertThat(r.numbers()).containsEntry("points", 5.0);
        });
        TrainingCurve empty = new TrainingCurve(List.of(), List.of(), 1e9, RateSchedule.constant(0));
        assertThat(empty.progress()).isZero();
        assertThat(CurveForecast.of(empty).converged()).isFalse();
    }

    @Test
    void whatIsNoCurveIsRefusedByName() {
        assertThatThrownBy(() -> new CurvePoint(1, Double.NaN)).hasMessageContaining("loss above 0");
        assertThatThrownBy(() -> new CurvePoint(0, 3)).hasMessageContaining("tokens");
        assertThatThrownBy(() ->
                        new TrainingCurve(List.of(new CurvePoint(11, 3)), List.of(), 10, RateSchedule.constant(0)))
                .hasMessageContaining("totalTokens");
        assertThatThrownBy(() -> RateSchedule.cosine(1, 0)).hasMessageContaining("warmup");
        assertThatThrownBy(() -> RateSchedule.wsd(0, 2, 0.8)).hasMessageContaining("last");
    }

    @Test
    void ratesAndTheirAreasAreThoseOfTheSchedules() {
        RateSchedule cosine = RateSchedule.cosine(0.1, 0.1);
        assertThat(cosine.rate(0.05)).isEqualTo(0.5);
        assertThat(cosine.rate(0.1)).isEqualTo(1);
        assertThat(cosine.rate(0.55)).isCloseTo(0.55, within(1e-12));
        assertThat(cosine.rate(1)).isCloseTo(0.1, within(1e-12));
        assertThat(cosine.area(1)).isCloseTo(0.05 + 0.9 * 0.55, within(1e-4));
        RateSchedule wsd = RateSchedule.wsd(0.1, 0.2, 0.8);
        assertThat(wsd.rate(0.79)).isEqualTo(1);
        assertThat(wsd.rate(0.9)).isCloseTo(0.6, within(1e-12));
        assertThat(wsd.area(1)).isCloseTo(0.05 + 0.7 + 0.2 * 0.6, within(1e-4));
        assertThat(RateSchedule.constant(0).rate(0)).isEqualTo(1);
    }
}
