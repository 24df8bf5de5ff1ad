package dev.isoflop.scaling.design;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.isoflop.scaling.fit.FitOutcome;
import dev.isoflop.scaling.law.ChinchillaLaw;
import dev.isoflop.scaling.law.FitPoint;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SequentialDesignTests {

    private static final ChinchillaLaw LAW = new ChinchillaLaw(1.8, 480, 2100, .35, .37);
    private static final CandidateRuns CANDIDATES = CandidateRuns.between(1e18, 1e20);
    private static final DesignTarget TARGET = new DesignTarget.LogOptimum(1e23);

    private static List<FitPoint> begun() {
        Random random = new Random(9);
        List<FitPoint> points = new ArrayList<>();
        for (int twice = 0; twice < 2; twice++) {
            for (CandidateRuns.Run run : CANDIDATES.beginning()) {
                points.add(FitPoint.of(
                        run.N(), run.D(), LAW.loss(run.N(), run.D()) * Math.exp(.002 * random.nextGaussian())));
            }
        }
        return points;
    }

    private static SequentialDesign.Means means(int wave, double remaining) {
        return new SequentialDesign.Means(wave, remaining, 1e19, OptionalDouble.of(.002));
    }

    /** The information of n runs at one place is that of their mean, whatever way it is reckoned; repetition does not take away what the law is off by. */
    @Test
    void takingRunsInOneByOneIsTakingInTheirMean() {
        Information one = new Information(LAW, .01, .002);
        Information many = new Information(LAW, .01, .002);
        one.add(1e9, 2e10, 7);
        for (int i = 0; i < 7; i++) {
            many.add(1e9, 2e10, 1);
        }

        double[] target = one.gradient(TARGET);
        double[] run = one.gradient(1e9, 2e10);

        assertThat(many.variance(target)).isCloseTo(one.variance(target), within(1e-9 * one.variance(target)));
        assertThat(many.variance(run)).isCloseTo(.01 * .01 / 7 + .002 * .002, within(1e-7));
    }

    @Test
    void theReductionForeseenIsTheOneThatComes() {
        Information information = new Information(LAW, .005, .005);
        information.add(1e8, 1e10, 1);
        double[] target = information.gradient(TARGET);
        double before = information.variance(target);
        double foreseen = information.reduction(1e9, 1e10, information.times(target));

        information.add(1e9, 1e10, 1);

        assertThat(before - information.variance(target)).isCloseTo(foreseen, within(1e-9 * before));
        assertThat(information.reduction(1e9, 1e10, information.times(target)))
                .as("again at the same place")
                .isLessThan(foreseen / 4);
    }

    @Test
    void aWaveIsChosenAsIfItsFirstRunsHadEnded() {
        SequentialDesign.Next next = SequentialDesign.next(begun(), TARGET, CANDIDATES, means(4, 1e21))
                .orElseThrow();

        assertThat(next.choices()).hasSize(4);
        assertThat(next.choices().getFirst().sdBefore()).isCloseTo(next.sd(), within(1e-12));
        for (int i = 0; i < 4; i++) {
            SequentialDesign.Choice choice = next.choices().get(i);
            assertThat(choice.sdAfter()).isLessThan(choice.sdBefore());
            if (i > 0) {
                assertThat(choice.sdBefore())
                        .isCloseTo(next.choices().get(i - 1).sdAfter(), within(1e-12));
            }
        }
    }

    @Test
    void nothingIsChosenThatCannotBePaid() {
        assertThat(SequentialDesign.next(begun(), TARGET, CANDIDATES, means(3, 1e17))
                        .orElseThrow()
                        .choices())
                .isEmpty();
        assertThat(SequentialDesign.next(begun(), TARGET, CANDIDATES, means(9, 3e18))
                        .orElseThrow()
                        .choices())
                .isNotEmpty()
                .satisfies(choices -> assertThat(
                                choices.stream().mapToDouble(c -> c.run().C()).sum())
                        .isLessThanOrEqualTo(3e18 * 1.000001));
    }

    /** A target hardly beyond the runs that there are is not worth another; one a thousand times as large is. */
    @Test
    void spendingStopsWhereItNoLongerPays() {
        DesignTarget near = new DesignTarget.LogOptimum(2e20);
        DesignTarget far = new DesignTarget.LogOptimum(1e24);

        SequentialDesign.Choice small = SequentialDesign.next(begun(), near, CANDIDATES, means(1, 1e21))
                .orElseThrow()
                .choices()
                .getFirst();
        SequentialDesign.Choice large = SequentialDesign.next(begun(), far, CANDIDATES, means(1, 1e21))
                .orElseThrow()
                .choices()
                .getFirst();

        assertThat(small.pays()).isFalse();
        assertThat(large.pays()).isTrue();
    }

    /** By the runs that pay and by how many there are. */
    @Test
    void goingOnIsSaidOfAsManyRunsAsThereAre() {
        SequentialDesign.Choice pays = new SequentialDesign.Choice(new CandidateRuns.Run(1e8, 1e9), .2, .1, 1e21);
        SequentialDesign.Choice costs = new SequentialDesign.Choice(new CandidateRuns.Run(1e8, 1e9), .2, .1, 1e9);

        assertThat(said(pays)).isEqualTo("Going on pays: this run saves more FLOPs at the target than it costs.");
        assertThat(said(pays, pays)).startsWith("Going on pays: each of these runs saves more");
        assertThat(said(pays, costs, costs)).startsWith("Going on pays for the first of these runs; the next would");
        assertThat(said(pays, pays, costs)).startsWith("Going on pays for the first 2 of these runs;");
        assertThat(said(costs, pays)).startsWith("Stop here: the next run costs");
    }

    private static String said(SequentialDesign.Choice... choices) {
        return new SequentialDesign.Next(LAW, .002, 20, .2, List.of(choices)).sentence();
    }

    @Test
    void otherTargetsAreServedAndSaveNothingThatCouldBeNamed() {
        SequentialDesign.Next next = SequentialDesign.next(
                        begun(), DesignTarget.LogLoss.at(LAW.optimum(1e23)), CANDIDATES, means(1, 1e21))
                .orElseThrow();

        assertThat(next.choices().getFirst().saves()).isNaN();
        assertThat(next.choices().getFirst().pays()).isFalse();
        assertThat(SequentialDesign.next(begun(), new DesignTarget.OptimumExponent(), CANDIDATES, means(1, 1e21))
                        .orElseThrow()
                        .value())
                .isCloseTo(LAW.a(), within(.05));
    }

    @Test
    void tooFewRunsAreRefusedAndTheBeginningIsEnough() {
        assertThat(SequentialDesign.next(begun().subList(0, 5), TARGET, CANDIDATES, means(1, 1e21)))
                .isInstanceOf(FitOutcome.Refused.class);
        assertThat(CANDIDATES.beginning())
                .hasSize(8)
                .allSatisfy(run -> assertThat(run.C()).isBetween(CANDIDATES.minC() * .999, CANDIDATES.maxC() * 1.001));
        assertThat(SequentialDesign.next(begun().subList(0, 8), TARGET, CANDIDATES, means(1, 1e21))
                        .converged())
                .isTrue();
    }

    @Test
    void whatMakesNoSenseIsRefusedByName() {
        assertThatThrownBy(() -> CandidateRuns.between(1e20, 1e18)).hasMessageContaining("minC <= maxC");
        assertThatThrownBy(() -> new CandidateRuns(1e18, 1e20, 10, 20, 4))
                .hasMessageContaining("tokens per parameter must span");
        assertThatThrownBy(() -> new DesignTarget.LogOptimum(Double.NaN)).hasMessageContaining("C must be positive");
        assertThatThrownBy(() -> means(0, 1e20)).hasMessageContaining("at least one run");
    }
}
