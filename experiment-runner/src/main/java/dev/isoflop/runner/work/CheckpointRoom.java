package dev.isoflop.runner.work;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/**
 * Writes checkpoints as long as the disk has room for them. One that does not fit is left out, which the log says once, and the work
 * goes on: the last good one stays, and the next is tried when it is due.
 *
 * <p>Not safe for several threads.
 */
public final class CheckpointRoom {

    /** Writes a checkpoint into a directory. */
    @FunctionalInterface
    public interface Writer {
        /** @return whether there was anything to write */
        boolean write(Path directory) throws IOException, InterruptedException;
    }

    private final AttemptContext context;
    private long lastBytes;
    private boolean full;

    public CheckpointRoom(AttemptContext context) {
        this.context = context;
    }

    /**
     * @param directory to be made
     * @return false if it was left out, for want of room or because there was nothing to write; nothing of it stays then
     * @throws IOException if the disk fails in another way
     */
    public boolean write(Path directory, long step, Writer writer) throws IOException, InterruptedException {
        if (!context.hasRoomFor(lastBytes)) {
            leftOut(step, "the runner's disk is nearly full");
            return false;
        }
        try {
            if (!writer.write(directory)) {
                Directories.delete(directory);
                return false;
            }
        } catch (IOException e) {
            Directories.delete(directory);
            if (!Failures.isDiskFull(e)) {
                throw e;
            }
            leftOut(step, "the runner's disk is full");
            return false;
        }
        lastBytes = bytes(directory);
        if (full) {
            full = false;
            context.info("checkpoints are written again, the first at step " + step);
        }
        return true;
    }

    /** Whether the last one was left out for want of room. */
    public boolean isFull() {
        return full;
    }

    private void leftOut(long step, String why) {
        if (!full) {
            full = true;
            context.log("WARN", "no checkpoint at step " + step + ": " + why + "; the work goes on without");
        }
    }

    private static long bytes(Path directory) throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            long sum = 0;
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                sum += Files.size(file);
            }
            return sum;
        }
    }
}
