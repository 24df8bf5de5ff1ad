package dev.isoflop.scaling.question;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.isoflop.scaling.fit.FitOutcome;
import dev.isoflop.scaling.law.ChinchillaLaw;
import dev.isoflop.scaling.law.FitPoint;
import dev.isoflop.scaling.plan.PlannedCell;
import dev.isoflop.scaling.question.PlanQuestion.Design;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class PlanQuestionTests {

    private static final ChinchillaLaw LAW = new ChinchillaLaw(1.8, 480, 2100, .35, .37);

    private static PlanQuestion of(Design design, double flops, @Nullable Double target) {
        return new PlanQuestion(
                design, target, flops, null, null, null, null, null, null, null, null, null, null, null, null, null,
                null, null, null, null);
    }

    private static PlanAnswer answer(PlanQuestion question) {
        return question.answer(List.of()).orElseThrow();
    }

    private static List<FitPoint> runs(int count) {
        Random random = new Random(3);
        List<FitPoint> points = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            double n = 1e6 * Math.exp(2 * random.nextDouble());
            double d = n * (4 + 100 * random.nextDouble());
            points.add(FitPoint.of(n, d, LAW.loss(n, d) * Math.exp(.003 * random.nextGaussian())));
        }
        return points;
    }

    @Test
    void anOptimalSweepTellsMoreThanIsoFlopCurvesOfTheSameCost() {
        PlanAnswer curves = answer(of(Design.ISOFLOP, 1e18, 1e20));
        PlanAnswer optimal = answer(of(Design.OPTIMAL, 1e18, 1e20));

        assertThat(optimal.plan().plannedFlops()).isBetween(.8e18, 1e18);
        assertThat(optimal.plan().cells()).hasSizeBetween(20, 30).doesNotHaveDuplicates();
        assertThat(optimal.sd()).isLessThan(.8 * curves.sd());
        assertThat(optimal.target()).isEqualTo(1e20);
    }

    /** Each is a whole model on whole steps, none takes more than an eighth, and all are near where the optimum may be. */
    @Test
    void whatIsChosenCanBeTrained() {
        PlanAnswer optimal = answer(of(Design.OPTIMAL, 1e18, null));

        assertThat(optimal.target()).as("ten times what is spent").isEqualTo(1e19);
        assertThat(optimal.plan().cells()).allSatisfy(cell -> {
            assertThat(cell.D()).isEqualTo(cell.steps() * cell.tokensPerStep());
            assertThat(cell.plannedFlops()).isLessThanOrEqualTo(1e18 / 8).isGreaterThan(.9 * cell.budget());
            assertThat(cell.tokensPerParameter()).isBetween(20 / 16.5, 20 * 16.5);
        });
    }

    @Test
    void limitsLeaveCellsOutWithAReason() {
        PlanQuestion question = new PlanQuestion(
                Design.OPTIMAL,
                null,
                1e17,
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                1e7,
                1.0,
                null);

        PlanAnswer answer = answer(question);

        assertThat(answer.plan().cells())
                .allSatisfy(cell -> assertThat(cell.D()).isLessThanOrEqualTo(10_000_000));
        assertThat(answer.plan().dropped())
                .isNotEmpty()
                .allSatisfy(left -> assertThat(left.sentence()).contains("passes over the corpus"));
    }

    /** Knowing runs, it goes by their law, and trains none of them again. */
    @Test
    void runsSoFarAreBuiltUpon() {
        List<FitPoint> soFar = new ArrayList<>(runs(12));
        PlanAnswer fresh = answer(of(Design.OPTIMAL, 1e17, 1e19));
        PlannedCell again = fresh.plan().cells().getLast();
        soFar.add(FitPoint.of(again.N(), again.D(), LAW.loss(again.N(), again.D())));

        PlanAnswer built = of(Design.OPTIMAL, 1e17, 1e19).answer(soFar).orElseThrow();

        assertThat(built.plan().cells()).isNotEmpty();
        assertThat(built.plan().cells()).noneMatch(cell -> cell.N() == again.N() && cell.D() == again.D());
        assertThat(of(Design.OPTIMAL, 1e17, 1e19).answer(runs(4))).isInstanceOf(FitOutcome.Refused.class);
    }

    /** A plan after runs whose own fit is unsure of N* does not say that it will be sure of it. */
    @Test
    void whatRunsSoFarDoNotKnowIsNotTakenForKnown() {
        Random random = new Random(4);
        List<FitPoint> noisy = new ArrayList<>();
        for (FitPoint p : runs(14)) {
            noisy.add(FitPoint.of(p.N(), p.D(), p.loss() * Math.exp(.03 * random.nextGaussian())));
        }
        PlanQuestion question = of(Design.OPTIMAL, 1e14, 1e19);

        PlanAnswer sure = question.answer(runs(14)).orElseThrow();
        PlanAnswer unsure = question.answer(noisy).orElseThrow();
        NextAnswer next = new NextQuestion(null, 1e19, null, null, null, null, null, null, null, null, 1, null)
                .answer(noisy)
                .orElseThrow();

        assertThat(unsure.sd()).isGreaterThan(2 * sure.sd());
        assertThat(unsure.sd())
                .as("a sweep of a small part of what was spent")
                .isGreaterThan(.25 * next.next().sd());
    }

    @Test
    void aDeadlineIsKept() {
        PlanQuestion question = new PlanQuestion(
                Design.OPTIMAL,
                null,
                null,
                null,
                6.0,
                4,
                "H100",
                .3,
                null,
                2.5,
                null,
                null,
                20,
                null,
                null,
                null,
                null,
                null,
                null,
                null);

        PlanAnswer answer = answer(question);

        assertThat(answer.wallSeconds()).isLessThanOrEqualTo(6 * 3600);
        assertThat(answer.deviceSeconds()).isGreaterThan(.6 * 4 * 6 * 3600);
        assertThat(answer.plan().cells()).hasSizeLessThanOrEqualTo(20);
        assertThat(answer.cost(3600).orElseThrow()).isCloseTo(2.5, within(1e-12));
    }

    @Test
    void faultsNameTheField() {
        assertThatThrownBy(() -> answer(new PlanQuestion(
                        Design.OPTIMAL,
                        null,
                        1e18,
                        null,
                        null,
                        null,
                        null,
                        null,
                        null,
                        null,
                        5,
                        null,
                        null,
                        null,
                        null,
                        null,
                        null,
                        null,
                        null,
                        null)))
                .hasMessageContaining("budgets is of IsoFLOP curves");
        assertThatThrownBy(() -> answer(new PlanQuestion(
                        null, null, 1e18, null, null, null, null, null, null, null, null, null, 12, null, null, null,
                        null, null, null, null)))
                .hasMessageContaining("runs is of an optimal sweep");
        assertThatThrownBy(() -> answer(of(Design.OPTIMAL, 1e9, null)))
                .isInstanceOf(QuestionException.class)
                .hasMessageContaining("a law with a check needs 8");
        assertThatThrownBy(() -> answer(of(Design.OPTIMAL, 1e18, -1.0)))
                .hasMessageContaining("target must be positive");
    }
}
