package dev.isoflop.scaling.question;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.scaling.flops.ParameterConvention;
import dev.isoflop.scaling.flops.Precision;
import dev.isoflop.scaling.law.ChinchillaLaw;
import dev.isoflop.scaling.law.FitPoint;
import dev.isoflop.scaling.plan.Ladder;
import dev.isoflop.scaling.plan.LearningRateRule;
import dev.isoflop.scaling.plan.PlanLimits;
import dev.isoflop.scaling.plan.PlannedCell;
import dev.isoflop.scaling.plan.RecipeRule;
import dev.isoflop.scaling.plan.TrainableRuns;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class NextQuestionTests {

    private static final ChinchillaLaw LAW = new ChinchillaLaw(1.8, 480, 2100, .35, .37);
    private static final TrainableRuns TRAINABLE = new TrainableRuns(
            Ladder.of(8192, 256).shapes(),
            ParameterConvention.TOTAL,
            RecipeRule.defaults(256),
            LearningRateRule.defaults(),
            1,
            0,
            PlanLimits.defaults(),
            Precision.FP32);

    private static List<FitPoint> points(int count, double noise) {
        Random random = new Random(5);
        List<FitPoint> points = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            double c = 1e15 * Math.pow(100, random.nextDouble());
            double n = Math.sqrt(c / 6 / 20) * Math.exp(2.4 * random.nextDouble() - 1.2);
            double d = c / 6 / n;
            points.add(FitPoint.of(n, d, LAW.loss(n, d) * Math.exp(noise * random.nextGaussian())));
        }
        return points;
    }

    private static NextQuestion question(int runs) {
        return new NextQuestion(null, 1e20, null, null, 1e15, 1e17, null, null, null, null, runs, null);
    }

    @Test
    void runsAreModelsAndStepsInTheOrderChosen() {
        NextAnswer answer = question(5).answer(points(24, .003), TRAINABLE).orElseThrow();

        assertThat(answer.cells()).hasSize(5).doesNotHaveDuplicates();
        for (int i = 0; i < 5; i++) {
            PlannedCell cell = answer.cells().get(i);
            assertThat(answer.next().choices().get(i).run().N()).isEqualTo(cell.N());
            assertThat(answer.next().choices().get(i).run().D()).isEqualTo(cell.D());
            assertThat(cell.tokensPerParameter()).isBetween(.95, 401.0);
        }
    }

    /** By the same seed it would come out the same. */
    @Test
    void noRunIsTrainedTwice() {
        List<FitPoint> points = points(24, .003);
        PlannedCell first =
                question(1).answer(points, TRAINABLE).orElseThrow().cells().getFirst();
        points.add(FitPoint.of(first.N(), first.D(), LAW.loss(first.N(), first.D())));

        assertThat(question(20).answer(points, TRAINABLE).orElseThrow().cells())
                .hasSize(20)
                .noneMatch(cell -> cell.N() == first.N() && cell.D() == first.D());
    }

    /** Whole models cost a little of what any N and D would tell. */
    @Test
    void roundingCostsLittle() {
        List<FitPoint> points = points(24, .003);

        double free = question(4)
                .answer(points)
                .orElseThrow()
                .next()
                .choices()
                .getLast()
                .sdAfter();
        double whole = question(4)
                .answer(points, TRAINABLE)
                .orElseThrow()
                .next()
                .choices()
                .getLast()
                .sdAfter();

        assertThat(whole).isBetween(.99 * free, 1.1 * free);
    }

    @Test
    void whereTheFitKnowsFarLessThanTheReckoningItSaysSo() {
        assertThat(question(1).answer(points(40, .0005)).orElseThrow().caution())
                .isNull();
        assertThat(question(1).answer(points(9, .02)).orElseThrow().caution()).isNotBlank();
    }
}
