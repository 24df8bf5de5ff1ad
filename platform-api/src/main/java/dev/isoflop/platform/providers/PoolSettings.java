package dev.isoflop.platform.providers;

import dev.isoflop.db.runner.LaunchStore;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/**
 * How the runners of one pool are started: {@code isoflop.pools.<name>.*}.
 *
 * @param provider {@code local} or {@code slurm}
 * @param maxRunners most at once, those that wait in the provider's queue included
 * @param idleSeconds how long a runner may hold no run before it is stopped
 * @param slots runs a runner takes at once; 0: one for each CPU, or as many as fit on its GPUs
 * @param gpus for each runner
 * @param cpus for each runner
 * @param memory for each runner; absent: the provider's default
 * @param timeLimit after which the provider ends a runner; absent: the provider's default
 * @param signalBefore how long before the time limit the runner is told to checkpoint and end
 * @param url where runners find the platform; absent: its loopback address
 * @param command what starts a runner; empty: the platform's own Java and the runner built beside it
 * @param workDirectory of the runners; absent: {@code runner/} in the platform's home
 * @param logDirectory of what runners print; absent: {@code logs/} in the platform's home
 * @param partition Slurm's
 * @param account Slurm's
 * @param sbatchOptions more options of sbatch, one an item, such as {@code --constraint=h100}
 * @param slurmBin directory of Slurm's commands; absent: they are found on the path
 */
public record PoolSettings(
        @Nullable String provider,
        @DefaultValue("1") int maxRunners,
        @DefaultValue("300") int idleSeconds,
        @DefaultValue("0") int slots,
        @DefaultValue("0") int gpus,
        @DefaultValue("1") int cpus,
        @Nullable DataSize memory,
        @Nullable Duration timeLimit,
        @DefaultValue("90s") Duration signalBefore,
        @Nullable URI url,
        @DefaultValue List<String> command,
        @Nullable Path workDirectory,
        @Nullable Path logDirectory,
        @Nullable String partition,
        @Nullable String account,
        @DefaultValue List<String> sbatchOptions,
        @Nullable Path slurmBin) {

    /** Runs that a runner with GPUs is expected to take at once, for the scaling: it takes what its memory holds. */
    private static final int GPU_SLOTS = 16;

    public PoolSettings {
        command = List.copyOf(command);
        sbatchOptions = List.copyOf(sbatchOptions);
    }

    /** Runs a runner is expected to take at once. */
    int expectedSlots() {
        return slots > 0 ? slots : gpus > 0 ? GPU_SLOTS : cpus;
    }

    /** What one runner has. Where runs train on GPUs, their memory is that of GPUs, of which nothing is known here. */
    LaunchStore.Size size() {
        return new LaunchStore.Size(
                memory == null || gpus > 0 ? Long.MAX_VALUE : memory.toBytes(), gpus, expectedSlots());
    }

    /** What the runner is told; 0: it decides. */
    int passedSlots() {
        return slots > 0 ? slots : gpus > 0 ? 0 : cpus;
    }

    /** @throws IllegalArgumentException naming the property */
    void check(String prefix) {
        require(
                provider != null && !provider.isBlank(),
                prefix + ".provider",
                "says who starts runners: local or slurm");
        require(maxRunners >= 0, prefix + ".max-runners", "must not be negative, was " + maxRunners);
        require(idleSeconds >= 0, prefix + ".idle-seconds", "must not be negative, was " + idleSeconds);
        require(slots >= 0, prefix + ".slots", "must not be negative, was " + slots);
        require(gpus >= 0, prefix + ".gpus", "must not be negative, was " + gpus);
        require(cpus >= 1, prefix + ".cpus", "must be at least 1, was " + cpus);
        require(memory == null || memory.toMegabytes() >= 1, prefix + ".memory", "must be at least 1MB, was " + memory);
        require(
                timeLimit == null || timeLimit.compareTo(Duration.ofMinutes(1)) >= 0,
                prefix + ".time-limit",
                "must be at least a minute, was " + timeLimit);
        // the runner takes up to twenty seconds for its last checkpoints
        require(
                signalBefore.compareTo(Duration.ofSeconds(30)) >= 0
                        && (timeLimit == null || signalBefore.compareTo(timeLimit) < 0),
                prefix + ".signal-before",
                "must be at least 30s and less than the time limit, was " + signalBefore);
    }

    static void require(boolean holds, String property, String message) {
        if (!holds) {
            throw new IllegalArgumentException(property + " " + message);
        }
    }
}
