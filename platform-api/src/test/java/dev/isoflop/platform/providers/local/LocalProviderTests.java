package dev.isoflop.platform.providers.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.isoflop.platform.IsoflopSettings;
import dev.isoflop.platform.providers.PoolSettings;
import dev.isoflop.platform.providers.ProvidedRunner;
import dev.isoflop.platform.providers.ProvidedRunner.State;
import dev.isoflop.platform.providers.ProviderException;
import dev.isoflop.platform.providers.RunnerRequest;
import dev.isoflop.platform.providers.TestPools;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Real processes: a shell script stands for the runner. */
@EnabledOnOs({OS.LINUX, OS.MAC})
class LocalProviderTests {

    private static final String SCRIPT =
            "trap 'echo drained; exit 143' TERM; echo token $ISOFLOP_TOKEN; echo args \"$@\";"
                    + " i=0; while [ $i -lt 600 ]; do sleep 0.05; i=$((i+1)); done";

    @TempDir
    private Path home = Path.of("");

    private final String prefix = "isoflop-test-" + UUID.randomUUID().toString().substring(0, 8) + "-";
    private final String key = prefix + "0123456789ab";
    private final PoolSettings pool = TestPools.pool("local", 1, 60);

    private LocalProvider provider() {
        return new LocalProvider(new IsoflopSettings(
                home,
                new IsoflopSettings.Database(null, null, null, 0),
                new IsoflopSettings.AdminToken(false),
                new IsoflopSettings.Session(Duration.ofDays(1))));
    }

    private RunnerRequest request(String script) {
        return new RunnerRequest(
                key,
                "cpu",
                pool,
                URI.create("http://127.0.0.1:1"),
                "isf_secret",
                List.of("/bin/sh", "-c", script, "runner"));
    }

    @AfterEach
    void endWhatIsLeft() {
        provider().stop();
    }

    private static void await(BooleanSupplier condition) throws InterruptedException {
        long end = System.nanoTime() + Duration.ofSeconds(10).toNanos();
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as("in time").isLessThan(end);
            Thread.sleep(20);
        }
    }

    private String log() {
        try {
            Path log = home.resolve("logs").resolve(key + ".log");
            return Files.exists(log) ? Files.readString(log) : "";
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private ProvidedRunner only(LocalProvider provider) throws Exception {
        List<ProvidedRunner> runners = provider.list(pool, prefix);
        assertThat(runners).hasSize(1);
        return runners.getFirst();
    }

    @Test
    void aRunnerStartsIsListedByAnotherPlatformAndStopsOnRequest() throws Exception {
        LocalProvider provider = provider();
        String id = provider.start(request(SCRIPT));
        await(() -> log().contains("args "));
        LocalProvider restarted = provider();
        assertThat(only(restarted)).satisfies(r -> {
            assertThat(r.state()).isEqualTo(State.RUNNING);
            assertThat(r.externalId()).isEqualTo(id);
            assertThat(r.key()).isEqualTo(key);
        });
        assertThat(log()).contains("token isf_secret").contains("--name " + key).contains("--gpus none");
        assertThat(ProcessHandle.of(Long.parseLong(id))
                        .orElseThrow()
                        .info()
                        .commandLine()
                        .orElse(""))
                .as("what every user sees")
                .doesNotContain("isf_secret");
        assertThat(PosixFilePermissions.toString(
                        Files.getPosixFilePermissions(home.resolve("logs").resolve(key + ".log"))))
                .isEqualTo("rw-------");
        restarted.stop(pool, only(restarted), false);
        await(() -> ProcessHandle.of(Long.parseLong(id)).isEmpty());
        assertThat(log()).contains("drained");
        assertThat(only(restarted).state()).isEqualTo(State.ENDED);
    }

    @Test
    void oneThatDoesNotEndIsEndedForcibly() throws Exception {
        LocalProvider provider = provider();
        provider.start(request("trap '' TERM; echo args; i=0; while [ $i -lt 600 ]; do sleep 0.05; i=$((i+1)); done"));
        await(() -> log().contains("args"));
        provider.stop(pool, only(provider), false);
        Thread.sleep(200);
        assertThat(only(provider).state()).isEqualTo(State.RUNNING);
        provider.stop(pool, only(provider), true);
        await(() -> {
            try {
                return only(provider).state() == State.ENDED;
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        });
    }

    @Test
    void aProcessThatHasTheSamePidByNowIsLeftAlone() throws Exception {
        LocalProvider provider = provider();
        Process other = new ProcessBuilder("sleep", "30").start();
        try {
            Files.createDirectories(home.resolve("launches"));
            Files.writeString(home.resolve("launches").resolve(key + ".pid"), Long.toString(other.pid()));
            ProvidedRunner runner = only(provider);
            assertThat(runner.state()).isEqualTo(State.ENDED);
            provider.stop(pool, runner, true);
            provider.stop();
            assertThat(other.isAlive()).isTrue();
        } finally {
            other.destroyForcibly();
        }
    }

    @Test
    void aPlatformThatEndsLetsItsRunnersCheckpointFirst() throws Exception {
        LocalProvider provider = provider();
        provider.start(request(SCRIPT));
        await(() -> log().contains("args "));
        provider.stop();
        assertThat(log()).contains("drained");
        assertThat(only(provider).state()).isEqualTo(State.ENDED);
        assertThatThrownBy(() -> provider.start(request(SCRIPT)))
                .as("for the runs that have just been given up")
                .isInstanceOf(ProviderException.class)
                .hasMessageContaining("The platform is ending");
    }

    @Test
    void aRunnerThatHasNotWrittenItsPidYetEndsWithThePlatformToo() throws Exception {
        LocalProvider provider = provider();
        long pid = Long.parseLong(provider.start(request(SCRIPT)));
        provider.stop();
        assertThat(ProcessHandle.of(pid).filter(ProcessHandle::isAlive)).isEmpty();
    }

    @Test
    void settingsOfSlurmAreRefused() {
        assertThatThrownBy(() -> provider()
                        .check("isoflop.pools.cpu", TestPools.pool("local", 1, 1, 0, null, List.of("--qos=low"), null)))
                .hasMessage("isoflop.pools.cpu.sbatch-options is for provider slurm, not local");
        assertThatThrownBy(() ->
                        provider().check("isoflop.pools.g", TestPools.pool("local", 2, 1, 1, null, List.of(), null)))
                .hasMessageStartingWith("isoflop.pools.g.max-runners must be 1");
    }
}
