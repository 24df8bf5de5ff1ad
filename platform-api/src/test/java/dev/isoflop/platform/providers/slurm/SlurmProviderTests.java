package dev.isoflop.platform.providers.slurm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.isoflop.platform.IsoflopSettings;
import dev.isoflop.platform.providers.PoolSettings;
import dev.isoflop.platform.providers.ProvidedRunner;
import dev.isoflop.platform.providers.ProvidedRunner.State;
import dev.isoflop.platform.providers.ProviderException;
import dev.isoflop.platform.providers.RunnerRequest;
import dev.isoflop.platform.providers.TestPools;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** Against a real slurmctld and slurmd; a shell script stands for the runner. Skipped where they cannot be started. */
@Tag("slurm")
@EnabledOnOs(OS.LINUX)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Execution(ExecutionMode.SAME_THREAD)
class SlurmProviderTests {

    /** Says what it was given, and ends like a runner that has drained when it is told to. */
    private static final String SCRIPT =
            "trap 'echo drained; exit 143' TERM; echo token $ISOFLOP_TOKEN; echo args \"$@\";"
                    + " i=0; while [ $i -lt 1200 ]; do sleep 0.05; i=$((i+1)); done";

    @TempDir(cleanup = CleanupMode.ON_SUCCESS)
    private static Path directory = Path.of("");

    private Slurm slurm;
    private final String prefix = "isoflop-" + UUID.randomUUID().toString().substring(0, 8) + "-gpu-";
    private int keys;

    @BeforeAll
    void startSlurm() throws Exception {
        slurm = Slurm.start(directory);
    }

    @AfterAll
    void stopSlurm() throws Exception {
        if (slurm != null) {
            slurm.close();
        }
    }

    @AfterEach
    void cancelWhatIsLeft() throws Exception {
        PoolSettings pool = pool(0);
        for (ProvidedRunner runner : provider().list(pool, prefix)) {
            if (runner.state() != State.ENDED) {
                provider().stop(pool, runner, true);
            }
        }
        await(20, () -> provider().list(pool, prefix).stream().allMatch(r -> r.state() == State.ENDED));
    }

    private SlurmProvider provider() {
        return new SlurmProvider(new IsoflopSettings(
                directory.resolve("home"),
                new IsoflopSettings.Database(null, null, null, 0),
                new IsoflopSettings.AdminToken(false),
                new IsoflopSettings.Session(Duration.ofDays(1))));
    }

    private PoolSettings pool(int gpus, String... options) {
        PoolSettings p = TestPools.pool("slurm", 1, 60, gpus, Duration.ofMinutes(1), List.of(options), null);
        return TestPools.withSlurm(p, slurm.tools());
    }

    private RunnerRequest request(PoolSettings pool) {
        String key = prefix + "%012x".formatted(++keys);
        return new RunnerRequest(
                key,
                "gpu",
                pool,
                URI.create("http://127.0.0.1:1"),
                "isf_secret",
                List.of("/bin/sh", "-c", SCRIPT, "runner"));
    }

    private static void await(int seconds, Callable<Boolean> condition) throws Exception {
        long end = System.nanoTime() + Duration.ofSeconds(seconds).toNanos();
        while (!condition.call()) {
            assertThat(System.nanoTime()).as("in " + seconds + " s").isLessThan(end);
            Thread.sleep(100);
        }
    }

    private ProvidedRunner find(RunnerRequest request) throws ProviderException {
        return provider().list(request.pool(), prefix).stream()
                .filter(r -> r.key().equals(request.key()))
                .findFirst()
                .orElseThrow();
    }

    private String log(RunnerRequest request) throws IOException {
        Path log = directory.resolve("home/logs").resolve(request.key() + ".log");
        return Files.exists(log) ? Files.readString(log) : "";
    }

    @Test
    void aRunnerIsSubmittedFoundByItsKeyAndCancelled() throws Exception {
        RunnerRequest request = request(pool(1));
        String id = provider().start(request);
        await(20, () -> log(request).contains("args "));
        ProvidedRunner runner = find(request);
        assertThat(runner.externalId()).isEqualTo(id);
        assertThat(runner.state()).isEqualTo(State.RUNNING);
        assertThat(runner.place()).isEqualTo("node1");
        assertThat(log(request))
                .contains("token isf_secret")
                .contains("--name " + request.key())
                .contains("--pool gpu");
        String shown = slurm.scontrol("show", "job", "--details", id);
        assertThat(shown).contains("gpu:1").contains("Requeue=1").doesNotContain("isf_secret");

        provider().stop(request.pool(), runner, false);
        await(20, () -> find(request).state() == State.ENDED);
        assertThat(log(request)).contains("drained");
        assertThat(find(request).reason()).contains("CANCELLED");
        provider().stop(request.pool(), runner, false); // no error the second time
    }

    @Test
    void theSignalBeforeTheTimeLimitReachesTheRunnerAsTheWishToEnd() throws Exception {
        RunnerRequest request = request(pool(0)); // of its minute 55 s are kept for the end
        provider().start(request);
        await(20, () -> log(request).contains("args "));
        await(45, () -> log(request).contains("drained"));
        await(10, () -> find(request).state() == State.ENDED);
        assertThat(find(request).reason())
                .as("it ended by itself, before the limit")
                .doesNotContain("TIMEOUT");
    }

    @Test
    void aJobWhoseNodeFailsGoesBackIntoTheQueueUnderItsKey() throws Exception {
        RunnerRequest request = request(pool(0));
        String id = provider().start(request);
        await(20, () -> log(request).contains("args "));
        slurm.scontrol("update", "nodename=node1", "state=down", "reason=test");
        try {
            await(20, () -> find(request).state() == State.WAITING);
            assertThat(find(request).externalId()).isEqualTo(id);
            assertThat(find(request).reason()).startsWith("Slurm: ");
        } finally {
            slurm.resume();
        }
    }

    @Test
    void aJobThatFindsNoRoomWaitsAndSaysWhy() throws Exception {
        RunnerRequest first = request(pool(2));
        provider().start(first);
        await(20, () -> find(first).state() == State.RUNNING);
        RunnerRequest second = request(pool(2));
        provider().start(second);
        await(20, () -> String.valueOf(find(second).reason()).matches("Slurm: PENDING: (Resources|Priority)"));
        assertThat(find(second).state()).isEqualTo(State.WAITING);
    }

    @Test
    void whatSlurmRefusesIsSaidInItsWords() {
        assertThatThrownBy(() -> provider().start(request(pool(0, "--partition=nowhere"))))
                .isInstanceOfSatisfying(
                        ProviderException.class, e -> assertThat(e.isInDoubt()).isFalse())
                .hasMessageContaining("invalid partition");
    }

    @Test
    void slurmctldThatIsAwayIsAFailureAndNoEmptyList() throws Exception {
        Path away = Files.createDirectories(directory.resolve("away"));
        Path configuration = away.resolve("slurm.conf");
        Files.writeString(
                configuration,
                Files.readString(slurm.configuration()).replaceAll("SlurmctldPort=\\d+", "SlurmctldPort=1")
                        + "MessageTimeout=2\n");
        Path squeue = away.resolve("squeue");
        Files.writeString(squeue, "#!/bin/sh\nSLURM_CONF='" + configuration + "' exec /usr/bin/squeue \"$@\"\n");
        assertThat(squeue.toFile().setExecutable(true)).isTrue();
        assertThatThrownBy(() -> provider().list(TestPools.withSlurm(pool(0), away), prefix))
                .isInstanceOf(ProviderException.class)
                .hasMessageContaining("squeue");
    }
}
