package dev.isoflop.platform.database;

import dev.isoflop.platform.CannotStartException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A PostgreSQL left behind by a platform that was killed. The caller holds the home's lock, so nobody uses it. */
final class Orphan {

    private static final Logger log = LoggerFactory.getLogger(Orphan.class);
    private static final Duration FAST = Duration.ofSeconds(20);
    private static final Duration IMMEDIATE = Duration.ofSeconds(10);

    private static final Duration BACKEND = Duration.ofSeconds(3);

    private Orphan() {}

    /** Stops the server of that data directory if one is running, and removes a stale {@code postmaster.pid}. */
    static void stop(Path data) throws IOException {
        Path pidFile = data.resolve("postmaster.pid");
        if (!Files.exists(pidFile)) {
            return;
        }
        Optional<ProcessHandle> running = postmaster(data, pidFile);
        if (running.isPresent()) {
            ProcessHandle orphan = running.get();
            log.info("Stopping the PostgreSQL (pid {}) that an earlier platform left behind", orphan.pid());
            // SIGINT is PostgreSQL's fast shutdown, SIGQUIT its immediate one, after which it recovers from its log.
            signal(orphan, "INT");
            if (!ended(orphan, FAST)) {
                signal(orphan, "QUIT");
                if (!ended(orphan, IMMEDIATE)) {
                    throw new CannotStartException(
                            "A PostgreSQL left behind in %s (pid %d) does not stop; end it by hand."
                                    .formatted(data, orphan.pid()));
                }
            }
        }
        endBackends(data);
        // Its process is gone. Left in place, it would be believed as soon as any other process had that id.
        Files.deleteIfExists(pidFile);
    }

    /**
     * Ends the processes that a killed postmaster has left: a busy one notices its death only when it waits next, and a server started
     * beside it would spoil the data. PostgreSQL's own guard against that is the file deleted here.
     */
    private static void endBackends(Path data) {
        for (ProcessHandle process : ProcessHandle.allProcesses()
                .filter(p -> p.pid() != ProcessHandle.current().pid())
                .filter(p -> worksIn(p, data))
                .toList()) {
            if (!ended(process, BACKEND)) {
                process.destroyForcibly();
                ended(process, IMMEDIATE);
            }
        }
    }

    private static boolean worksIn(ProcessHandle process, Path data) {
        try {
            return process.info().command().orElse("").contains("postgres")
                    && Files.isSameFile(Path.of("/proc/" + process.pid() + "/cwd"), data);
        } catch (IOException e) {
            return false; // another user's, gone meanwhile, or a system without /proc
        }
    }

    /** The server of that data directory, if it is running. */
    static Optional<ProcessHandle> running(Path data) throws IOException {
        Path pidFile = data.resolve("postmaster.pid");
        return Files.exists(pidFile) ? postmaster(data, pidFile) : Optional.empty();
    }

    private static Optional<ProcessHandle> postmaster(Path data, Path pidFile) throws IOException {
        List<String> lines = Files.readAllLines(pidFile);
        long pid;
        try {
            pid = lines.isEmpty() ? 0 : Long.parseLong(lines.getFirst().strip());
        } catch (NumberFormatException e) {
            pid = 0;
        }
        if (pid <= 0) {
            return Optional.empty();
        }
        return ProcessHandle.of(pid).filter(ProcessHandle::isAlive).filter(p -> isPostgresOf(p, data));
    }

    /** Process ids are used again, above all in containers: it must be a postgres, working in that directory. */
    private static boolean isPostgresOf(ProcessHandle process, Path data) {
        String command = process.info().command().orElse("");
        if (!command.isEmpty() && !command.contains("postgres")) {
            return false;
        }
        try {
            // A postmaster's working directory is its data directory.
            return Files.isSameFile(Path.of("/proc/" + process.pid() + "/cwd"), data);
        } catch (IOException e) {
            return command.contains("postgres");
        }
    }

    private static void signal(ProcessHandle process, String signal) throws IOException {
        try {
            new ProcessBuilder("kill", "-" + signal, Long.toString(process.pid()))
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start()
                    .waitFor(5, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while stopping PostgreSQL", e);
        }
    }

    private static boolean ended(ProcessHandle process, Duration wait) {
        // Not onExit(): the process is not our child, and polling is what that does anyway.
        long deadline = System.nanoTime() + wait.toNanos();
        while (process.isAlive()) {
            if (System.nanoTime() - deadline > 0) {
                return false;
            }
            try {
                Thread.sleep(50);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return false;
            }
        }
        return true;
    }
}
