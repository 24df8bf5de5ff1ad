package dev.isoflop.runner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.isoflop.protocol.job.CommandSpec;
import dev.isoflop.protocol.job.DataSpec;
import dev.isoflop.protocol.job.DatasetRef;
import dev.isoflop.protocol.job.JobResult;
import dev.isoflop.protocol.job.JobSpec;
import dev.isoflop.protocol.job.LearningRateSchedule;
import dev.isoflop.protocol.job.ModelShape;
import dev.isoflop.protocol.job.Precision;
import dev.isoflop.protocol.job.PretrainSpec;
import dev.isoflop.protocol.job.TrainingSettings;
import dev.isoflop.protocol.runner.CheckpointCommit;
import dev.isoflop.protocol.runner.ClaimGrant;
import dev.isoflop.protocol.runner.FinishAttempt;
import dev.isoflop.runner.device.CudaProbe;
import dev.isoflop.runner.device.DeviceMonitor;
import dev.isoflop.runner.device.GpuChoice;
import dev.isoflop.runner.platform.PlatformClient;
import dev.isoflop.runner.platform.Retry;
import dev.isoflop.runner.work.CpuEngine;
import dev.isoflop.runner.work.DataExecutor;
import dev.isoflop.runner.work.DatasetCache;
import dev.isoflop.runner.work.PreparedDataset;
import dev.isoflop.runner.work.PretrainExecutor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The runner with the project's own data pipeline and engine. */
@Timeout(60)
class RealWorkTests {

    @TempDir
    Path home;

    private FakePlatform platform;
    private Runner runner;
    private Thread thread;

    @BeforeEach
    void start() throws IOException {
        platform = new FakePlatform(1, 60);
        RunnerSettings settings = new RunnerSettings(
                platform.url(),
                "isf_test",
                "test-1",
                "default",
                1,
                2,
                home,
                true,
                List.of("pretrain", "data"),
                Endurance.STANDARD,
                Duration.ofMillis(20),
                Duration.ofMillis(50),
                Duration.ofSeconds(5),
                // pauses of a real outage would outlast the tests
                new Retry(Duration.ofMillis(20), Duration.ofMillis(200)));
        PretrainExecutor pretrain = new PretrainExecutor(
                new CpuEngine(), new DatasetCache(home.resolve("datasets")), PreparedDataset::open);
        DataExecutor data = new DataExecutor(home, true);
        runner = new Runner(
                settings,
                new PlatformClient(platform.url(), "isf_test", Duration.ofSeconds(5)),
                (assignment, context) -> switch (assignment.job()) {
                    case PretrainSpec spec -> pretrain.execute(spec, context);
                    case DataSpec spec -> data.execute(spec, context);
                    case CommandSpec _ -> throw new AssertionError("no programs here");
                },
                DeviceMonitor.start(new GpuChoice.None(), new CudaProbe(), Duration.ofSeconds(1)),
                Capacity.ofMachine(),
                home.resolve("runs"),
                home.resolve("kept"),
                LeaseClock.system(),
                DiskWatch.of(home, 0));
        thread = Thread.ofPlatform().start(() -> {
            try {
                runner.run();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
    }

    @AfterEach
    void stop() throws InterruptedException {
        runner.drain(Duration.ZERO);
        runner.close();
        thread.join();
        platform.close();
    }

    private FakePlatform.Attempt execute(long run, int number, JobSpec job, ClaimGrant.Resume resume)
            throws InterruptedException {
        platform.queue.add(new ClaimGrant.Assignment(run, number, "r" + run, job, resume));
        while (platform.attempt(run, number).finish == null) {
            Thread.sleep(10);
        }
        return platform.attempt(run, number);
    }

    private JobResult.Dataset dataset() throws Exception {
        Random random = new Random(5);
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < 60_000; i++) {
            text.append((char) ('a' + (int) (26 * Math.pow(random.nextDouble(), 3))));
            text.append(i % 7 == 0 ? " " : i % 83 == 0 ? "\n\n" : "");
        }
        Path corpus = home.resolve("corpus.txt");
        Files.writeString(corpus, text);
        FakePlatform.Attempt attempt = execute(1, 1, new DataSpec(corpus.toString(), 280, 4), null);
        assertThat(attempt.finish.failure()).isNull();
        JobResult.Dataset dataset = (JobResult.Dataset) attempt.finish.result();
        assertThat(dataset.files()).extracting(f -> f.name()).contains("train.bin", "val.bin", "dataset.json");
        assertThat(dataset.files()).allMatch(f -> platform.artifacts.containsKey(f.sha256()));
        return dataset;
    }

    private static PretrainSpec spec(JobResult.Dataset dataset, long steps, long checkpointSeconds) {
        return new PretrainSpec(
                new ModelShape(280, 32, 32, 2, 2, 2, 88, true, false, 10_000, 1e-5),
                new TrainingSettings(
                        4, steps, 3e-3, 0.1, 0.1, LearningRateSchedule.COSINE, 0.9, 0.95, 1e-8, 0.1, 1, Precision.FP32),
                1,
                new DatasetRef("named-by-the-platform", dataset.files()),
                1,
                50,
                512,
                checkpointSeconds);
    }

    @Test
    void preparesADatasetTrainsOnItAndResumesBitForBit() throws Exception {
        JobResult.Dataset dataset = dataset();
        FakePlatform.Attempt undisturbed = execute(2, 1, spec(dataset, 5_000, 0), null);
        assertThat(undisturbed.finish.failure()).isNull();
        JobResult.Pretrained result = (JobResult.Pretrained) undisturbed.finish.result();
        assertThat(undisturbed.series).doesNotContainKeys("train/mfu", "train/mfu_measured");
        assertThat(undisturbed.profiles).singleElement().satisfies(profile -> {
            assertThat(profile.measured()).isNull();
            assertThat(profile.device()).endsWith("2 threads");
            int parameters = 280 * 32 + 2 * (4 * 32 * 32 + 3 * 32 * 88) + 5 * 32;
            assertThat(profile.memory().optimizer()).isBetween(8L * parameters, 9L * parameters);
            assertThat(profile.operations()).isEmpty();
        });
        assertThat(result.finalLoss()).isLessThan(Math.log(280)).isPositive();
        assertThat(result.bitsPerByte())
                .isCloseTo(
                        result.finalLoss() / Math.log(2) * dataset.validationTokens() / dataset.validationBytes(),
                        within(1e-12));

        // preempt a second run somewhere in the middle, and let another attempt finish it
        platform.queue.add(new ClaimGrant.Assignment(3, 1, "r3", spec(dataset, 5_000, 0), null));
        while (platform.attempt(3, 1)
                        .series
                        .getOrDefault("train/loss", new TreeMap<>())
                        .size()
                < 20) {
            Thread.sleep(1);
        }
        platform.intents.put(
                "3/1",
                new dev.isoflop.protocol.runner.Directives.Directive(
                        3, 1, dev.isoflop.protocol.runner.Directives.Intent.CHECKPOINT_AND_STOP, 10));
        FakePlatform.Attempt first = platform.attempt(3, 1);
        while (first.finish == null) {
            Thread.sleep(10);
        }
        TreeMap<Long, Double> loss = new TreeMap<>(first.series.get("train/loss"));
        TreeMap<Long, Double> evals = new TreeMap<>(first.series.getOrDefault("eval/loss", new TreeMap<>()));
        assertThat(first.finish.outcome()).isEqualTo(FinishAttempt.Outcome.PREEMPTED);
        CheckpointCommit c = first.checkpoints.getLast();
        FakePlatform.Attempt second =
                execute(3, 2, spec(dataset, 5_000, 0), new ClaimGrant.Resume(c.step(), c.trainSeconds(), c.files()));
        assertThat(second.series.get("train/loss").firstKey()).isEqualTo(c.step() + 1);
        loss.putAll(second.series.get("train/loss"));
        evals.putAll(second.series.get("eval/loss"));
        assertThat(loss).isEqualTo(undisturbed.series.get("train/loss"));
        assertThat(evals).isEqualTo(undisturbed.series.get("eval/loss"));
    }

    @Test
    void aMissingCorpusFailsForGood() throws Exception {
        FakePlatform.Attempt attempt =
                execute(1, 1, new DataSpec(home.resolve("none.txt").toString(), 280, 4), null);
        assertThat(attempt.finish.failure().category()).isEqualTo(FinishAttempt.Category.INVALID_INPUT);
        assertThat(attempt.finish.failure().message()).contains("none.txt");
    }

    @Test
    void aCorpusThatIsNoTextFailsForGood() throws Exception {
        Path corpus = Files.write(home.resolve("bad.txt"), new byte[] {'a', (byte) 0xC3, '(', 'b'});
        FakePlatform.Attempt attempt = execute(1, 1, new DataSpec(corpus.toString(), 280, 4), null);
        assertThat(attempt.finish.failure().category()).isEqualTo(FinishAttempt.Category.INVALID_INPUT);
        assertThat(attempt.finish.failure().message()).contains("bad.txt").contains("not UTF-8");
    }

    @Test
    void aPackageNameThatIsNoneFailsForGood() throws Exception {
        FakePlatform.Attempt attempt = execute(1, 1, new DataSpec("npm:--evil", 280, 4), null);
        assertThat(attempt.finish.failure().category()).isEqualTo(FinishAttempt.Category.INVALID_INPUT);
        assertThat(attempt.finish.failure().message()).contains("--evil");
    }

    @Test
    void anImpossibleModelFailsForGood() throws Exception {
        PretrainSpec good = spec(dataset(), 10, 0);
        PretrainSpec bad = new PretrainSpec(
                new ModelShape(280, 32, 32, 2, 3, 3, 88, true, false, 10_000, 1e-5),
                good.training(),
                1,
                good.dataset(),
                1,
                0,
                0,
                0);
        FakePlatform.Attempt attempt = execute(2, 1, bad, null);
        assertThat(attempt.finish.failure().category()).isEqualTo(FinishAttempt.Category.INVALID_INPUT);
        assertThat(attempt.finish.failure().message()).contains("heads = 3");
    }
}
