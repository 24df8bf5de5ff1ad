package dev.isoflop.runner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.entry;
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
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Programs under a real runner, against a platform in memory. */
@Timeout(60)
class CommandTests {

    @TempDir
    Path home;

    private FakePlatform platform;
    private DeviceMonitor devices;
    private Runner runner;
    private Thread thread;

    @BeforeEach
    void startRunner() throws IOException {
        assumeTrue(CommandExecutor.isSupported(), "programs are run on Linux with setsid only");
        platform = new FakePlatform(1, 3);
        devices = DeviceMonitor.start(new GpuChoice.None(), new FakeProbe(0, "none"), Duration.ofSeconds(1));
        RunnerSettings settings = new RunnerSettings(
                platform.url(),
                "isf_test",
                "test-1",
                "default",
                2,
                1,
                home,
                true,
                List.of("command"),
                new Endurance(
                        Duration.ZERO,
                        256L << 20,
                        0,
                        Duration.ofDays(7),
                        StallWatch.Settings.STANDARD), // halted as soon as the lease is in doubt
                Duration.ofMillis(20),
                Duration.ofMillis(50),
                Duration.ofSeconds(5),
                new Retry(Duration.ofMillis(20), Duration.ofMillis(200)));
        CommandExecutor executor = new CommandExecutor(new GpuShares(List.of(4, 5), null));
        runner = new Runner(
                settings,
                new PlatformClient(platform.url(), "isf_test", Duration.ofSeconds(2)),
                (assignment, context) -> executor.execute((CommandSpec) assignment.job(), context),
                devices,
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
        if (runner != null) {
            runner.drain(Duration.ZERO);
            runner.close();
            thread.join();
            devices.close();
            platform.close();
        }
    }

    private static CommandSpec shell(String script) {
        return spec(List.of("/bin/sh", "-c", script), Map.of(), List.of(), List.of(), List.of(), 0, 10);
    }

    private static CommandSpec spec(
            List<String> argv,
            Map<String, String> environment,
            List<String> secrets,
            List<FileRef> inputs,
            List<String> outputs,
            int gpus,
            int grace) {
        return new CommandSpec(
                argv, Map.of(), environment, secrets, inputs, outputs, 0, gpus, "", "checkpoints", grace);
    }

    private FakePlatform.Attempt begin(long run, CommandSpec spec, ClaimGrant.Resume resume) {
        platform.queue.add(new ClaimGrant.Assignment(run, 1, "r" + run, spec, resume));
        return platform.attempt(run, 1);
    }

    private FakePlatform.Attempt execute(long run, CommandSpec spec) throws InterruptedException {
        FakePlatform.Attempt attempt = begin(run, spec, null);
        await("the end of run " + run, () -> attempt.finish != null);
        return attempt;
    }

    private static void await(String what, BooleanSupplier condition) throws InterruptedException {
        long end = System.nanoTime() + 30_000_000_000L;
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as("in time: " + what).isLessThan(end);
            Thread.sleep(10);
        }
    }

    private void tell(long run, Directives.Intent intent, int seconds) {
        platform.intents.put(run + "/1", new Directives.Directive(run, 1, intent, seconds));
    }

    private FileRef artifact(String name, String content) {
        byte[] bytes = content.getBytes(StandardCharsets.UTF_8);
        platform.artifacts.put(FakePlatform.sha(bytes), bytes);
        return new FileRef(name, FakePlatform.sha(bytes), bytes.length);
    }

    /** Living processes whose command line holds a word. */
    /** Of this process and those that started it the command line may hold any number: a time of day is in it. */
    private static List<Long> alive(String word) throws IOException {
        Set<Long> own = Stream.iterate(
                        Optional.of(ProcessHandle.current()),
                        Optional::isPresent,
                        p -> p.flatMap(ProcessHandle::parent))
                .map(p -> p.orElseThrow().pid())
                .collect(Collectors.toSet());
        List<Long> found = new ArrayList<>();
        try (Stream<Path> all = Files.list(Path.of("/proc"))) {
            for (Path process :
                    all.filter(p -> p.getFileName().toString().matches("\\d+")).toList()) {
                try {
                    long pid = Long.parseLong(process.getFileName().toString());
                    if (!own.contains(pid)
                            && Files.readString(process.resolve("cmdline"), StandardCharsets.ISO_8859_1)
                                    .contains(word)) {
                        found.add(pid);
                    }
                } catch (IOException e) {
                    // ended meanwhile
                }
            }
        }
        return found;
    }

    private static boolean gone(String word) {
        try {
            return alive(word).isEmpty();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static String state(long pid) throws IOException {
        String stat = Files.readString(Path.of("/proc/" + pid + "/stat"), StandardCharsets.ISO_8859_1);
        return stat.substring(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
    }

    @Test
    void aProgramsLinesBecomeMetricsAndItsFilesTheResult() throws Exception {
        CommandSpec spec = spec(
                List.of("/bin/sh", "-c", """
                        cat data/in.txt
                        printf '\\033[31mred\\033[0m\\n'
                        echo '{"step":10,"metrics":{"train/loss":1.25},"stage":"training","progress":0.5}'
                        echo '{"step":20,"train/loss":NaN,"note":"kept in the log"}'
                        echo '{"step":30,"train/loss":0.5}'
                        echo '{"no":"metric"}'
                        mkdir out && echo '{"ok":true}' > out/result.json
                        echo "run=$ISOFLOP_RUN.$ISOFLOP_ATTEMPT token=[$ISOFLOP_TOKEN] gpus=[$CUDA_VISIBLE_DEVICES] x=$X"
                        """),
                Map.of("X", "yes"),
                List.of(),
                List.of(artifact("data/in.txt", "from a file\n")),
                List.of("out/*.json"),
                0,
                10);
        FakePlatform.Attempt attempt = execute(1, spec);

        assertThat(attempt.finish.failure()).isNull();
        assertThat(attempt.series.get("train/loss"))
                .containsExactly(entry(10L, 1.25), entry(20L, Double.NaN), entry(30L, 0.5));
        JobResult.Command result = (JobResult.Command) attempt.finish.result();
        assertThat(result.metrics()).containsExactly(entry("train/loss", 0.5));
        assertThat(result.outputs()).extracting(FileRef::name).containsExactly("out/result.json");
        assertThat(platform.artifacts).containsKey(result.outputs().getFirst().sha256());
        assertThat(attempt.log)
                .contains(
                        "from a file",
                        "\u001b[31mred\u001b[0m",
                        "{\"no\":\"metric\"}",
                        "run=1.1 token=[] gpus=[] x=yes")
                .anyMatch(line -> line.contains("kept in the log"))
                .noneMatch(line -> line.startsWith("{\"step\":10"));
    }

    @Test
    void aProgramThatFailsIsItsAuthorsFaultWithItsLastWords() throws Exception {
        FakePlatform.Attempt attempt = execute(2, shell("echo one >&2; echo 'ValueError: no such layer' >&2; exit 3"));
        FinishAttempt.Failure failure = attempt.finish.failure();
        assertThat(failure.category()).isEqualTo(FinishAttempt.Category.USER);
        assertThat(failure.code()).isEqualTo("command-failed");
        assertThat(failure.message()).isEqualTo("The program ended with exit code 3: ValueError: no such layer");
        assertThat(failure.stackTrace()).isEqualTo("one\nValueError: no such layer");
    }

    @Test
    void aKillWithoutEvidenceIsNoShortageOfMemoryAndTheWordsOfATrainerAre() throws Exception {
        assertThat(execute(3, shell("kill -KILL $$")).finish.failure().message())
                .isEqualTo("The program ended with signal 9 (exit code 137)");
        assertThat(execute(4, shell("echo 'torch.cuda.OutOfMemoryError: CUDA out of memory.' >&2; exit 1"))
                        .finish
                        .failure()
                        .category())
                .isEqualTo(FinishAttempt.Category.OUT_OF_MEMORY);
    }

    @Test
    void aProgramThatIsNotThereIsNamed() throws Exception {
        FinishAttempt.Failure failure = execute(
                        5, spec(List.of("no-such-trainer"), Map.of(), List.of(), List.of(), List.of(), 0, 1))
                .finish
                .failure();
        assertThat(failure.category()).isEqualTo(FinishAttempt.Category.INVALID_INPUT);
        assertThat(failure.message()).contains("no-such-trainer");
    }

    @Test
    void aKillEndsGrandchildrenThatIgnoreSigtermAndDaemonsThatLeftTheSession() throws Exception {
        FakePlatform.Attempt attempt = begin(6, shell("""
                        trap '' TERM
                        (trap '' TERM; sh -c 'trap "" TERM; sleep 7101 & wait' & sleep 7101 & wait) &
                        setsid sh -c 'trap "" TERM; sleep 7101' &
                        sleep 0.3; echo ready; wait
                        """), null);
        await("its start", () -> attempt.log.contains("ready"));
        assertThat(alive("7101")).hasSizeGreaterThanOrEqualTo(4);
        tell(6, Directives.Intent.KILL, 0);
        await("the end", () -> attempt.finish != null);
        assertThat(attempt.finish.outcome()).isEqualTo(FinishAttempt.Outcome.CANCELLED);
        assertThat(alive("7101")).isEmpty();
    }

    @Test
    void whatAProgramLeavesBehindGoesWithIt() throws Exception {
        FakePlatform.Attempt attempt = execute(7, shell("sleep 7102 & echo done"));
        assertThat(attempt.finish.outcome()).isEqualTo(FinishAttempt.Outcome.SUCCEEDED);
        assertThat(alive("7102")).isEmpty();
    }

    @Test
    void aProgramThatIgnoresSigtermIsKilledAtTheDeadlineWithAllItStarted() throws Exception {
        FakePlatform.Attempt attempt = begin(
                8,
                shell(
                        "trap '' TERM; (trap '' TERM; sleep 7103 & sleep 7103) & echo ready; while :; do sleep 0.1; done"),
                null);
        await("its start", () -> attempt.log.contains("ready"));
        long asked = System.nanoTime();
        tell(8, Directives.Intent.CHECKPOINT_AND_STOP, 2);
        await("the end", () -> attempt.finish != null);
        assertThat(attempt.finish.outcome()).isEqualTo(FinishAttempt.Outcome.PREEMPTED);
        assertThat(Duration.ofNanos(System.nanoTime() - asked))
                .isBetween(Duration.ofMillis(1_500), Duration.ofSeconds(6));
        assertThat(alive("7103")).isEmpty();
    }

    @Test
    void aMarkedDirectoryIsACheckpointAndComesBackOnResume() throws Exception {
        FakePlatform.Attempt attempt = begin(9, shell("""
                        cd "$ISOFLOP_CHECKPOINT_DIR"
                        mkdir sub; echo seven > sub/state; echo '{"step":7,"train/loss":3}'; touch DONE-7
                        while [ -e DONE-7 ]; do sleep 0.05; done
                        trap 'echo nine > sub/state; echo "{\\"step\\":9,\\"train/loss\\":2}"; exit 0' TERM
                        echo taken; while :; do sleep 0.05; done
                        """), null);
        await("the first checkpoint", () -> attempt.log.contains("taken") && attempt.checkpoints.size() == 1);
        assertThat(attempt.checkpoints.getFirst().step()).isEqualTo(7);
        assertThat(attempt.pointsAtCheckpoint).containsExactly(1); // points first: none is lost by a resume
        tell(9, Directives.Intent.CHECKPOINT_AND_STOP, 10);
        await("the end", () -> attempt.finish != null);
        assertThat(attempt.finish.outcome()).isEqualTo(FinishAttempt.Outcome.PREEMPTED);
        assertThat(attempt.checkpoints).extracting(CheckpointCommit::step).containsExactly(7L, 9L);

        CheckpointCommit last = attempt.checkpoints.getLast();
        FakePlatform.Attempt next = begin(
                10,
                shell(
                        "echo \"from $ISOFLOP_RESUME_STEP: $(cat $ISOFLOP_CHECKPOINT_DIR/sub/state)\"; ls $ISOFLOP_CHECKPOINT_DIR"),
                new ClaimGrant.Resume(last.step(), 5, last.files()));
        await("the end of the next", () -> next.finish != null);
        assertThat(next.log).contains("from 9: nine").doesNotContain("DONE-7");
        assertThat(((JobResult.Command) next.finish.result()).wallSeconds()).isGreaterThan(5);
    }

    @Test
    void aCheckpointTornByTheNextOneIsLeftOutAndTheLastOneOfAFailureIsKept() throws Exception {
        FakePlatform.Attempt attempt = begin(11, shell("""
                        cd "$ISOFLOP_CHECKPOINT_DIR"
                        echo a > state; touch -d '2 seconds ago' DONE-1
                        while [ -e DONE-1 ]; do sleep 0.05; done
                        echo b > state; touch DONE-2; exit 1
                        """), null);
        await("the end", () -> attempt.finish != null);
        assertThat(attempt.checkpoints).extracting(CheckpointCommit::step).containsExactly(2L);
        assertThat(attempt.log).anyMatch(line -> line.contains("checkpoint at step 1 left out"));
    }

    @Test
    void aProgramIsHaltedWhileTheLeaseIsNotHeldAndGoesOnAfter() throws Exception {
        FakePlatform.Attempt attempt =
                begin(12, shell("exec sh -c 'echo ready; while :; do sleep 0.05; : 7104; done'"), null);
        await("its start", () -> attempt.log.contains("ready"));
        long pid = alive("7104").getFirst();
        platform.chaos = path -> path.endsWith("heartbeats") ? FakePlatform.Fault.UNAVAILABLE : FakePlatform.Fault.NONE;
        await("the halt", () -> is(pid, "T"));
        platform.chaos = path -> FakePlatform.Fault.NONE;
        await("the end of the halt", () -> !is(pid, "T"));
        assertThat(attempt.finish).isNull();
        tell(12, Directives.Intent.KILL, 0);
        await("the end", () -> attempt.finish != null);
        assertThat(gone("7104")).isTrue();
    }

    private static boolean is(long pid, String state) {
        try {
            return state(pid).equals(state);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @Test
    void aHaltedProgramWhoseRunIsGivenAwayIsKilled() throws Exception {
        FakePlatform.Attempt attempt = begin(13, shell("echo ready; while :; do sleep 0.05; : 7105; done"), null);
        await("its start", () -> attempt.log.contains("ready"));
        long pid = alive("7105").getFirst();
        platform.chaos = path -> path.endsWith("heartbeats") ? FakePlatform.Fault.UNAVAILABLE : FakePlatform.Fault.NONE;
        await("the halt", () -> is(pid, "T"));
        platform.takeAway(13, 1);
        platform.chaos = path -> FakePlatform.Fault.NONE;
        await("its end", () -> gone("7105"));
        assertThat(attempt.finish).isNull();
    }

    @Test
    void outputIsCappedWithALineThatSaysSoAndSecretsAreMasked() throws Exception {
        FakePlatform.Attempt attempt = execute(
                14,
                spec(
                        List.of("/bin/sh", "-c", "echo \"key $KEY\"; seq 1 200000; echo last"),
                        Map.of("KEY", "hunter22"),
                        List.of("KEY"),
                        List.of(),
                        List.of(),
                        0,
                        1));
        assertThat(attempt.log).contains("key " + CommandSpec.MASK).noneMatch(line -> line.contains("hunter22"));
        assertThat(attempt.log.size()).isLessThan(10_000);
        assertThat(attempt.log).anyMatch(line -> line.contains("left out here: the program prints faster"));
    }

    @Test
    void programsShareTheGpusOneByOne() throws Exception {
        String script = "echo \"gpu $CUDA_VISIBLE_DEVICES\"; sleep 0.6";
        FakePlatform.Attempt first = begin(
                15, spec(List.of("/bin/sh", "-c", script), Map.of(), List.of(), List.of(), List.of(), 2, 1), null);
        FakePlatform.Attempt second = begin(
                16, spec(List.of("/bin/sh", "-c", script), Map.of(), List.of(), List.of(), List.of(), 1, 1), null);
        await("both ends", () -> first.finish != null && second.finish != null);
        assertThat(first.log).contains("gpu 4,5");
        assertThat(second.log).contains("gpu 4");
        FakePlatform.Attempt third =
                execute(17, spec(List.of("/bin/true"), Map.of(), List.of(), List.of(), List.of(), 3, 1));
        assertThat(third.finish.failure().message()).contains("3 GPUs");
    }
}
