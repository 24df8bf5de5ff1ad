package dev.isoflop.runner;

import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;

/**
 * Looks whether the disk of the work directory has room: a runner whose disk is full takes no runs, since it could only fail them.
 *
 * <p>Concurrency: any number of threads.
 */
final class DiskWatch {

    /** Where free space is looked up. */
    @FunctionalInterface
    interface Space {
        long freeBytes() throws IOException;
    }

    private final Path directory;
    private final long reserveBytes;
    private final Space space;

    /** @param reserveBytes that are to stay free */
    DiskWatch(Path directory, long reserveBytes, Space space) {
        this.directory = directory;
        this.reserveBytes = reserveBytes;
        this.space = space;
    }

    static DiskWatch of(Path directory, long reserveBytes) {
        return new DiskWatch(directory, reserveBytes, () -> {
            FileStore store = Files.getFileStore(directory);
            return store.getUsableSpace();
        });
    }

    /** What is wrong, in a sentence, if something is. */
    Optional<String> trouble() {
        try {
            long free = space.freeBytes();
            return free >= reserveBytes
                    ? Optional.empty()
                    : Optional.of(
                            "The disk of %s has %s free, and %s are to stay free: no runs are taken until there is room."
                                    .formatted(directory, size(free), size(reserveBytes)));
        } catch (IOException e) {
            return Optional.of("The disk of %s cannot be looked at (%s): no runs are taken.".formatted(directory, e));
        }
    }

    /** Whether a file of that many bytes leaves the reserve free. A disk that cannot be looked at is tried. */
    boolean hasRoomFor(long bytes) {
        try {
            return space.freeBytes() - bytes >= reserveBytes;
        } catch (IOException e) {
            return true;
        }
    }

    private static String size(long bytes) {
        return bytes < 1L << 30
                ? "%d MiB".formatted(bytes >> 20)
                : String.format(Locale.ROOT, "%.1f GiB", bytes / (double) (1L << 30));
    }
}
