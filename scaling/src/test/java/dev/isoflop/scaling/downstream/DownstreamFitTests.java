package dev.isoflop.scaling.downstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.isoflop.scaling.Fixtures;
import dev.isoflop.scaling.fit.Criterion;
import dev.isoflop.scaling.fit.Estimate;
import dev.isoflop.scaling.fit.FitOutcome;
import dev.isoflop.scaling.fit.LawFit;
import dev.isoflop.scaling.law.ComputeOptimum;
import dev.isoflop.scaling.law.FitPoint;
import dev.isoflop.scaling.law.Jet;
import dev.isoflop.scaling.law.Law;
import dev.isoflop.scaling.law.LawPoints;
import dev.isoflop.scaling.law.form.Chinchilla;
import dev.isoflop.scaling.law.form.ComputeEnvelope;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class DownstreamFitTests {

    private static final int THREADS = 2;

    /** Published predictions of the model of 13 billion parameters and 5 trillion tokens: bits per byte, and accuracy. */
    private static final Map<String, double[]> PUBLISHED = new LinkedHashMap<>();

    static {
        PUBLISHED.put("mmlu_avg_test", new double[] {.7501562439156164, .5126799915287485});
        PUBLISHED.put("hellaswag_val", new double[] {.6531765996418648, .8530359563499285});
        PUBLISHED.put("arc_challenge_test", new double[] {.783323889494342, .5267099358093748});
        PUBLISHED.put("arc_easy_test", new double[] {.5931045976220826, .7724156000459201});
        PUBLISHED.put("piqa_val", new double[] {.8747948863685431, .820804177694882});
        PUBLISHED.put("csqa_val", new double[] {.6617282976368006, .7760887505172276});
        PUBLISHED.put("socialiqa_val", new double[] {.9915736909585439, .5994822062474122});
        PUBLISHED.put("openbookqa_test", new double[] {1.2750065398700043, .4486477676972386});
    }

    private static double number(Map<String, String> row, String column) {
        return Double.parseDouble(row.get(column));
    }

    private static DownstreamFit ladder(
            String task, List<Map<String, String>> ends, List<Map<String, String>> checkpoints, int resamples) {
        List<FitPoint> runs = ends.stream()
                .filter(r -> r.get("task").equals(task) && !r.get("run").equals("TARGET"))
                .map(r -> FitPoint.of(number(r, "N"), number(r, "D"), number(r, "bpb")))
                .toList();
        // the table says which model a checkpoint is of, not which of its four runs
        List<Checkpoint> small = checkpoints.stream()
                .filter(r -> r.get("task").equals(task) && !r.get("model").endsWith("TARGET"))
                .map(r -> new Checkpoint(r.get("model"), number(r, "bpb"), number(r, "acc")))
                .toList();
        return DownstreamFit.of(runs, small, DownstreamOptions.defaults().withResamples(resamples), THREADS)
                .orElseThrow();
    }

    @Test
    void theLaddersPublishedPredictionsAreReached() {
        List<Map<String, String>> ends = Fixtures.csv("olmo_ladder_step1.csv");
        List<Map<String, String>> checkpoints = Fixtures.csv("olmo_ladder_step2.csv");
        double error = 0;
        int covered = 0;
        int coveredBySecondStepAlone = 0;
        double wider = 0;
        for (Map.Entry<String, double[]> each : PUBLISHED.entrySet()) {
            String task = each.getKey();
            DownstreamFit fit = ladder(task, ends, checkpoints, 60);
            DownstreamPrediction made = fit.predict(13202396160.0, 5000088518656.0);
            assertThat(made.bpb().value()).as(task).isCloseTo(each.getValue()[0], within(1e-6));
            assertThat(made.accuracy().value()).as(task).isCloseTo(each.getValue()[1], within(1e-6));
            assertThat(made.accuracyAtBpb().value()).isEqualTo(made.accuracy().value());
            double actual = checkpoints.stream()
                    .filter(r -> r.get("task").equals(task) && r.get("model").equals("13B-5T-TARGET"))
                    .mapToDouble(r -> number(r, "acc"))
                    .findFirst()
                    .orElseThrow();
            error += Math.abs(made.accuracy().value() / actual - 1) / PUBLISHED.size();
            covered += contains(made.accuracy(), actual) ? 1 : 0;
            coveredBySecondStepAlone += contains(made.accuracyAtBpb(), actual) ? 1 : 0;
            wider += width(made.accuracy()) / PUBLISHED.size() - width(made.accuracyAtBpb()) / PUBLISHED.size();
        }
        assertThat(error).isCloseTo(.0604, within(5e-5));
        assertThat(covered).as("of 8 targets in 90 %% intervals").isGreaterThanOrEqualTo(6);
        assertThat(coveredBySecondStepAlone).isLessThanOrEqualTo(4);
        assertThat(wider).as("mean width that the first step adds").isGreaterThan(.03);
    }

    private static boolean contains(Estimate e, double value) {
        return e.low() <= value && value <= e.high();
    }

    private static double width(Estimate e) {
        return e.high() - e.low();
    }

    private static final double[] BPB = {.5, 40, 300, .22, .27};
    private static final double[] SIGMOID = {-.7, .8, 6, .98};

    /** Four sizes, four lengths, eight checkpoints each; runs scatter, and so do accuracies. */
    private static FitOutcome<DownstreamFit> simulated(Random random, int resamples, int threads) {
        return simulated(random, new Chinchilla(), resamples, threads);
    }

    private static FitOutcome<DownstreamFit> simulated(Random random, Law fitted, int resamples, int threads) {
        Law law = new Chinchilla();
        List<FitPoint> runs = new ArrayList<>();
        List<Checkpoint> checkpoints = new ArrayList<>();
        for (double n : new double[] {2e8, 4e8, 8e8, 1.3e9}) {
            for (double each : new double[] {20, 40, 100, 200}) {
                String run = n + " " + each;
                double scatter = Math.exp(.01 * random.nextGaussian());
                for (int k = 1; k <= 8; k++) {
                    double loss = law.loss(BPB, n, n * each * k / 8) * scatter;
                    double right = new AccuracySigmoid().loss(SIGMOID, loss) + .004 * random.nextGaussian();
                    checkpoints.add(new Checkpoint(run, loss, right));
                    if (k == 8) {
                        runs.add(FitPoint.of(n, n * each, loss));
                    }
                }
            }
        }
        return DownstreamFit.of(
                runs, checkpoints, DownstreamOptions.defaults().withLaw(fitted).withResamples(resamples), threads);
    }

    @Test
    void intervalsHoldWhatIsMeasuredAndTheSecondStepsAloneDoNot() {
        Random random = new Random(11);
        int ladders = 40;
        int covered = 0;
        int bySecondStepAlone = 0;
        for (int i = 0; i < ladders; i++) {
            DownstreamPrediction made =
                    simulated(random, 60, THREADS).orElseThrow().predict(1e10, 2e12);
            double loss = new Chinchilla().loss(BPB, 1e10, 2e12) * Math.exp(.01 * random.nextGaussian());
            double right = new AccuracySigmoid().loss(SIGMOID, loss) + .004 * random.nextGaussian();
            covered += contains(made.accuracy(), right) ? 1 : 0;
            bySecondStepAlone += contains(made.accuracyAtBpb(), right) ? 1 : 0;
        }
        assertThat((double) covered / ladders).as("of 90 %").isBetween(.78, .98);
        assertThat((double) bySecondStepAlone / ladders).isLessThan(.6);
    }

    @Test
    void aSigmoidIsRecoveredAndItsDerivativesAreItsOwn() {
        AccuracySigmoid sigmoid = new AccuracySigmoid();
        double[] x = new double[30];
        double[] right = new double[30];
        for (int i = 0; i < x.length; i++) {
            x[i] = .6 + .03 * i;
            right[i] = sigmoid.loss(SIGMOID, x[i]);
        }
        LawPoints points = LawPoints.measured(right, new String[x.length]).with(Law.Input.BPB, x);
        LawFit.Minimum found = LawFit.minimum(sigmoid, points, new Criterion.Square(false), THREADS)
                .orElseThrow();
        assertThat(found.values()).containsExactly(SIGMOID, within(1e-5));
        Jet[] jets = new Jet[4];
        for (int k = 0; k < 4; k++) {
            jets[k] = Jet.variable(SIGMOID[k], k, 4);
        }
        Jet at = sigmoid.loss(jets, new double[] {.9});
        for (int k = 0; k < 4; k++) {
            double[] up = SIGMOID.clone();
            double[] down = SIGMOID.clone();
            up[k] += 1e-4;
            down[k] -= 1e-4;
            double middle = sigmoid.loss(SIGMOID, .9);
            assertThat(at.d(k)).isCloseTo((sigmoid.loss(up, .9) - sigmoid.loss(down, .9)) / 2e-4, within(1e-6));
            assertThat(at.d(k, k))
                    .isCloseTo((sigmoid.loss(up, .9) - 2 * middle + sigmoid.loss(down, .9)) / 1e-8, within(1e-5));
        }
        // far out it is flat, not without a number
        assertThat(sigmoid.loss(SIGMOID, 1e300)).isCloseTo(.28, within(1e-12));
        assertThat(sigmoid.loss(jets, new double[] {1e6}).d(2)).isZero();
    }

    @Test
    void coefficientsHaveIntervalsAboutTheFitAndTheOptimumIsTheLaws() {
        DownstreamFit fit = simulated(new Random(5), 60, THREADS).orElseThrow();
        assertThat(fit.bpbCoefficients()).containsOnlyKeys("E", "A", "B", "alpha", "beta");
        assertThat(fit.accuracyCoefficients()).containsOnlyKeys("a", "L0", "k", "b");
        assertThat(fit.accuracyCoefficients().get("k")).satisfies(k -> {
            assertThat(k.value()).isEqualTo(fit.accuracy().value("k"));
            assertThat(contains(k, SIGMOID[2])).isTrue();
            assertThat(width(k)).isBetween(.01, 2.0);
        });
        ComputeOptimum best = fit.optimum(1e22).orElseThrow();
        assertThat(6 * best.N() * best.D()).isCloseTo(1e22, within(1e12));
        for (double off : new double[] {.9, 1.1}) {
            assertThat(fit.bpb().loss(best.N() * off, best.D() / off))
                    .isGreaterThan(fit.bpb().loss(best.N(), best.D()));
        }
        FitOutcome<DownstreamFit> envelope = simulated(new Random(5), ComputeEnvelope.free(), 4, THREADS);
        assertThat(envelope.orElseThrow().optimum(1e22)).isEmpty();
    }

    @Test
    void predictionsDoNotDependOnThreads() {
        assertThat(simulated(new Random(3), 20, 1).orElseThrow().predict(1e10, 2e12))
                .isEqualTo(simulated(new Random(3), 20, THREADS).orElseThrow().predict(1e10, 2e12));
    }

    @Test
    void checkpointsAreSmoothedWithinTheirRun() {
        double[] bpb = {9, 8, 7, 6, 5, 4, 3, 2, 1, 1, 1};
        double[] accuracy = {0, .1, .2, .3, .4, .5, .6, .7, .8, .9, 1};
        List<Checkpoint> kept = Checkpoint.ofRun("a", bpb, accuracy, .1, 3);
        // a tenth of 11 is rounded up to 2
        assertThat(kept)
                .hasSize(9)
                .startsWith(new Checkpoint("a", 7, .2), new Checkpoint("a", 6.5, .25), new Checkpoint("a", 6, .3));
        assertThat(kept.getLast().accuracy()).isCloseTo(.9, within(1e-12));
        assertThat(Checkpoint.ofRun("a", bpb, accuracy, 0, 1)).hasSize(11);
    }

    @Test
    void whatCannotBeIsNamed() {
        assertThatThrownBy(() -> new Checkpoint("a", 1, 45)).hasMessageContaining("accuracy must lie between 0 and 1");
        assertThatThrownBy(() -> new Checkpoint("a", 0, .5)).hasMessageContaining("bits per byte");
        assertThatThrownBy(() -> Checkpoint.ofRun("a", new double[] {1}, new double[] {.5, .6}, 0, 1))
                .hasMessage("1 losses for 2 accuracies");
        FitOutcome<DownstreamFit> few =
                DownstreamFit.of(List.of(FitPoint.of(1e8, 1e9, 1)), List.of(), DownstreamOptions.defaults(), THREADS);
        assertThat(few.converged()).isFalse();
    }

    @Test
    void anAnchorIsInEveryDraw() {
        LawPoints points = LawPoints.measured(new double[] {.5, .6}, new String[] {"a", "b"})
                .with(Law.Input.BPB, new double[] {1, .9})
                .withAnchor(Map.of(Law.Input.BPB, 0.0), 1);
        assertThat(points.measured()).isEqualTo(2);
        assertThat(points.size()).isEqualTo(3);
        assertThat(points.column(Law.Input.BPB)).containsExactly(1, .9, 0);
        assertThatThrownBy(() -> points.withAnchor(Map.of(Law.Input.N, 1.0), 1)).hasMessageContaining("[BPB] had [N]");
    }
}
