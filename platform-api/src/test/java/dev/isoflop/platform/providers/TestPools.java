package dev.isoflop.platform.providers;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Settings of pools for tests. */
public final class TestPools {

    private TestPools() {}

    /** One CPU and one slot a runner. */
    public static PoolSettings pool(String provider, int maxRunners, int idleSeconds) {
        return pool(provider, maxRunners, idleSeconds, 0, null, List.of(), null);
    }

    public static PoolSettings pool(
            String provider,
            int maxRunners,
            int idleSeconds,
            int gpus,
            @Nullable Duration timeLimit,
            List<String> sbatchOptions,
            @Nullable Path directory) {
        return new PoolSettings(
                provider,
                maxRunners,
                idleSeconds,
                0,
                gpus,
                1,
                null,
                timeLimit,
                Duration.ofSeconds(55),
                URI.create("http://127.0.0.1:1"),
                List.of(),
                directory,
                directory,
                null,
                null,
                sbatchOptions,
                null);
    }

    /** The same, with Slurm's commands from there. */
    public static PoolSettings withSlurm(PoolSettings p, Path slurmBin) {
        return new PoolSettings(
                p.provider(),
                p.maxRunners(),
                p.idleSeconds(),
                p.slots(),
                p.gpus(),
                p.cpus(),
                p.memory(),
                p.timeLimit(),
                p.signalBefore(),
                p.url(),
                p.command(),
                p.workDirectory(),
                p.logDirectory(),
                p.partition(),
                p.account(),
                p.sbatchOptions(),
                slurmBin);
    }
}
