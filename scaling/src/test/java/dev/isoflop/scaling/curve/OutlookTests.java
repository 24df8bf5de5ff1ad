package dev.isoflop.scaling.curve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.isoflop.scaling.curve.Outlook.Aim;
import dev.isoflop.scaling.fit.Estimate;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Curve and law together, and the verdict: by aims that were stated, with the intervals in between. */
class OutlookTests {

    private static final RateSchedule SCHEDULE = RateSchedule.cosine(0.05, 0.1);
    private static final MadeUpCurves.Truth TRUTH = MadeUpCurves.truth(SCHEDULE);
    private static final double END = TRUTH.loss(1) + 0.02;
    private static final TrainingCurve HALF = MadeUpCurves.curve(TRUTH, 0.03, 7).until(0.5);

    private static Aim aim(double law, double atMost) {
        return new Aim(
                law > 0 ? Optional.of(new EndLoss(law, 0.01)) : Optional.empty(),
                atMost > 0 ? OptionalDouble.of(atMost) : OptionalDouble.empty(),
                0.9);
    }

    private static Verdict verdict(double law, double atMost) {
        return Outlook.of(HALF, aim(law, atMost)).verdict();
    }

    @Test
    void curveAndLawThatAgreeAreJoinedByInverseVariance() {
        EndLoss both = new EndLoss(3, 0.04).with(new EndLoss(3 * Math.exp(0.02), 0.02));
        // the law's 2 % and the 5 % that its recipe may be off
        double theirs = Math.hypot(0.02, 0.05);
        assertThat(Math.log(both.loss() / 3))
                .isCloseTo(0.02 * 0.04 * 0.04 / (0.04 * 0.04 + theirs * theirs), within(1e-12));
        assertThat(both.logSd()).isCloseTo(0.04 * theirs / Math.hypot(0.04, theirs), within(1e-12));
    }

    @Test
    void theFurtherARunIsOffTheLawTheLessTheLawHasToSayOfIt() {
        EndLoss own = new EndLoss(3, 0.02);
        double before = 1;
        for (double apart : new double[] {0.05, 0.1, 0.3, 1}) {
            EndLoss both = own.with(new EndLoss(3 * Math.exp(-apart), 0.01));
            double weight = Math.log(3 / both.loss()) / apart;
            assertThat(weight).isLessThan(before).isPositive();
            assertThat(both.logSd()).isLessThanOrEqualTo(own.logSd());
            before = weight;
        }
        assertThat(before).as("a run that is nothing like the law").isLessThan(0.001);
        assertThat(new EndLoss(3, 0).with(own)).isEqualTo(new EndLoss(3, 0));
    }

    @Test
    void aRunThatHasSeenAllIsNotStopped() {
        TrainingCurve whole = MadeUpCurves.curve(TRUTH, 0.03, 7).until(1);
        assertThat(whole.progress()).isEqualTo(1);

        Outlook outlook = Outlook.of(whole, aim(END / 2, END / 2));

        assertThat(outlook.verdict()).isEqualTo(Verdict.GO_ON);
        assertThat(outlook.sentence()).contains("stopping would save nothing");
        assertThat(verdict(END / 2, END / 2)).as("halfway").isEqualTo(Verdict.STOP);
    }

    @Test
    void withALawTheIntervalIsNarrowerAndStillHoldsTheEnd() {
        Outlook alone = Outlook.of(HALF, aim(0, 0));
        Outlook with = Outlook.of(HALF, aim(END, 0));
        Estimate narrow = with.end().orElseThrow().interval(0.9);
        Estimate wide = alone.end().orElseThrow().interval(0.9);
        assertThat(narrow.high() - narrow.low()).isLessThan(wide.high() - wide.low());
        assertThat(END).isBetween(narrow.low(), narrow.high());
        assertThat(alone.law()).isEmpty();
        assertThat(with.law()).contains(new EndLoss(END, 0.01));
    }

    @Test
    void aRunIsStoppedWhenEvenTheLowerEndIsAboveTheBarAndNotBefore() {
        Estimate said = Outlook.of(HALF, aim(0, 0)).end().orElseThrow().interval(0.9);
        assertThat(verdict(0, said.low() * 0.9999)).isEqualTo(Verdict.STOP);
        assertThat(verdict(0, said.low() * 1.0001)).isEqualTo(Verdict.GO_ON);
        assertThat(verdict(0, said.high() * 1.1)).isEqualTo(Verdict.GO_ON);
        assertThat(Outlook.of(HALF, aim(0, said.low() * 0.9)).sentence())
                .startsWith("Stop: ")
                .contains("(%.3f to %.3f)".formatted(said.low(), said.high()));
        assertThat(Outlook.of(HALF, aim(0, END)).sentence()).contains("within reach");
        assertThat(Outlook.of(HALF, aim(0, 9)).sentence()).contains("all of it within the 9.000");
    }

    @Test
    void aRunIsStoppedWhenItsOwnIntervalIsAllAboveTheLawsAndNotBefore() {
        Estimate own = Outlook.of(HALF, aim(0, 0)).end().orElseThrow().interval(0.9);
        double touching = own.low() / (new EndLoss(1, 0.01).interval(0.9).high());
        assertThat(verdict(touching * 0.9999, 0)).isEqualTo(Verdict.STOP);
        assertThat(verdict(touching * 1.0001, 0)).isEqualTo(Verdict.GO_ON);
        assertThat(verdict(END, 0)).isEqualTo(Verdict.GO_ON);
        assertThat(verdict(2 * END, 0))
                .as("better than the law says is no reason to stop")
                .isEqualTo(Verdict.GO_ON);
        assertThat(Outlook.of(HALF, aim(END / 2, 0)).sentence()).contains("learning rate");
        assertThat(verdict(END / 2, 9)).as("a broken recipe, whatever the bar").isEqualTo(Verdict.STOP);
    }

    @Test
    void withoutAnAimOrWithoutACurveNothingIsKnown() {
        assertThat(verdict(0, 0)).isEqualTo(Verdict.UNKNOWN);
        assertThat(Outlook.of(HALF, aim(0, 0)).sentence()).contains("set the loss it must reach");
        Outlook early = Outlook.of(HALF.until(0.04), aim(END / 2, END / 2));
        assertThat(early.verdict()).isEqualTo(Verdict.UNKNOWN);
        assertThat(early.sentence()).contains("warm-up");
        assertThat(early.end()).isEmpty();
        assertThatThrownBy(() -> aim(0, Double.POSITIVE_INFINITY)).hasMessageContaining("atMost");
        assertThatThrownBy(() -> new Aim(Optional.empty(), OptionalDouble.empty(), 1))
                .hasMessageContaining("level");
    }

    /** Not one of the form with its own noise is stopped for what it will reach. */
    @Test
    void runsThatWillReachTheirAimAreHardlyEverStopped() {
        int stopped = 0;
        int runs = 0;
        for (long seed = 0; seed < 25; seed++) {
            Random random = new Random(seed);
            MadeUpCurves.Truth truth = new MadeUpCurves.Truth(
                    random.nextDouble(1.5, 2.5),
                    random.nextDouble(0.3, 1.2),
                    random.nextDouble(0.15, 0.9),
                    random.nextDouble(0, 0.12),
                    SCHEDULE);
            TrainingCurve whole = MadeUpCurves.curve(truth, 0.05, seed);
            for (double share : new double[] {0.2, 0.4, 0.6, 0.8}) {
                Outlook said = Outlook.of(whole.until(share), aim(0, truth.loss(1) + 0.02));
                stopped += said.verdict() == Verdict.STOP ? 1 : 0;
                runs++;
            }
        }
        assertThat(stopped).as("of %d", runs).isLessThanOrEqualTo(5);
    }
}
