package dev.isoflop.lm.cuda.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.isoflop.lm.cuda.Gpu;
import dev.isoflop.lm.model.ModelSpec;
import dev.isoflop.lm.support.ArrayTokens;
import dev.isoflop.lm.train.Optimizer;
import dev.isoflop.lm.train.Schedule;
import dev.isoflop.lm.train.StepResult;
import dev.isoflop.lm.train.Trainer;
import dev.isoflop.lm.train.TrainerState;
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

/** Muon on a GPU, beside the CPU backend and beside itself. */
@Tag("gpu")
class MuonGpuTests {

    private static final ModelSpec TIED = new ModelSpec(61, 40, 48, 2, 3, 3, 72, 10_000, 1e-5, true, false);
    private static final ModelSpec GROUPED = new ModelSpec(300, 40, 64, 3, 4, 2, 104, 10_000, 1e-5, false, true);
    /** A feed-forward narrower than the stream, whose rows are no multiple of 16 bytes, in matrices of several tiles. */
    private static final ModelSpec ODD = new ModelSpec(61, 40, 144, 1, 6, 3, 77, 10_000, 1e-5, true, false);

    private static final ArrayTokens DATA = ArrayTokens.learnable(61, 5_000, 1);

    static Stream<ModelSpec> specs() {
        return Stream.of(TIED, GROUPED, ODD);
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
                3,
                33,
                steps,
                rate,
                0.1,
                0.1,
                Schedule.COSINE,
                0.9,
                0.95,
                1e-8,
                0.1,
                1.0,
                seed,
                accumulation,
                Optimizer.MUON);
    }

    private RunArray array(ModelSpec spec, Precision precision, int lanes, int accumulation, RunArray.Mode mode) {
        GpuPlan plan = new GpuPlan(spec, precision, lanes, 3, 33, accumulation).withOptimizer(Optimizer.MUON);
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

    private static float largestDifference(float[] a, float[] b) {
        float largest = 0;
        for (int i = 0; i < a.length; i++) {
            largest = Math.max(largest, Math.abs(a[i] - b[i]));
        }
        return largest;
    }

    @ParameterizedTest
    @MethodSource("specs")
    void tenStepsInFp32AreThoseOfTheCpuBackend(ModelSpec spec, @TempDir Path directory) throws IOException {
        TrainingOptions options = options(100, 2, 1e-2, 7);
        try (RunArray array = array(spec, Precision.FP32, 1, 2, RunArray.Mode.GRAPH);
                Trainer cpu = Trainer.create(spec, options, DATA, 2)) {
            array.start(0, options);
            for (int i = 0; i < 10; i++) {
                StepResult ours = run(array, 1, 0).getFirst();
                StepResult theirs = cpu.step();
                assertThat(ours.loss()).as("step " + i).isCloseTo(theirs.loss(), within(1e-4));
            }
            cpu.save(directory.resolve("cpu"));
            TrainerState.Tensors theirs =
                    TrainerState.Tensors.zeros(array.plan().layout());
            TrainerState.readTensors(directory.resolve("cpu"), array.plan().layout(), theirs);
            TrainerState.Tensors ours = array.tensors(0);
            assertThat(largestDifference(ours.parameters(), theirs.parameters()))
                    .isLessThan(1e-3f);
            assertThat(largestDifference(ours.first(), theirs.first())).isLessThan(1e-3f);
            assertThat(largestDifference(ours.second(), theirs.second())).isLessThan(1e-3f);
        }
    }

    @ParameterizedTest
    @MethodSource("specs")
    void aStepInBf16IsNearlyTheOneInFp32(ModelSpec spec) {
        TrainingOptions options = options(100, 1, 1e-2, 7);
        List<float[]> weights = new ArrayList<>();
        for (Precision precision : Precision.values()) {
            try (RunArray array = array(spec, precision, 1, 1, RunArray.Mode.GRAPH)) {
                array.start(0, options);
                weights.add(array.tensors(0).parameters());
                run(array, 1, 0);
                weights.add(array.tensors(0).parameters());
            }
        }
        // cosine of the two updates of all matrices
        double both = 0;
        double one = 0;
        double other = 0;
        for (var t : new GpuPlan(spec, Precision.FP32, 1, 3, 33, 1).layout().tensors()) {
            for (int i = t.offset(); t.kind().hidden() && i < t.offset() + t.length(); i++) {
                double a = weights.get(1)[i] - weights.get(0)[i];
                double b = weights.get(3)[i] - weights.get(2)[i];
                both += a * b;
                one += a * a;
                other += b * b;
            }
        }
        assertThat(both / Math.sqrt(one * other)).isGreaterThan(0.98);
        assertThat(other / one).isBetween(0.95, 1.05);
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void aGraphGivesTheBitsOfEagerLaunches(Precision precision) {
        List<List<StepResult>> results = new ArrayList<>();
        List<float[]> weights = new ArrayList<>();
        for (RunArray.Mode mode : RunArray.Mode.values()) {
            try (RunArray array = array(GROUPED, precision, 2, 1, mode)) {
                array.start(0, options(20, 1, 1e-2, 7));
                array.start(1, options(20, 1, 3e-3, 8));
                results.add(run(array, 8, 1));
                weights.add(array.tensors(1).parameters());
            }
        }
        assertThat(results.get(0)).isEqualTo(results.get(1));
        assertThat(Arrays.equals(weights.get(0), weights.get(1))).isTrue();
    }

    @Test
    void lanesOfDifferentLearningRatesAreTheRunsAlone() {
        List<TrainingOptions> options = List.of(options(40, 1, 1e-2, 7), options(40, 1, 1e-3, 8));
        List<List<StepResult>> together = List.of(new ArrayList<>(), new ArrayList<>());
        List<float[]> weights = new ArrayList<>();
        try (RunArray array = array(TIED, Precision.FP32, 2, 1, RunArray.Mode.GRAPH)) {
            for (int i = 0; i < 2; i++) {
                array.start(i, options.get(i));
            }
            for (int i = 0; i < 40; i++) {
                array.step((lane, r) -> together.get(lane).add(r));
            }
            weights.add(array.tensors(0).parameters());
            weights.add(array.tensors(1).parameters());
            assertThat(together.getFirst().getLast().loss()).isLessThan(3);
        }
        for (int i = 0; i < 2; i++) {
            try (RunArray alone = array(TIED, Precision.FP32, 1, 1, RunArray.Mode.GRAPH)) {
                alone.start(0, options.get(i));
                List<StepResult> solo = run(alone, 40, 0);
                for (int s = 0; s < solo.size(); s++) {
                    assertThat(together.get(i).get(s).loss())
                            .as("lane " + i + " step " + s)
                            .isCloseTo(solo.get(s).loss(), within(1e-4));
                }
                assertThat(largestDifference(weights.get(i), alone.tensors(0).parameters()))
                        .isLessThan(1e-3f);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void aResumedRunIsBitwiseIdentical(Precision precision, @TempDir Path directory) throws IOException {
        List<StepResult> straight;
        float[] weights;
        try (RunArray array = array(GROUPED, precision, 1, 1, RunArray.Mode.GRAPH)) {
            array.start(0, options(10, 1, 1e-2, 7));
            straight = run(array, 10, 0);
            weights = array.tensors(0).parameters();
        }
        List<StepResult> resumed = new ArrayList<>();
        try (RunArray array = array(GROUPED, precision, 1, 1, RunArray.Mode.GRAPH)) {
            array.start(0, options(10, 1, 1e-2, 7));
            resumed.addAll(run(array, 4, 0));
            array.evaluate(tokens, 500);
            array.save(0, directory.resolve("checkpoint"));
        }
        try (RunArray array = array(GROUPED, precision, 1, 1, RunArray.Mode.GRAPH)) {
            array.resume(0, directory.resolve("checkpoint"));
            resumed.addAll(run(array, 6, 0));
            assertThat(array.options(0).optimizer()).isEqualTo(Optimizer.MUON);
            assertThat(Arrays.equals(array.tensors(0).parameters(), weights)).isTrue();
        }
        assertThat(resumed).isEqualTo(straight);
    }

    @Test
    void aLaneWhoseGradientIsNoNumberStaysAsItWasAndTouchesNoOther() {
        List<StepResult> beside = new ArrayList<>();
        TrainingOptions wild = new TrainingOptions(
                3, 33, 40, 900, 0.1, 0, Schedule.CONSTANT, 0.9, 0.95, 1e-30, 0.1, 0, 7, 1, Optimizer.MUON);
        try (RunArray array = array(TIED, Precision.FP32, 2, 1, RunArray.Mode.GRAPH)) {
            array.start(0, wild);
            array.start(1, options(40, 1, 1e-2, 7));
            StepResult[] last = new StepResult[1];
            TrainerState.Tensors before = array.tensors(0);
            int broken = 0;
            for (int i = 0; i < 40; i++) {
                array.step((lane, r) -> {
                    if (lane == 0) {
                        last[0] = r;
                    } else {
                        beside.add(r);
                    }
                });
                TrainerState.Tensors after = array.tensors(0);
                if (!last[0].finite()) {
                    broken++;
                    assertThat(Arrays.equals(after.parameters(), before.parameters()))
                            .isTrue();
                    assertThat(Arrays.equals(after.first(), before.first())).isTrue();
                    assertThat(Arrays.equals(after.second(), before.second())).isTrue();
                }
                before = after;
            }
            assertThat(broken).isPositive();
        }
        try (RunArray array = array(TIED, Precision.FP32, 2, 1, RunArray.Mode.GRAPH)) {
            array.start(0, options(40, 1, 1e-2, 7));
            array.start(1, options(40, 1, 1e-2, 7));
            assertThat(run(array, 40, 1)).isEqualTo(beside);
        }
    }

    @Test
    void lanesOfAnotherOptimizerAreRefused() {
        try (RunArray array = array(TIED, Precision.BF16, 1, 1, RunArray.Mode.GRAPH)) {
            assertThatThrownBy(() -> array.start(0, options(10, 1, 1e-2, 7).withOptimizer(Optimizer.ADAMW)))
                    .hasMessageContaining("optimizer = ADAMW must be MUON");
        }
    }
}
