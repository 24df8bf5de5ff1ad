package dev.isoflop.scaling.forecast;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.isoflop.scaling.fit.FitOutcome;
import dev.isoflop.scaling.forecast.LossForecast.Combination;
import dev.isoflop.scaling.law.ChinchillaLaw;
import dev.isoflop.scaling.law.FitPoint;
import dev.isoflop.scaling.law.Law;
import dev.isoflop.scaling.law.form.Kaplan;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.DoubleBinaryOperator;
import org.junit.jupiter.api.Test;

class RolloutsTests {

    private static final ChinchillaLaw CHINCHILLA = new ChinchillaLaw(1.8, 480, 2100, .35, .37);
    private static final Law KAPLAN = new Kaplan();
    private static final double[] KAPLANS = {6.4e13, 1.8e13, .076, .103};

    /** Seven sizes at each of {@code budgets} budgets from 1e18 by threes. */
    private static List<FitPoint> sweep(int budgets, double noise, DoubleBinaryOperator loss) {
        Random random = new Random(5);
        List<FitPoint> points = new ArrayList<>();
        for (int b = 0; b < budgets; b++) {
            double c = 1e18 * Math.pow(3, b);
            for (int i = -3; i <= 3; i++) {
                double n = CHINCHILLA.optimum(c).N() * Math.pow(1.7, i);
                double d = c / 6 / n;
                points.add(FitPoint.of(n, d, loss.applyAsDouble(n, d) * Math.exp(noise * random.nextGaussian())));
            }
        }
        return points;
    }

    private static Rollouts rollouts(List<FitPoint> points) {
        return Rollouts.of(points, Candidate.ofSizeAndData(), 1e-3, 2).orElseThrow();
    }

    private static String best(Rollouts rollouts) {
        return rollouts.candidates().get(rollouts.best()).law().name();
    }

    @Test
    void theFormThatIsTrueForecastsBest() {
        Rollouts chinchilla = rollouts(sweep(7, .0005, CHINCHILLA::loss));
        Rollouts kaplan = rollouts(sweep(7, .0005, (n, d) -> KAPLAN.loss(KAPLANS, n, d)));

        assertThat(best(chinchilla)).isEqualTo("chinchilla");
        assertThat(best(kaplan)).isEqualTo("kaplan");
        assertThat(chinchilla.rms(chinchilla.best())).isLessThan(.002);
        assertThat(kaplan.rms(0)).as("Chinchilla's, where Kaplan's is true").isGreaterThan(2 * kaplan.rms(2));
    }

    @Test
    void cutOffsGoDownAsLongAsEnoughRemains() {
        List<FitPoint> points = sweep(7, .001, CHINCHILLA::loss);
        Rollouts rollouts = rollouts(points);

        // at most Cmax / 3, / 10 and / 30; a hundredth leaves two budgets
        assertThat(rollouts.rungs().stream().map(Rollouts.Rung::fitted)).containsExactly(21, 28, 42);
        for (Rollouts.Rung rung : rollouts.rungs()) {
            assertThat(rung.fitted() + rung.held().size()).isEqualTo(points.size());
            assertThat(rung.held()).allMatch(p -> p.C() > rung.cut());
        }
        // ratios of 3, 9 and 27, 81 of which the last two are too far to count
        assertThat(rollouts.bands(0).stream().mapToInt(Rollouts.Band::points).sum())
                .isEqualTo(28 + 21 + 7);
        assertThat(rollouts.bands(0).getFirst().points()).isEqualTo(3 * 7);
    }

    /** What lies above a cut-off has no say in what is fitted below it. */
    @Test
    void nothingAboveACutOffIsSeenBelowIt() {
        List<FitPoint> points = sweep(7, .002, CHINCHILLA::loss);
        double top = points.stream().mapToDouble(FitPoint::C).max().orElseThrow() / 2;
        List<FitPoint> other = points.stream()
                .map(p -> p.C() > top ? p.withLoss(1.1 * p.loss()) : p)
                .toList();
        Rollouts.Rung one = rollouts(points).rungs().getLast();
        Rollouts.Rung two = rollouts(other).rungs().getLast();

        for (int k = 0; k < one.errors().length; k++) {
            for (int i = 0; i < one.held().size(); i++) {
                double forecast =
                        one.errors()[k][i] + Math.log(one.held().get(i).loss());
                assertThat(two.errors()[k][i] + Math.log(two.held().get(i).loss()))
                        .isCloseTo(forecast, within(1e-12));
            }
        }
    }

    @Test
    void stackingIsNoWorseThanWhatItMixesAndAStrongPriorIsKept() {
        Rollouts rollouts = rollouts(sweep(7, .003, (n, d) -> KAPLAN.loss(KAPLANS, n, d) + .2));
        double[] equal = rollouts.equal();

        double[] free = rollouts.stacked(equal, 1e-6);
        double[] drawn = rollouts.stacked(equal, 1e6);

        for (int k = 0; k < free.length; k++) {
            assertThat(Math.sqrt(rollouts.meanSquare(free))).isLessThan(rollouts.rms(k) + 1e-9);
            assertThat(drawn[k]).isCloseTo(equal[k], within(1e-3));
        }
    }

    @Test
    void tooFewBudgetsBelowTheLargestAreRefused() {
        FitOutcome<Rollouts> outcome = Rollouts.of(sweep(3, 0, CHINCHILLA::loss), Candidate.ofSizeAndData(), 1e-3, 1);

        assertThat(outcome.converged()).isFalse();
        assertThat(((FitOutcome.Refused<Rollouts>) outcome).sentence()).contains("at least 12 runs of 3 budgets");
        assertThat(LossForecast.of(sweep(3, 0, CHINCHILLA::loss), Combination.STACKED, 20, 1, 1)
                        .converged())
                .isFalse();
    }

    @Test
    void aLawOfFurtherInputsIsACandidateWhereAllPointsHaveThem() {
        List<FitPoint> points = sweep(5, 0, CHINCHILLA::loss);
        List<FitPoint> repeated =
                points.stream().map(p -> p.with(Map.of(Law.Input.U, p.D() / 2))).toList();

        assertThat(Candidate.among(points).stream().map(Candidate::name))
                .containsExactlyElementsOf(
                        Candidate.ofSizeAndData().stream().map(Candidate::name).toList());
        assertThat(Candidate.among(repeated).stream().map(Candidate::name))
                .contains("repeated-data", "repeated-data by compute")
                .doesNotContain("width-depth");
    }

    @Test
    void aForecastSaysWhatItIsMadeOf() {
        List<FitPoint> points = sweep(7, .002, CHINCHILLA::loss);

        LossForecast fixed = LossForecast.of(points, 40, 1, 1).orElseThrow();
        LossForecast stacked =
                LossForecast.of(points, Combination.STACKED, 40, 1, 1).orElseThrow();
        LossForecast selected =
                LossForecast.of(points, Combination.SELECTED, 40, 1, 1).orElseThrow();

        assertThat(fixed.rollouts()).isEmpty();
        assertThat(fixed.parts().stream().map(LossForecast.Part::weight)).containsExactly(.6, .4);
        assertThat(stacked.parts().stream()
                        .mapToDouble(LossForecast.Part::weight)
                        .sum())
                .isCloseTo(1, within(1e-12));
        assertThat(stacked.parts().getFirst().weight())
                .as("where Chinchilla's law is true")
                .isGreaterThan(.8);
        LossForecast.Part only = selected.parts().getFirst();
        assertThat(selected.loss(1e10, 2e11))
                .isCloseTo(Math.exp(only.form().logLoss(FitPoint.of(1e10, 2e11, 1))), within(1e-12));
        assertThat(only.form().candidate().law().name()).isEqualTo("chinchilla");
        assertThat(stacked.spread(1e10, 2e11)).isEqualTo(fixed.spread(1e10, 2e11));
    }
}
