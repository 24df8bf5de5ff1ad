package dev.isoflop.runner.work.command;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Whether a program ended for want of memory. Exit code 137 alone says that somebody sent SIGKILL; that it was the kernel's
 * out-of-memory killer is believed when its counter has gone up since the program began: the control group's where there is one,
 * else the machine's.
 */
final class OutOfMemoryEvidence {

    /** What trainers say of it: PyTorch (GPU, CPU), JAX, NumPy and plain Python. */
    private static final Pattern SAID = Pattern.compile(
            "CUDA out of memory|torch\\.(cuda\\.)?OutOfMemoryError|DefaultCPUAllocator: (can't|not enough)|RESOURCE_EXHAUSTED: Out of memory"
                    + "|^(numpy\\.\\S*)?(_Array)?MemoryError\\b|java\\.lang\\.OutOfMemoryError");

    private final Path counters;
    private final OptionalLong atStart;

    private OutOfMemoryEvidence(Path counters) {
        this.counters = counters;
        this.atStart = count(counters);
    }

    /** To be made before the program is started. */
    static OutOfMemoryEvidence begin() {
        return new OutOfMemoryEvidence(
                Stream.of("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control", "/proc/vmstat")
                        .map(Path::of)
                        .filter(file -> count(file).isPresent())
                        .findFirst()
                        .orElse(Path.of("/proc/vmstat")));
    }

    /** For tests: counted in a file of that kind. */
    static OutOfMemoryEvidence begin(Path counters) {
        return new OutOfMemoryEvidence(counters);
    }

    /** Whether the kernel has killed for memory since. */
    boolean kernelKilled() {
        OptionalLong now = count(counters);
        return now.isPresent() && atStart.isPresent() && now.getAsLong() > atStart.getAsLong();
    }

    /** Whether a program's last words are those of one that got no memory. */
    static boolean saidSo(List<String> lastWords) {
        return lastWords.stream().anyMatch(line -> SAID.matcher(line).find());
    }

    private static OptionalLong count(Path counters) {
        try (Stream<String> lines = Files.lines(counters)) {
            return lines.filter(line -> line.startsWith("oom_kill "))
                    .mapToLong(line ->
                            Long.parseLong(line.substring("oom_kill ".length()).strip()))
                    .findFirst();
        } catch (IOException | RuntimeException e) {
            return OptionalLong.empty();
        }
    }
}
