package dev.isoflop.scaling.design;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.scaling.flops.ParameterConvention;
import dev.isoflop.scaling.flops.Precision;
import dev.isoflop.scaling.law.ChinchillaLaw;
import dev.isoflop.scaling.law.FitPoint;
import dev.isoflop.scaling.plan.Ladder;
import dev.isoflop.scaling.plan.LearningRateRule;
import dev.isoflop.scaling.plan.PlanLimits;
import dev.isoflop.scaling.plan.RecipeRule;
import dev.isoflop.scaling.plan.SweepPlan;
import dev.isoflop.scaling.plan.TrainableRuns;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.Random;
import java.util.function.IntFunction;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A sweep of IsoFLOP curves (6 sizes at each of 5 budgets) against a sequential design of as many runs, each predicting N* at 1e24 FLOPs from at most 3e20 a run. 40 replicates. The
 * same fit ends both.
 */
class DesignTrialTests {

    private static final double TARGET = 1e24;
    /** Its best model at 1e24 FLOPs is 2.4 times too small, and its exponent of N* is .45 instead of .51. */
    private static final List<ChinchillaLaw> WRONG = List.of(new ChinchillaLaw(1.69, 406.4, 410.7, .34, .28));

    private static final int REPLICATES = 40;
    private static final List<String> LINES = new ArrayList<>(List.of(
            "| truth | noise | design | spend | RMSE of ln N* | excess compute |", "|---|---|---|---|---|---|"));

    /**
     * A surface that need not be Chinchilla's: its terms are joined by a power mean, and its exponents drift.
     *
     * @param join 1 for Chinchilla's sum; the terms hinder each other more below it, less above
     * @param drift of the exponents for each factor of e, as a share
     */
    private record Truth(String name, double join, double drift) {

        private static final ChinchillaLaw R1 = new ChinchillaLaw(1.817218, 477.826, 2143.417, .3473105, .3671724);

        double loss(double n, double d) {
            double model = R1.A() * Math.pow(n, -R1.alpha() * (1 - drift * Math.log(n / 1e9)));
            double data = R1.B() * Math.pow(d, -R1.beta() * (1 - drift * Math.log(d / 2e10)));
            return R1.E() + Math.pow(Math.pow(model, 1 / join) + Math.pow(data, 1 / join), join);
        }

        /** ln N* by golden section. */
        double logOptimum(double c) {
            double low = Math.log(c) / 2 - 6;
            double high = Math.log(c) / 2 + 2;
            for (int i = 0; i < 120; i++) {
                double a = low + .382 * (high - low);
                double b = low + .618 * (high - low);
                if (loss(Math.exp(a), c / 6 / Math.exp(a)) < loss(Math.exp(b), c / 6 / Math.exp(b))) {
                    high = b;
                } else {
                    low = a;
                }
            }
            return (low + high) / 2;
        }

        FitPoint run(double n, double d, double noise, Random random) {
            return FitPoint.of(n, d, loss(n, d) * Math.exp(noise * random.nextGaussian()));
        }
    }

    private record Outcome(double error, double excess, double spend) {}

    private record Summary(double rmse, double excess, double spend) {}

    private static Outcome judge(Truth truth, List<FitPoint> points, OptionalDouble noise) {
        ChinchillaLaw law = SequentialDesign.conclude(points, noise).orElseThrow();
        double n = law.optimum(TARGET).N();
        double reached = truth.loss(n, TARGET / 6 / n);
        // the least compute that would have reached it
        double low = TARGET / 1e3;
        double high = TARGET;
        for (int i = 0; i < 60; i++) {
            double middle = Math.sqrt(low * high);
            double best = Math.exp(truth.logOptimum(middle));
            if (truth.loss(best, middle / 6 / best) > reached) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return new Outcome(
                Math.log(n) - truth.logOptimum(TARGET),
                TARGET / high - 1,
                points.stream().mapToDouble(FitPoint::C).sum());
    }

    /** Six sizes over a factor of 16 at 3e18 to 3e20, centres off the optimum by a factor of e^.5 as they would be. */
    private static Outcome isoFlop(Truth truth, double noise, OptionalDouble known, int seed) {
        Random random = new Random(seed);
        List<FitPoint> points = new ArrayList<>();
        for (int b = 0; b < 5; b++) {
            double c = 3e18 * Math.pow(10, b / 2.0);
            double centre = Math.exp(truth.logOptimum(c) + .5 * random.nextGaussian());
            for (int i = 0; i < 6; i++) {
                double n = centre * Math.pow(4, i / 2.5 - 1);
                points.add(truth.run(n, c / 6 / n, noise, random));
            }
        }
        return judge(truth, points, known);
    }

    private static Outcome sequential(Truth truth, double noise, OptionalDouble known, int seed) {
        Random random = new Random(seed);
        double budget = 2.5e21;
        CandidateRuns candidates = CandidateRuns.between(1e18, 3e20);
        List<FitPoint> points = new ArrayList<>();
        for (CandidateRuns.Run run : candidates.beginning()) {
            points.add(truth.run(run.N(), run.D(), noise, random));
        }
        while (points.size() < 30) {
            double spent = points.stream().mapToDouble(FitPoint::C).sum();
            List<SequentialDesign.Choice> choices = SequentialDesign.next(
                            points,
                            new DesignTarget.LogOptimum(TARGET),
                            candidates,
                            new SequentialDesign.Means(1, budget - spent, budget / 10, known))
                    .orElseThrow()
                    .choices();
            if (choices.isEmpty()) {
                break;
            }
            CandidateRuns.Run run = choices.getFirst().run();
            points.add(truth.run(run.N(), run.D(), noise, random));
        }
        return judge(truth, points, known);
    }

    /** A sweep by design, of models of a ladder and whole steps, all queued at once by laws that are assumed. */
    private static Outcome atOnce(
            Truth truth, double noise, OptionalDouble known, List<ChinchillaLaw> assumed, int seed) {
        Random random = new Random(seed);
        double budget = 2.5e21;
        CandidateRuns range = new CandidateRuns(1e18, 3.1e20, 1.25, 320, 2);
        SweepPlan candidates = new TrainableRuns(
                        Ladder.of(32_000, 2048).shapes(),
                        ParameterConvention.TOTAL,
                        RecipeRule.defaults(2048),
                        LearningRateRule.defaults(),
                        1,
                        0,
                        PlanLimits.defaults(),
                        Precision.FP32)
                .at(range.budgets(), (c, n) -> range.admits(c / 6 / n / n));
        List<FitPoint> points = OptimalSweep.assuming(assumed, AssumedLaws.NOISE)
                .choose(new DesignTarget.LogOptimum(TARGET), candidates, budget, 30)
                .cells()
                .stream()
                .map(cell -> truth.run(cell.N(), cell.D(), noise, random))
                .toList();
        return judge(truth, points, known);
    }

    private static Summary summary(Truth truth, double noise, String design, IntFunction<Outcome> replicate) {
        double squares = 0;
        double excess = 0;
        double spend = 0;
        for (int seed = 1; seed <= REPLICATES; seed++) {
            Outcome each = replicate.apply(seed);
            squares += each.error * each.error / REPLICATES;
            excess += each.excess / REPLICATES;
            spend += each.spend / REPLICATES;
        }
        LINES.add(String.format(
                Locale.ROOT,
                "| %s | %.1f %% | %s | %.2e | %.3f | %.3f %% |",
                truth.name,
                100 * noise,
                design,
                spend,
                Math.sqrt(squares),
                100 * excess));
        return new Summary(Math.sqrt(squares), excess, spend);
    }

    @AfterAll
    static void record() throws IOException {
        Files.write(Path.of("target", "design.md"), LINES);
    }

    @ParameterizedTest(name = "noise {0}")
    @CsvSource({".001, .019", ".003, .055", ".01, .179"})
    void withTheTrueFormAndKnownNoise(double noise, double bar) {
        Truth truth = new Truth("Chinchilla's, noise known", 1, 0);
        OptionalDouble known = OptionalDouble.of(noise);

        Summary sweep = summary(truth, noise, "IsoFLOP", seed -> isoFlop(truth, noise, known, seed));
        Summary design = summary(truth, noise, "sequential", seed -> sequential(truth, noise, known, seed));

        assertThat(design.rmse).isLessThan(bar).isLessThan(.6 * sweep.rmse);
        assertThat(design.spend).isLessThan(2.53e21).isLessThan(sweep.spend);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({
        "'Chinchilla''s', 1, 0",
        "terms that hinder each other, .85, 0",
        "terms that help each other, 1.15, 0",
        "exponents that rise, 1, -.005",
        "exponents that fall, 1, .005"
    })
    void withUnknownNoiseAndWhereTheFormIsNotTheTruth(String name, double join, double drift) {
        Truth truth = new Truth(name, join, drift);

        Summary sweep = summary(truth, .003, "IsoFLOP", seed -> isoFlop(truth, .003, OptionalDouble.empty(), seed));
        Summary design =
                summary(truth, .003, "sequential", seed -> sequential(truth, .003, OptionalDouble.empty(), seed));

        assertThat(design.rmse).isLessThan(sweep.rmse);
        assertThat(design.spend).isLessThan(sweep.spend);

        Summary atOnce = summary(
                truth,
                .003,
                "optimal at once",
                seed -> atOnce(truth, .003, OptionalDouble.empty(), AssumedLaws.PUBLISHED, seed));
        Summary misled = summary(
                truth,
                .003,
                "optimal at once, by a wrong law",
                seed -> atOnce(truth, .003, OptionalDouble.empty(), WRONG, seed));

        assertThat(atOnce.rmse).isLessThan(.7 * sweep.rmse);
        assertThat(misled.rmse).isLessThan(.75 * sweep.rmse);
        assertThat(atOnce.spend).isLessThan(2.51e21);
    }

    @Test
    void wasteIsWhatASuboptimalModelCosts() {
        ChinchillaLaw law = new ChinchillaLaw(1.8, 480, 2100, .35, .37);
        double off = .05;
        double n = law.optimum(1e22).N() * Math.exp(off);
        double needed = law.computeToReach(law.loss(n, 1e22 / 6 / n));

        double waste = new DesignTarget.LogOptimum(1e22).waste(law, off * off);

        assertThat(waste / (1e22 - needed)).isBetween(.98, 1.02);
        DesignTarget.LogOptimum target = new DesignTarget.LogOptimum(1e22);
        assertThat(target.waste(law, 50)).isLessThanOrEqualTo(1e22);
        assertThat(target.waste(law, 9) - target.waste(law, 8))
                .as("to know better always saves")
                .isPositive();
    }
}
