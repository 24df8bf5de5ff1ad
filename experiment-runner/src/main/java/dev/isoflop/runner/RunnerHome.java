package dev.isoflop.runner;

import dev.isoflop.runner.work.Directories;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/**
 * A runner's work directory: {@code datasets/} and {@code corpora/}, shared by the runners of the machine, and {@code
 * runs/NAME/}, one runner's own, with {@code kept/NAME/} for what is to outlive its process ({@link KeptRun}).
 *
 * <p>Crash: {@code runs/NAME.lock} is locked by the living process only, so what lies in {@code runs/NAME/} when the
 * lock is won is a dead one's and is deleted. Nothing of another runner's is ever touched, but for what has been kept too long.
 */
final class RunnerHome implements AutoCloseable {

    private final String name;
    private final Path attempts;
    private final Path kept;
    private final FileChannel channel;

    private RunnerHome(String name, Path attempts, Path kept, FileChannel channel) {
        this.name = name;
        this.attempts = attempts;
        this.kept = kept;
        this.channel = channel;
    }

    /**
     * Takes the name given, or the first free one of {@code HOST-1}, {@code HOST-2}, ….
     *
     * @throws IOException if the name is another living runner's, or the disk fails
     */
    static RunnerHome take(Path home, @Nullable String name, String host) throws IOException {
        Path runs = home.resolve("runs");
        Files.createDirectories(runs);
        if (name != null) {
            RunnerHome taken = tryTake(runs, name);
            if (taken == null) {
                throw new IOException(
                        "Another runner named " + name + " is at work in " + home + "; give this one another --name");
            }
            return taken;
        }
        for (int i = 1; ; i++) {
            RunnerHome taken = tryTake(runs, host + "-" + i);
            if (taken != null) {
                return taken;
            }
        }
    }

    private static @Nullable RunnerHome tryTake(Path runs, String name) throws IOException {
        String fileName = name.replaceAll("[^A-Za-z0-9._-]", "_");
        FileChannel channel =
                FileChannel.open(runs.resolve(fileName + ".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        FileLock lock = null;
        try {
            lock = channel.tryLock();
        } catch (OverlappingFileLockException e) {
            // held by this very process
        } finally {
            if (lock == null) {
                channel.close();
            }
        }
        if (lock == null) {
            return null;
        }
        Path attempts = runs.resolve(fileName);
        Directories.delete(attempts);
        Files.createDirectories(attempts);
        return new RunnerHome(name, attempts, runs.resolveSibling("kept").resolve(fileName), channel);
    }

    String name() {
        return name;
    }

    /** Where the attempts' directories go. */
    Path attempts() {
        return attempts;
    }

    /** Where checkpoints are that the platform has not got yet. */
    Path kept() {
        return kept;
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
