package dev.isoflop.lm.cuda.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.isoflop.lm.cuda.Gpu;
import dev.isoflop.lm.model.ModelSpec;
import dev.isoflop.lm.support.ArrayTokens;
import dev.isoflop.lm.train.Schedule;
import dev.isoflop.lm.train.StepResult;
import dev.isoflop.lm.train.Trainer;
import dev.isoflop.lm.train.TrainingOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Training on a GPU, beside the CPU backend and beside itself. */
@Tag("gpu")
class RunArrayGpuTests {

    private static final ModelSpec TIED = new ModelSpec(61, 40, 48, 2, 3, 3, 72, 10_000, 1e-5, true, false);
    private static final ModelSpec GROUPED = new ModelSpec(300, 40, 64, 3, 4, 2, 104, 10_000, 1e-5, false, true);
    private static final ArrayTokens DATA = ArrayTokens.learnable(61, 5_000, 1);
    private static final ArrayTokens HELD_OUT = ArrayTokens.learnable(61, 3_000, 2);

    static Stream<ModelSpec> specs() {
        return Stream.of(TIED, GROUPED);
    }

    private CudaBackend backend;
    private GpuTokens tokens;

    @BeforeEach
    void open() {
        Gpu.require();
        backend = CudaBackend.open(0, Path.of(System.getProperty("java.io.tmpdir"), "isoflop-test-backend"));
        tokens = GpuTokens.upload(backend.device(), DATA);
    }

    @AfterEach
    void close() {
        if (backend != null) {
            tokens.close();
            backend.close();
        }
    }

    private static TrainingOptions options(long steps, int accumulation, double rate, long seed) {
        return new TrainingOptions(
                3, 33, steps, rate, 0.1, 0.1, Schedule.COSINE, 0.9, 0.95, 1e-8, 0.1, 1.0, seed, accumulation);
    }

    private static TrainingOptions options(long steps, int accumulation) {
        return options(steps, accumulation, 1e-2, 7);
    }

    private RunArray array(ModelSpec spec, Precision precision, int lanes, int accumulation, RunArray.Mode mode) {
        // logits of 64 rows at a time, so that there are chunks
        long logits = 64L * lanes * 320 * precision.bytes();
        GpuPlan plan = new GpuPlan(spec, precision, lanes, 3, 33, accumulation, logits);
        return RunArray.create(backend, plan, tokens, mode);
    }

    private static List<StepResult> run(RunArray array, int steps, int lane) {
        List<StepResult> results = new ArrayList<>();
        for (int i = 0; i < steps; i++) {
            array.step((l, r) -> {
                if (l == lane) {
                    results.add(r);
                }
            });
        }
        return results;
    }

    @ParameterizedTest
    @MethodSource("specs")
    void tenStepsInFp32AreThoseOfTheCpuBackend(ModelSpec spec) {
        TrainingOptions options = options(100, 2);
        try (RunArray array = array(spec, Precision.FP32, 1, 2, RunArray.Mode.GRAPH);
                Trainer cpu = Trainer.create(spec, options, DATA, 2)) {
            array.start(0, options);
            assertThat(array.tensors(0).parameters()).isEqualTo(cpu.parameters());
            double[] before = array.evaluate(tokens, 700);
            assertThat(before[0]).isCloseTo(cpu.evaluate(DATA, 700), within(1e-5));
            for (int i = 0; i < 10; i++) {
                StepResult ours = run(array, 1, 0).getFirst();
                StepResult theirs = cpu.step();
                assertThat(ours.loss()).isCloseTo(theirs.loss(), within(1e-5));
                assertThat(ours.gradNorm()).isCloseTo(theirs.gradNorm(), within(1e-4 * theirs.gradNorm()));
                assertThat(ours.learningRate()).isEqualTo(theirs.learningRate());
                assertThat(ours.tokens()).isEqualTo(theirs.tokens());
            }
            assertThat(largestDifference(array.tensors(0).parameters(), cpu.parameters()))
                    .isLessThan(2e-4f);
        }
    }

    private static float largestDifference(float[] a, float[] b) {
        float largest = 0;
        for (int i = 0; i < a.length; i++) {
            largest = Math.max(largest, Math.abs(a[i] - b[i]));
        }
        return largest;
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void aGraphGivesTheBitsOfEagerLaunches(Precision precision) {
        List<List<StepResult>> results = new ArrayList<>();
        List<float[]> weights = new ArrayList<>();
        for (RunArray.Mode mode : RunArray.Mode.values()) {
            try (RunArray array = array(GROUPED, precision, 2, 2, mode)) {
                array.start(0, options(20, 2));
                array.start(1, options(20, 2, 3e-3, 8));
                results.add(run(array, 8, 1));
                weights.add(array.tensors(1).parameters());
                assertThat(array.graphNodes() > 0).isEqualTo(mode == RunArray.Mode.GRAPH);
            }
        }
        assertThat(results.get(0)).isEqualTo(results.get(1));
        assertThat(Arrays.equals(weights.get(0), weights.get(1))).isTrue();
    }

    @Test
    void lanesOfDifferentSettingsAreTheRunsAlone() {
        List<TrainingOptions> options =
                List.of(options(100, 1, 2e-3, 7), options(100, 1, 1e-3, 8), options(60, 1, 3e-3, 9));
        List<List<StepResult>> together =
                new ArrayList<>(List.of(new ArrayList<>(), new ArrayList<>(), new ArrayList<>()));
        try (RunArray array = array(TIED, Precision.FP32, 3, 1, RunArray.Mode.GRAPH)) {
            for (int i = 0; i < 3; i++) {
                array.start(i, options.get(i));
            }
            for (int i = 0; i < 100; i++) {
                while (!array.canSubmit()) {
                    array.await((lane, r) -> together.get(lane).add(r));
                }
                array.submit();
            }
            while (array.inFlight() > 0) {
                array.await((lane, r) -> together.get(lane).add(r));
            }
            assertThat(array.finished(2)).isTrue();
        }
        for (int i = 0; i < 3; i++) {
            try (RunArray alone = array(TIED, Precision.FP32, 1, 1, RunArray.Mode.GRAPH)) {
                alone.start(0, options.get(i));
                List<StepResult> solo = run(alone, (int) options.get(i).steps(), 0);
                assertThat(together.get(i)).hasSameSizeAs(solo);
                for (int s = 0; s < solo.size(); s++) {
                    assertThat(together.get(i).get(s).loss())
                            .as("lane " + i + " step " + s)
                            .isCloseTo(solo.get(s).loss(), within(1e-5));
                }
            }
        }
    }

    @Test
    void aLaneThatDivergesTouchesNoOther() {
        List<StepResult> beside = new ArrayList<>();
        List<StepResult> broken = new ArrayList<>();
        try (RunArray array = array(TIED, Precision.FP32, 2, 1, RunArray.Mode.GRAPH)) {
            array.start(
                    0, new TrainingOptions(3, 33, 40, 900, 0.1, 0, Schedule.CONSTANT, 0.9, 0.95, 1e-30, 0.1, 0, 7, 1));
            array.start(1, options(40, 1));
            for (int i = 0; i < 40; i++) {
                array.step((lane, r) -> (lane == 0 ? broken : beside).add(r));
            }
        }
        assertThat(broken).anyMatch(r -> !r.finite());
        try (RunArray array = array(TIED, Precision.FP32, 2, 1, RunArray.Mode.GRAPH)) {
            array.start(0, options(40, 1));
            array.start(1, options(40, 1));
            assertThat(run(array, 40, 1)).isEqualTo(beside);
        }
    }

    @Test
    void aLaneGoesOnWhenOthersAreLeftOut() {
        List<StepResult> kept = new ArrayList<>();
        try (RunArray array = array(GROUPED, Precision.BF16, 3, 1, RunArray.Mode.GRAPH)) {
            for (int i = 0; i < 3; i++) {
                array.start(i, options(20, 1, 3e-3, i));
            }
            kept.addAll(run(array, 8, 2));
            array.keep(0, 2);
            kept.addAll(run(array, 6, 1));
            array.keep(1);
            kept.addAll(run(array, 6, 0));
            assertThat(array.plan().lanes()).isEqualTo(1);
        }
        try (RunArray array = array(GROUPED, Precision.BF16, 1, 1, RunArray.Mode.GRAPH)) {
            array.start(0, options(20, 1, 3e-3, 2));
            List<StepResult> alone = run(array, 20, 0);
            for (int i = 0; i < 20; i++) {
                assertThat(kept.get(i).step()).isEqualTo(i + 1);
                assertThat(kept.get(i).loss()).isCloseTo(alone.get(i).loss(), within(0.02));
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void aResumedRunIsBitwiseIdentical(Precision precision, @TempDir Path directory) throws IOException {
        List<StepResult> straight;
        float[] weights;
        try (RunArray array = array(GROUPED, precision, 1, 2, RunArray.Mode.GRAPH)) {
            array.start(0, options(10, 2));
            straight = run(array, 10, 0);
            weights = array.tensors(0).parameters();
        }
        List<StepResult> resumed = new ArrayList<>();
        try (RunArray array = array(GROUPED, precision, 1, 2, RunArray.Mode.GRAPH)) {
            array.start(0, options(10, 2));
            resumed.addAll(run(array, 4, 0));
            array.evaluate(tokens, 500);
            array.save(0, directory.resolve("checkpoint"));
        }
        try (RunArray array = array(GROUPED, precision, 1, 2, RunArray.Mode.GRAPH)) {
            array.resume(0, directory.resolve("checkpoint"));
            assertThat(array.stepsDone(0)).isEqualTo(4);
            resumed.addAll(run(array, 6, 0));
            assertThat(Arrays.equals(array.tensors(0).parameters(), weights)).isTrue();
        }
        assertThat(resumed).isEqualTo(straight);
    }

    @Test
    void theCpuBackendGoesOnFromACheckpoint(@TempDir Path directory) throws IOException {
        List<StepResult> straight;
        try (RunArray array = array(TIED, Precision.FP32, 1, 1, RunArray.Mode.GRAPH)) {
            array.start(0, options(10, 1));
            run(array, 4, 0);
            array.save(0, directory.resolve("checkpoint"));
            straight = run(array, 6, 0);
        }
        try (Trainer cpu = Trainer.resume(directory.resolve("checkpoint"), DATA, 1)) {
            for (int i = 0; i < 6; i++) {
                StepResult r = cpu.step();
                assertThat(r.step()).isEqualTo(5 + i);
                assertThat(r.loss()).isCloseTo(straight.get(i).loss(), within(1e-5));
            }
        }
    }

    @Test
    void lossInBf16FallsTowardsTheEntropyOfTheData() {
        try (RunArray array = array(TIED, Precision.BF16, 1, 1, RunArray.Mode.GRAPH);
                GpuTokens heldOut = GpuTokens.upload(backend.device(), HELD_OUT)) {
            array.start(0, options(150, 1));
            List<StepResult> results = run(array, 150, 0);
            assertThat(results.getFirst().loss()).isBetween(3.9, 4.4);
            // the source: 0.8 + 0.2 / 61 for the successor, else uniform, which is 1.32 nats
            assertThat(results.getLast().loss()).isLessThan(1.9);
            assertThat(array.evaluate(heldOut, 2_000)[0]).isBetween(1.2, 1.9);
        }
    }

    @Test
    void aStepIsProfiledAndCounts() {
        try (RunArray array = array(GROUPED, Precision.BF16, 2, 1, RunArray.Mode.GRAPH)) {
            array.start(0, options(10, 1));
            array.start(1, options(10, 1));
            run(array, 1, 0);
            List<StepResult> seen = new ArrayList<>();
            List<OpTime> table = array.profile(null, (lane, r) -> seen.add(r));
            assertThat(seen).hasSize(2).allMatch(r -> r.step() == 2 && r.finite());
            assertThat(table).extracting(OpTime::name).contains("attention", "qkv", "head dW", "adamw");
            assertThat(table).allMatch(t -> t.micros() > 0);
        }
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void logitsAreThoseThatEvaluationTakesTheLossOf(Precision precision) {
        GpuPlan plan = new GpuPlan(GROUPED, precision, 2, 3, 33, 1);
        long[] starts = {0, 50 * 33, 100 * 33}; // of the 3 windows of 151 that evaluation takes
        try (RunArray array = RunArray.create(backend, plan, tokens, RunArray.Mode.GRAPH)) {
            array.start(0, options(10, 1));
            array.start(1, options(10, 1, 3e-3, 8));
            run(array, 5, 0);
            double[] losses = array.evaluate(tokens, 99);
            for (int lane = 0; lane < 2; lane++) {
                float[] logits = array.logits(lane, tokens, starts);
                assertThat(logits).hasSize(99 * 300);
                double sum = 0;
                for (int row = 0; row < 99; row++) {
                    int target = DATA.ids()[(int) starts[row / 33] + row % 33 + 1];
                    double total = 0;
                    for (int i = 0; i < 300; i++) {
                        total += Math.exp(logits[row * 300 + i]);
                    }
                    sum += Math.log(total) - logits[row * 300 + target];
                }
                assertThat(sum / 99).isCloseTo(losses[lane], within(1e-5));
            }
            assertThat(losses[0]).isNotEqualTo(losses[1]);
        }
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void logitsInChunksGiveTheStepOfAllAtOnce(Precision precision) {
        // 1,320 rows: six chunks, the last one of 40 rows
        TrainingOptions options =
                new TrainingOptions(40, 33, 9, 1e-3, 0.1, 0.1, Schedule.COSINE, 0.9, 0.95, 1e-8, 0.1, 1.0, 7, 2);
        List<List<StepResult>> results = new ArrayList<>();
        List<float[]> gradients = new ArrayList<>();
        for (long logitBytes : new long[] {1, GpuPlan.LOGIT_BYTES}) {
            GpuPlan plan = new GpuPlan(GROUPED, precision, 2, 40, 33, 2, logitBytes);
            assertThat(plan.chunkRows).isEqualTo(logitBytes == 1 ? 256 : 1320);
            try (RunArray array = RunArray.create(backend, plan, tokens, RunArray.Mode.GRAPH)) {
                array.start(0, options);
                array.start(1, options);
                results.add(run(array, 3, 1));
                gradients.add(array.gradients(1));
                if (logitBytes == 1) {
                    assertThatThrownBy(() -> array.logits(0, tokens, new long[40]))
                            .hasMessageContaining("more logitBytes");
                }
            }
        }
        double close = precision == Precision.FP32 ? 1e-6 : 2e-3;
        for (int i = 0; i < 3; i++) {
            StepResult a = results.get(0).get(i);
            StepResult b = results.get(1).get(i);
            assertThat(a.loss()).isCloseTo(b.loss(), within(close));
            assertThat(a.gradNorm()).isCloseTo(b.gradNorm(), within(20 * close * b.gradNorm()));
        }
        assertThat(largestDifference(gradients.get(0), gradients.get(1))).isLessThan((float) close);
    }

    @Test
    void aProfileIsAStepLikeAnyOther() {
        List<StepResult> plain;
        float[] weights;
        try (RunArray array = array(GROUPED, Precision.BF16, 2, 1, RunArray.Mode.GRAPH)) {
            array.start(0, options(8, 1));
            array.start(1, options(8, 1, 1e-3, 5));
            plain = run(array, 8, 0);
            weights = array.tensors(0).parameters();
        }
        try (RunArray array = array(GROUPED, Precision.BF16, 2, 1, RunArray.Mode.GRAPH)) {
            array.start(0, options(8, 1));
            array.start(1, options(8, 1, 1e-3, 5));
            List<StepResult> profiled = new ArrayList<>(run(array, 3, 0));
            array.profile(new boolean[] {false, true}, (lane, r) -> {
                assertThat(lane).isZero();
                profiled.add(r);
            });
            assertThat(array.stepsDone(1)).as("the lane held").isEqualTo(3);
            profiled.addAll(run(array, 4, 0));
            assertThat(profiled).isEqualTo(plain);
            assertThat(Arrays.equals(array.tensors(0).parameters(), weights)).isTrue();
            assertThatThrownBy(() -> array.profile(new boolean[] {true, true}, (lane, r) -> {}))
                    .hasMessageContaining("every lane has done all its steps");
        }
    }

    @Test
    void whatDoesNotFitTheArrayIsRefused() {
        try (RunArray array = array(TIED, Precision.BF16, 1, 1, RunArray.Mode.GRAPH)) {
            assertThatThrownBy(() -> array.start(0, options(10, 2)))
                    .hasMessageContaining("gradientAccumulation = 2 must be 1");
            assertThatThrownBy(array::submit).hasMessageContaining("every lane has done all its steps");
        }
        assertThatThrownBy(() -> new GpuPlan(
                        new ModelSpec(61, 40, 40, 2, 4, 4, 72, 10_000, 1e-5, true, false), Precision.BF16, 1, 1, 40, 1))
                .hasMessageContaining("dModel / heads = 10 must be one of [16, 24, 32, 64, 96, 128]");
    }
}
