package dev.isoflop.cli.chaos;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * One runner: its process, its line to the platform, its disk and its clock.
 *
 * <p>Concurrency: methods may be called from any thread. A process is replaced under the object's lock; waiting happens outside
 * of it, so that a frozen process can be thawed while it is asked to end.
 */
final class LabRunner implements AutoCloseable {

    private static final int DISK_MEGABYTES = 48;
    private static final int END_SECONDS = 40;

    private final String name;
    private final Path root;
    private final Path directory;
    private final String token;
    private final Consumer<String> say;
    private final Link link;
    private final Path clock;
    private final @Nullable SmallDisk disk;
    private @Nullable Process process;
    private boolean down;
    private boolean over;
    private long offsetMillis;

    /**
     * @param root of the built project
     * @param directory for its home and its log
     */
    LabRunner(String name, Path root, Path directory, String token, Link link, Consumer<String> say)
            throws IOException, InterruptedException {
        this.name = name;
        this.root = root;
        this.directory = directory;
        this.token = token;
        this.link = link;
        this.say = say;
        this.clock = directory.resolve(name + ".clock");
        this.disk = SmallDisk.mount(directory.resolve(name), DISK_MEGABYTES).orElse(null);
        Files.writeString(clock, "0");
    }

    Link link() {
        return link;
    }

    Optional<SmallDisk> disk() {
        return Optional.ofNullable(disk);
    }

    synchronized void start() throws IOException {
        if (over || (process != null && process.isAlive())) {
            return;
        }
        down = false;
        Path target = root.resolve("experiment-runner").resolve("target");
        Path jar;
        try (Stream<Path> files = Files.list(target)) {
            jar = files.filter(f -> f.getFileName().toString().matches("experiment-runner-[^-]+(-SNAPSHOT)?\\.jar"))
                    .findFirst()
                    .orElseThrow(() -> new IOException("the runner is not built: ./isoflop build"));
        }
        ProcessBuilder builder = new ProcessBuilder(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules",
                "jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "-XX:+UseSerialGC",
                "-Xmx384m",
                "-Disoflop.clock.offset-file=" + clock,
                "-cp",
                jar + File.pathSeparator + target.resolve("lib") + File.separator + "*",
                "dev.isoflop.runner.RunnerMain",
                "--url",
                link.url(),
                "--name",
                name,
                "--slots",
                "2",
                "--threads",
                "1",
                "--gpus",
                "none",
                "--no-commands",
                "--disk-reserve", // of its small disk: what is to be seen is how it bears one that is full
                "1MB",
                "--home",
                directory.resolve(name).toString()));
        builder.environment().put("ISOFLOP_TOKEN", token);
        process = builder.directory(directory.toFile())
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(
                        directory.resolve(name + ".log").toFile()))
                .start();
    }

    /** Takes the process down and says which it was; empty if it is down already. */
    private synchronized Optional<Process> takeDown() {
        Process now = process;
        if (down || over || now == null) {
            return Optional.empty();
        }
        down = true;
        return Optional.of(now);
    }

    /** SIGKILL; started again after a while. */
    void kill(int downMillis) throws IOException, InterruptedException {
        Optional<Process> taken = takeDown();
        if (taken.isPresent()) {
            taken.get().destroyForcibly().waitFor();
            Thread.sleep(downMillis);
            start();
        }
    }

    /** SIGTERM; started again a while after it has ended. */
    void stop(int downMillis) throws IOException, InterruptedException {
        Optional<Process> taken = takeDown();
        if (taken.isPresent()) {
            end(taken.get());
            Thread.sleep(downMillis);
            start();
        }
    }

    private void end(Process ending) throws InterruptedException {
        ending.destroy();
        if (!ending.waitFor(END_SECONDS, TimeUnit.SECONDS)) {
            say.accept(name + " did not end within " + END_SECONDS + " s of SIGTERM; killed");
            ending.destroyForcibly().waitFor();
        }
    }

    void freeze(int millis) throws IOException, InterruptedException {
        Process frozen;
        synchronized (this) {
            if (over || process == null || !process.isAlive()) {
                return;
            }
            frozen = process;
        }
        Signals.send("STOP", frozen.pid());
        try {
            frozen.waitFor(millis, TimeUnit.MILLISECONDS);
        } finally {
            if (frozen.isAlive()) {
                Signals.send("CONT", frozen.pid());
            }
        }
    }

    synchronized void jumpClock(long byMillis) throws IOException {
        offsetMillis += byMillis;
        Path fresh = clock.resolveSibling(name + ".clock.new");
        Files.writeString(fresh, Long.toString(offsetMillis));
        Files.move(fresh, clock, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    /** Starts it again if it has ended by itself, as any supervisor of services would. */
    void supervise() throws IOException {
        synchronized (this) {
            Process now = process;
            if (down || over || now == null || now.isAlive()) {
                return;
            }
            say.accept(name + " ended by itself with " + now.exitValue());
        }
        start();
    }

    @Override
    public void close() throws IOException, InterruptedException {
        Process last;
        synchronized (this) {
            over = true;
            last = process;
        }
        if (last != null && last.isAlive()) {
            Signals.send("CONT", last.pid());
            end(last);
        }
        link.close();
        if (disk != null) {
            disk.close();
        }
    }
}
