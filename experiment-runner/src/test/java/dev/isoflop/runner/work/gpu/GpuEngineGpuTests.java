package dev.isoflop.runner.work.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.isoflop.lm.cuda.driver.CudaDevices;
import dev.isoflop.lm.tokens.TokenSource;
import dev.isoflop.lm.train.StepResult;
import dev.isoflop.protocol.job.DatasetRef;
import dev.isoflop.protocol.job.LearningRateSchedule;
import dev.isoflop.protocol.job.ModelShape;
import dev.isoflop.protocol.job.Precision;
import dev.isoflop.protocol.job.PretrainSpec;
import dev.isoflop.protocol.job.TrainingSettings;
import dev.isoflop.runner.work.CpuEngine;
import dev.isoflop.runner.work.PreparedDataset;
import dev.isoflop.runner.work.TrainingEngine;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Attempts that use the GPU engine at the same time, beside the CPU engine. */
@Tag("gpu")
class GpuEngineGpuTests {

    private record Ids(int vocabSize, int[] ids) implements TokenSource {
        @Override
        public long length() {
            return ids.length;
        }

        @Override
        public void read(long position, int[] target, int offset, int count) {
            System.arraycopy(ids, (int) position, target, offset, count);
        }
    }

    private static Ids tokens(int length, long seed) {
        Random random = new Random(seed);
        int[] ids = new int[length];
        for (int i = 1; i < length; i++) {
            ids[i] = random.nextInt(10) < 8 ? (ids[i - 1] * 7 + 3) % 61 : random.nextInt(61);
        }
        return new Ids(61, ids);
    }

    private static final PreparedDataset DATA =
            new PreparedDataset(tokens(20_000, 1), tokens(3_000, 2), 9_000, () -> {});

    private final ExecutorService attempts = Executors.newCachedThreadPool();
    private GpuEngine engine;

    @BeforeEach
    void open() {
        Assumptions.assumeTrue(CudaDevices.count() > 0, () -> "no GPU: " + CudaDevices.reason());
        engine = new GpuEngine(
                List.of(0), Path.of(System.getProperty("java.io.tmpdir"), "isoflop-test-backend"), e -> {});
    }

    @AfterEach
    void close() {
        attempts.shutdownNow();
        if (engine != null) {
            engine.close();
        }
    }

    private static PretrainSpec spec(int width, long steps, double rate, long seed, Precision precision) {
        return new PretrainSpec(
                new ModelShape(61, 32, width, 2, width / 16, width / 16, 2 * width, true, false, 10_000, 1e-5),
                new TrainingSettings(
                        4, steps, rate, 0.1, 0.1, LearningRateSchedule.COSINE, 0.9, 0.95, 1e-8, 0.1, 1, precision),
                seed,
                new DatasetRef("test", List.of()),
                1,
                50,
                512,
                0);
    }

    private record Done(List<StepResult> steps, List<Double> losses) {}

    /** What an attempt does: burst after burst, an evaluation every 50 steps and one at the end. */
    private static Done train(TrainingEngine engine, PretrainSpec spec) throws Exception {
        List<StepResult> steps = new ArrayList<>();
        List<Double> losses = new ArrayList<>();
        try (TrainingEngine.Session session = engine.create(spec, DATA, 1)) {
            while (session.stepsDone() < spec.training().steps()) {
                long next = Math.min(spec.training().steps(), (session.stepsDone() / 50 + 1) * 50);
                session.advance(next, steps::add);
                losses.add(session.evaluate(next == spec.training().steps() ? Long.MAX_VALUE : 512));
            }
        }
        return new Done(steps, losses);
    }

    @Test
    void runsOfSeveralShapesAtOnceAreThoseOfTheCpu() throws Exception {
        List<PretrainSpec> specs = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            specs.add(spec(32, 120 + 40 * i, 3e-3 * (1 + i), i, Precision.FP32));
        }
        specs.add(spec(48, 200, 3e-3, 1, Precision.FP32));
        specs.add(spec(64, 130, 3e-3, 1, Precision.FP32));
        List<Future<Done>> running = new ArrayList<>();
        for (PretrainSpec s : specs) {
            running.add(attempts.submit(() -> train(engine, s)));
        }
        for (int i = 0; i < specs.size(); i++) {
            Done ours = running.get(i).get();
            Done theirs = train(new CpuEngine(), specs.get(i));
            assertThat(ours.steps()).hasSameSizeAs(theirs.steps());
            for (int s = 0; s < 50; s++) {
                assertThat(ours.steps().get(s).step()).isEqualTo(s + 1);
                assertThat(ours.steps().get(s).loss())
                        .as("run " + i + " step " + (s + 1))
                        .isCloseTo(theirs.steps().get(s).loss(), within(1e-4));
            }
            assertThat(ours.losses()).hasSameSizeAs(theirs.losses());
            assertThat(ours.losses().getFirst()).isCloseTo(theirs.losses().getFirst(), within(1e-4));
            assertThat(ours.losses().getLast()).isCloseTo(theirs.losses().getLast(), within(0.02));
        }
        Thread.sleep(1_000);
        assertThat(engine.room()).isEqualTo(Integer.MAX_VALUE);
    }

    @Test
    void aRunGoesOnFromItsCheckpoint(@TempDir Path directory) throws Exception {
        PretrainSpec spec = spec(32, 100, 3e-3, 5, Precision.BF16);
        Done straight = train(engine, spec);
        List<StepResult> steps = new ArrayList<>();
        try (TrainingEngine.Session session = engine.create(spec, DATA, 1)) {
            session.advance(30, steps::add);
            session.save(directory.resolve("checkpoint"));
        }
        Thread.sleep(1_000); // the first array has ended
        try (TrainingEngine.Session session = engine.resume(spec, directory.resolve("checkpoint"), DATA, 1)) {
            assertThat(session.stepsDone()).isEqualTo(30);
            session.advance(100, steps::add);
        }
        assertThat(steps).isEqualTo(straight.steps());
    }

    @Test
    void lanesAreToldWhereTheTimeGoesAndTrainTheSame() throws Exception {
        PretrainSpec spec = spec(32, 300, 3e-3, 5, Precision.BF16);
        Done plain = train(engine, spec);
        Thread.sleep(1_000); // the first array has ended
        List<StepResult> steps = new ArrayList<>();
        try (TrainingEngine.Session session = engine.create(spec, DATA, 1)) {
            session.advance(50, steps::add);
            session.evaluate(512);
            assertThat(session.profile()).as("only asked").isEmpty();
            session.advance(300, steps::add);
            assertThat(session.profile()).hasValueSatisfying(profile -> {
                assertThat(profile.device().measured()).isNotNull();
                assertThat(profile.lanes()).isEqualTo(1);
                assertThat(profile.operations()).allMatch(o -> o.micros() > 0).hasSizeGreaterThan(10);
            });
        }
        assertThat(steps).isEqualTo(plain.steps());
    }

    @Test
    void aDivergedRunEndsAndTheOthersGoOn() throws Exception {
        PretrainSpec wild = new PretrainSpec(
                spec(32, 1, 1e-3, 1, Precision.FP32).model(),
                new TrainingSettings(
                        4, 200, 900, 1, 0, LearningRateSchedule.CONSTANT, 0.9, 0.95, 1e-30, 0.1, 0, Precision.FP32),
                1,
                new DatasetRef("test", List.of()),
                1,
                0,
                512,
                0);
        Future<Long> diverged = attempts.submit((Callable<Long>) () -> {
            try (TrainingEngine.Session session = engine.create(wild, DATA, 1)) {
                session.advance(200, r -> {});
                return session.stepsDone();
            }
        });
        Done other = train(engine, spec(32, 200, 3e-3, 2, Precision.FP32));
        assertThat(diverged.get()).isLessThan(200);
        assertThat(other.steps()).allMatch(StepResult::finite).hasSize(200);
    }

    @Test
    void whatCannotTrainIsRefusedWithTheReason() {
        PretrainSpec odd = new PretrainSpec(
                new ModelShape(61, 32, 40, 2, 4, 4, 80, true, false, 10_000, 1e-5),
                spec(32, 10, 1e-3, 1, Precision.BF16).training(),
                1,
                new DatasetRef("test", List.of()),
                1,
                0,
                512,
                0);
        assertThatThrownBy(() -> engine.create(odd, DATA, 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("dModel / heads = 10 must be one of");
    }
}
