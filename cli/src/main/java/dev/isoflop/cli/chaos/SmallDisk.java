package dev.isoflop.cli.chaos;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * A directory that is a file system of its own (tmpfs), of a size, so that it can be filled without harm to anybody else: what then
 * fails is the kernel's own "No space left on device". Only root on Linux may mount one.
 *
 * <p>Crash: the mount outlives a killed process and holds at most its size in memory until it is unmounted.
 */
final class SmallDisk implements AutoCloseable {

    private final Path directory;
    private final Path filler;

    private SmallDisk(Path directory) {
        this.directory = directory;
        this.filler = directory.resolve("filler");
    }

    /** Mounts one at a new directory; empty where that cannot be done. */
    static Optional<SmallDisk> mount(Path directory, int megabytes) throws IOException, InterruptedException {
        Files.createDirectories(directory);
        if (!Files.exists(Path.of("/proc/mounts"))) {
            return Optional.empty();
        }
        return run("mount", "-t", "tmpfs", "-o", "size=" + megabytes + "m,mode=700", "tmpfs", directory.toString())
                ? Optional.of(new SmallDisk(directory))
                : Optional.empty();
    }

    /** Takes all the space there is. */
    synchronized void fill() throws IOException {
        byte[] block = new byte[1 << 16];
        try (OutputStream out = Files.newOutputStream(filler)) {
            for (int length = block.length; length > 0; ) {
                try {
                    out.write(block, 0, length);
                } catch (IOException e) { // it is full, to the page
                    length /= 2;
                }
            }
        }
    }

    synchronized void free() throws IOException {
        Files.deleteIfExists(filler);
    }

    @Override
    public void close() throws IOException, InterruptedException {
        if (!run("umount", directory.toString()) && !run("umount", "-l", directory.toString())) {
            throw new IOException(directory + " could not be unmounted");
        }
    }

    private static boolean run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        return process.waitFor(20, TimeUnit.SECONDS) && process.exitValue() == 0;
    }
}
