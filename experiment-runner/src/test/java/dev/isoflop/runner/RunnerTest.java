package dev.isoflop.runner;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.lm.tokens.TokenSource;
import dev.isoflop.protocol.job.DatasetRef;
import dev.isoflop.protocol.job.FileRef;
import dev.isoflop.protocol.job.LearningRateSchedule;
import dev.isoflop.protocol.job.ModelShape;
import dev.isoflop.protocol.job.Precision;
import dev.isoflop.protocol.job.PretrainSpec;
import dev.isoflop.protocol.job.TrainingSettings;
import dev.isoflop.protocol.runner.ClaimGrant;
import dev.isoflop.runner.device.DeviceMonitor;
import dev.isoflop.runner.device.DeviceProbe;
import dev.isoflop.runner.device.FakeProbe;
import dev.isoflop.runner.device.GpuChoice;
import dev.isoflop.runner.platform.PlatformClient;
import dev.isoflop.runner.platform.Retry;
import dev.isoflop.runner.work.DatasetCache;
import dev.isoflop.runner.work.PreparedDataset;
import dev.isoflop.runner.work.PretrainExecutor;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A runner in this process with a {@link FakePlatform} and a {@link FakeEngine}. */
abstract class RunnerTest {

    static final byte[] DATA = "tokens".getBytes(StandardCharsets.UTF_8);

    @TempDir
    Path home;

    final FakeEngine engine = new FakeEngine();
    FakePlatform platform;
    DeviceProbe probe = new FakeProbe(0, "a laptop");
    DeviceMonitor devices;
    Runner runner;
    Thread thread;

    /** A disk of its own is nobody's business here: no reserve. */
    Endurance endurance =
            new Endurance(Duration.ofHours(2), 256L << 20, 0, Duration.ofDays(7), StallWatch.Settings.STANDARD);

    /** What the disk is said to have free. */
    volatile long freeBytes = 1L << 40;

    LeaseClock clock = LeaseClock.system();

    @BeforeEach
    void startPlatform() throws IOException {
        platform = new FakePlatform(1, 3);
        platform.artifacts.put(FakePlatform.sha(DATA), DATA);
    }

    @AfterEach
    void stopAll() throws InterruptedException {
        stopRunner();
        platform.close();
    }

    /** As a crash would, but for the work directories: they are what a new process finds. */
    void stopRunner() throws InterruptedException {
        if (runner != null) {
            runner.drain(Duration.ZERO);
            runner.close();
            thread.join();
            devices.close();
            runner = null;
        }
    }

    void startRunner() {
        devices = DeviceMonitor.start(new GpuChoice.All(), probe, Duration.ofMillis(50));
        RunnerSettings settings = new RunnerSettings(
                platform.url(),
                "isf_test",
                "test-1",
                "default",
                1,
                1,
                home,
                true,
                List.of("pretrain"),
                endurance,
                Duration.ofMillis(20),
                Duration.ofMillis(50),
                Duration.ofSeconds(5),
                // pauses of a real outage would outlast the tests
                new Retry(Duration.ofMillis(20), Duration.ofMillis(200)));
        PretrainExecutor executor = new PretrainExecutor(
                engine,
                new DatasetCache(home.resolve("datasets")),
                d -> new PreparedDataset(new Ids(), new Ids(), 3_000, () -> {}));
        Attempt.Work work = (assignment, context) -> executor.execute((PretrainSpec) assignment.job(), context);
        runner = new Runner(
                settings,
                new PlatformClient(platform.url(), "isf_test", Duration.ofSeconds(2)),
                work,
                devices,
                Capacity.ofMachine(),
                home.resolve("runs"),
                home.resolve("kept"),
                clock,
                new DiskWatch(home, endurance.diskReserveBytes(), () -> freeBytes));
        thread = Thread.ofPlatform().start(() -> {
            try {
                runner.run();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
    }

    static PretrainSpec spec(long steps, long checkpointSeconds) {
        return new PretrainSpec(
                new ModelShape(16, 4, 8, 1, 1, 1, 8, true, false, 10_000, 1e-5),
                new TrainingSettings(
                        2, steps, 1e-3, 0.1, 0.1, LearningRateSchedule.COSINE, 0.9, 0.95, 1e-8, 0.1, 1, Precision.FP32),
                1,
                new DatasetRef("abc", List.of(new FileRef("train.bin", FakePlatform.sha(DATA), DATA.length))),
                1,
                25,
                100,
                checkpointSeconds);
    }

    void enqueue(long run, int attempt, PretrainSpec spec, ClaimGrant.Resume resume) {
        platform.queue.add(new ClaimGrant.Assignment(run, attempt, "r" + run, spec, resume));
    }

    static void await(String what, BooleanSupplier condition) throws InterruptedException {
        long end = System.nanoTime() + 15_000_000_000L;
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as("in time: " + what).isLessThan(end);
            Thread.sleep(10);
        }
    }

    FakePlatform.Attempt finished(long run, int attempt) throws InterruptedException {
        await("run " + run + " ends", () -> platform.attempt(run, attempt).finish != null);
        return platform.attempt(run, attempt);
    }

    static void assertUndisturbed(FakePlatform.Attempt attempt, long from, long to) {
        assertThat(attempt.series.get("train/loss").keySet())
                .containsExactlyElementsOf(
                        Stream.iterate(from + 1, s -> s + 1).limit(to - from).toList());
        attempt.series
                .get("train/loss")
                .forEach((step, loss) ->
                        assertThat(loss).as("loss at step " + step).isEqualTo(FakeEngine.stateAfter(step, 1)));
        assertThat(attempt.duplicates).isZero();
    }

    /** A thousand ids. */
    private record Ids() implements TokenSource {
        @Override
        public int vocabSize() {
            return 16;
        }

        @Override
        public long length() {
            return 1_000;
        }

        @Override
        public void read(long position, int[] target, int offset, int count) {
            for (int i = 0; i < count; i++) {
                target[offset + i] = (int) ((position + i) % 16);
            }
        }
    }
}
