package dev.isoflop.runner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.isoflop.protocol.job.CommandSpec;
import dev.isoflop.protocol.job.FileRef;
import dev.isoflop.protocol.job.JobResult;
import dev.isoflop.protocol.runner.CheckpointCommit;
import dev.isoflop.protocol.runner.ClaimGrant;
import dev.isoflop.protocol.runner.Directives;
import dev.isoflop.protocol.runner.FinishAttempt;
import dev.isoflop.runner.device.DeviceMonitor;
import dev.isoflop.runner.device.FakeProbe;
import dev.isoflop.runner.device.GpuChoice;
import dev.isoflop.runner.platform.PlatformClient;
import dev.isoflop.runner.platform.Retry;
import dev.isoflop.runner.work.command.CommandExecutor;
import dev.isoflop.runner.work.command.GpuShares;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The example's trainer, really run: undisturbed, and stopped in the middle and resumed. */
@Timeout(180)
class PyTorchExampleTests {

    private static final int STEPS = 300;

    @TempDir
    Path home;

    @Test
    void aPyTorchModelTrainsIsPreemptedAndGoesOnToTheSameWeights() throws Exception {
        assumeTrue(CommandExecutor.isSupported(), "programs are run on Linux with setsid only");
        String python = pythonWithTorch();
        byte[] source = Files.readAllBytes(
                Path.of(System.getProperty("isoflop.root", "..")).resolve("examples/train_tiny.py"));
        try (FakePlatform platform = new FakePlatform(1, 30);
                DeviceMonitor devices =
                        DeviceMonitor.start(new GpuChoice.None(), new FakeProbe(0, "none"), Duration.ofSeconds(1))) {
            platform.artifacts.put(FakePlatform.sha(source), source);
            FileRef script = new FileRef("train_tiny.py", FakePlatform.sha(source), source.length);
            CommandExecutor executor = new CommandExecutor(new GpuShares(List.of(), null));
            Runner runner = new Runner(
                    new RunnerSettings(
                            platform.url(),
                            "isf_test",
                            "test-1",
                            "default",
                            1,
                            1,
                            home,
                            true,
                            List.of("command"),
                            Endurance.STANDARD,
                            Duration.ofMillis(20),
                            Duration.ofMillis(50),
                            Duration.ofSeconds(5),
                            new Retry(Duration.ofMillis(20), Duration.ofMillis(200))),
                    new PlatformClient(platform.url(), "isf_test", Duration.ofSeconds(2)),
                    (assignment, context) -> executor.execute((CommandSpec) assignment.job(), context),
                    devices,
                    Capacity.ofMachine(),
                    home.resolve("runs"),
                    home.resolve("kept"),
                    LeaseClock.system(),
                    DiskWatch.of(home, 0));
            Thread thread = Thread.ofPlatform().start(() -> {
                try {
                    runner.run();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            });
            try {
                check(platform, python, script);
            } finally {
                runner.drain(Duration.ZERO);
                runner.close();
                thread.join();
            }
        }
    }

    private static void check(FakePlatform platform, String python, FileRef script) throws InterruptedException {
        FakePlatform.Attempt whole = begin(platform, 1, 1, spec(python, script), null);
        await("the undisturbed run", () -> whole.finish != null);
        assertThat(whole.finish.failure()).as(String.join("\n", whole.log)).isNull();
        assertThat(whole.series.get("train/loss")).hasSize(STEPS);
        JobResult.Command result = (JobResult.Command) whole.finish.result();
        assertThat(result.outputs()).extracting(FileRef::name).containsExactly("result.json");
        assertThat(result.metrics().get("eval/loss")).isLessThan(0.3);
        assertThat(whole.checkpoints).isNotEmpty();
        assertThat(whole.checkpoints.getLast().step()).isEqualTo(STEPS);

        FakePlatform.Attempt first = begin(platform, 2, 1, spec(python, script), null);
        await("a checkpoint", () -> !first.checkpoints.isEmpty());
        platform.intents.put("2/1", new Directives.Directive(2, 1, Directives.Intent.CHECKPOINT_AND_STOP, 20));
        await("the preemption", () -> first.finish != null);
        assertThat(first.finish.outcome()).isEqualTo(FinishAttempt.Outcome.PREEMPTED);
        CheckpointCommit last = first.checkpoints.getLast();
        assertThat(last.step()).isBetween(1L, STEPS - 1L);

        FakePlatform.Attempt second = begin(
                platform,
                2,
                2,
                spec(python, script),
                new ClaimGrant.Resume(last.step(), last.trainSeconds(), last.files()));
        await("the rest", () -> second.finish != null);
        assertThat(second.log).contains("goes on after step " + last.step());
        assertThat(second.series.get("train/loss").firstKey()).isEqualTo(last.step() + 1);
        assertThat(((JobResult.Command) second.finish.result()).metrics()).isEqualTo(result.metrics());
    }

    private static FakePlatform.Attempt begin(
            FakePlatform platform, long run, int number, CommandSpec spec, ClaimGrant.Resume resume) {
        platform.queue.add(new ClaimGrant.Assignment(run, number, "r" + run, spec, resume));
        return platform.attempt(run, number);
    }

    private static CommandSpec spec(String python, FileRef script) {
        return new CommandSpec(
                List.of(python, "train_tiny.py", "--steps", Integer.toString(STEPS), "--pause", "0.01"),
                Map.of(),
                Map.of(),
                List.of(),
                List.of(script),
                List.of("result.json"),
                0,
                0,
                "",
                "checkpoints",
                10);
    }

    private static String pythonWithTorch() throws IOException, InterruptedException {
        for (String python : List.of("/usr/bin/python3", "python3")) {
            try {
                Process process = new ProcessBuilder(python, "-c", "import torch")
                        .redirectErrorStream(true)
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .start();
                if (process.waitFor(60, TimeUnit.SECONDS) && process.exitValue() == 0) {
                    return python;
                }
                process.destroyForcibly();
            } catch (IOException e) {
                // no such Python; the next one
            }
        }
        return abort("no python3 on this machine can import torch");
    }

    private static void await(String what, BooleanSupplier condition) throws InterruptedException {
        long end = System.nanoTime() + 60_000_000_000L;
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as("in time: " + what).isLessThan(end);
            Thread.sleep(20);
        }
    }
}
