package dev.isoflop.runner.work.command;

import dev.isoflop.runner.work.AttemptContext;
import dev.isoflop.runner.work.Failures.InvalidInputException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Who of a runner's programs has which GPU. A program has its devices for itself as far as other programs go.
 *
 * <p>Concurrency: attempts wait for devices in turns of a tenth of a second, all or none, so that no two wait for each other.
 */
public final class GpuShares {

    private final List<Integer> devices;
    private final TreeSet<Integer> free;
    private final @Nullable String visible;

    /**
     * @param devices the runner's ordinals
     * @param visible the runner's own {@code CUDA_VISIBLE_DEVICES}, which its ordinals count in, or null
     */
    public GpuShares(List<Integer> devices, @Nullable String visible) {
        this.devices = List.copyOf(devices);
        this.free = new TreeSet<>(devices);
        this.visible = visible;
    }

    /** Devices held until closed. */
    final class Share implements AutoCloseable {
        private final List<Integer> held;

        private Share(List<Integer> held) {
            this.held = held;
        }

        /** For {@code CUDA_VISIBLE_DEVICES}; empty hides every device. */
        String variable() {
            List<String> names = visible == null || visible.isBlank() ? null : List.of(visible.split(","));
            return held.stream()
                    .map(ordinal -> names != null && ordinal < names.size()
                            ? names.get(ordinal).strip()
                            : Integer.toString(ordinal))
                    .collect(Collectors.joining(","));
        }

        @Override
        public void close() {
            synchronized (GpuShares.this) {
                free.addAll(held);
                GpuShares.this.notifyAll();
            }
        }
    }

    /** Waits for so many devices; empty if the work is to end before. */
    Optional<Share> take(int count, AttemptContext context)
            throws IOException, InterruptedException, InvalidInputException {
        if (count > devices.size()) {
            throw new InvalidInputException("the command wants " + count + " GPUs, this runner has " + devices.size());
        }
        while (true) {
            synchronized (this) {
                if (free.size() >= count) {
                    List<Integer> held = new ArrayList<>();
                    for (int i = 0; i < count; i++) {
                        held.add(free.removeFirst());
                    }
                    return Optional.of(new Share(List.copyOf(held)));
                }
                wait(100);
            }
            if (context.signal() != AttemptContext.Signal.CONTINUE) {
                return Optional.empty();
            }
        }
    }
}
