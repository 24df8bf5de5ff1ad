package dev.isoflop.lm.checkpoint;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;

/**
 * A directory that appears whole or not at all.
 *
 * <p>Crash behaviour: files are written to a hidden sibling, each forced to the device, the sibling itself forced, and then renamed. A
 * crash before the rename leaves the target as it was (and a hidden directory that the next write of the same target removes); after it,
 * the new content. If the target exists it is first moved aside, so between two renames a reader may find none, but never half of one;
 * {@link #recover} puts the old one back if the crash fell there.
 */
public final class AtomicDirectory {

    /** Writes the content of the new directory. */
    @FunctionalInterface
    public interface Content {
        void write(Path directory) throws IOException;
    }

    private AtomicDirectory() {}

    /** Replaces {@code target} by a directory with the given content. */
    public static void write(Path target, Content content) throws IOException {
        Path absolute = target.toAbsolutePath().normalize();
        Path parent = absolute.getParent();
        if (parent == null) {
            throw new IOException("a checkpoint cannot be the root directory");
        }
        if (Files.exists(absolute) && !Files.isDirectory(absolute)) {
            throw new FileAlreadyExistsException(absolute + " is a file, not a checkpoint directory");
        }
        Files.createDirectories(parent);
        recover(absolute);
        Path fresh = parent.resolve("." + absolute.getFileName() + ".new-" + UUID.randomUUID());
        Path old = aside(absolute);
        Files.createDirectory(fresh);
        try {
            content.write(fresh);
            force(fresh);
            if (Files.exists(absolute)) {
                Files.move(absolute, old, StandardCopyOption.ATOMIC_MOVE);
            }
            Files.move(fresh, absolute, StandardCopyOption.ATOMIC_MOVE);
            force(parent);
        } catch (IOException | RuntimeException e) {
            delete(fresh);
            recover(absolute);
            throw e;
        }
        delete(old);
    }

    /** Finishes or undoes what a crash interrupted: call before reading. */
    public static void recover(Path target) throws IOException {
        Path absolute = target.toAbsolutePath().normalize();
        Path old = aside(absolute);
        if (Files.isDirectory(old)) {
            if (Files.exists(absolute)) {
                delete(old);
            } else {
                Files.move(old, absolute, StandardCopyOption.ATOMIC_MOVE);
            }
        }
        Path parent = absolute.getParent();
        if (parent != null && Files.isDirectory(parent)) {
            String prefix = "." + absolute.getFileName() + ".new-";
            List<Path> leftovers;
            try (Stream<Path> files = Files.list(parent)) {
                leftovers = files.filter(f -> f.getFileName().toString().startsWith(prefix))
                        .toList();
            }
            for (Path leftover : leftovers) {
                delete(leftover);
            }
        }
    }

    /** Writes a small text file and forces it to the device. */
    public static void writeText(Path file, String text) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            var buffer = StandardCharsets.UTF_8.encode(text);
            while (buffer.hasRemaining()) {
                channel.write(buffer);
            }
            channel.force(true);
        }
    }

    private static Path aside(Path absolute) {
        return absolute.resolveSibling("." + absolute.getFileName() + ".old");
    }

    private static void force(Path directory) throws IOException {
        try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
            channel.force(true);
        } catch (java.nio.file.AccessDeniedException e) {
            // Windows does not open directories; there a rename is durable without it
            if (!System.getProperty("os.name", "").startsWith("Windows")) {
                throw e;
            }
        }
    }

    private static void delete(Path directory) throws IOException {
        if (!Files.exists(directory)) {
            return;
        }
        List<Path> all;
        try (Stream<Path> files = Files.walk(directory)) {
            all = files.sorted(Comparator.reverseOrder()).toList();
        }
        for (Path path : all) {
            Files.deleteIfExists(path);
        }
    }
}
