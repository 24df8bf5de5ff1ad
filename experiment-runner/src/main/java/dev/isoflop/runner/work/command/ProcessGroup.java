package dev.isoflop.runner.work.command;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A program and all it starts, in a session of their own, signalled as one. Members are found three ways: by the process group, by
 * the session (a shell with job control makes groups of its own) and by a mark in their environment (a daemon makes a session of
 * its own).
 *
 * <p>Concurrency: one thread starts and signals. Crash: a small shell in another session holds a pipe from this process; when
 * the pipe ends, because this process was killed, it kills the group. Only a daemon that has left the session outlives that.
 */
final class ProcessGroup implements AutoCloseable {

    /** Environment variable that marks every member. */
    static final String MARK = "ISOFLOP_ATTEMPT_KEY";

    /** Lines of a description. */
    private static final int MOST_DESCRIBED = 400;

    private static final Logger log = LoggerFactory.getLogger(ProcessGroup.class);
    private static final Path PROC = Path.of("/proc");
    private static final long KILL_NANOS = TimeUnit.SECONDS.toNanos(20);
    private static final Optional<Path> SETSID = find("setsid", System.getenv("PATH"));

    private final Process process;
    private final Process guard;
    private final long id;
    private final byte[] mark;
    private boolean halted;

    private ProcessGroup(Process process, Process guard, String key) {
        this.process = process;
        this.guard = guard;
        this.id = process.pid();
        this.mark = (MARK + "=" + key).getBytes(StandardCharsets.UTF_8);
    }

    /** Whether programs can be run here: Linux with {@code setsid}. */
    static boolean isSupported() {
        return SETSID.isPresent() && Files.isDirectory(PROC.resolve("self"));
    }

    /** The executable of that name in a search path such as {@code $PATH}. */
    static Optional<Path> find(String name, String searchPath) {
        return List.of((searchPath == null ? "" : searchPath).split(":")).stream()
                .filter(directory -> !directory.isEmpty())
                .map(directory -> Path.of(directory, name))
                .filter(file -> Files.isRegularFile(file) && Files.isExecutable(file))
                .findFirst();
    }

    /**
     * Starts a program with standard input at its end.
     *
     * @param environment all of it
     */
    static ProcessGroup start(List<String> argv, Path directory, Map<String, String> environment) throws IOException {
        String setsid = SETSID.orElseThrow(() -> new IOException("there is no setsid on this machine"))
                .toString();
        String key = UUID.randomUUID().toString();
        List<String> command = new ArrayList<>();
        command.add(setsid); // executes in place: a child of the JVM never leads a group
        command.add("--");
        command.addAll(argv);
        ProcessBuilder builder = new ProcessBuilder(command).directory(directory.toFile());
        builder.environment().clear();
        builder.environment().putAll(environment);
        builder.environment().put(MARK, key);
        Process process = builder.start();
        try {
            process.getOutputStream().close();
            Process guard = new ProcessBuilder(
                            setsid, "--", "/bin/sh", "-c", "read -r _; kill -9 \"-$0\"", Long.toString(process.pid()))
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            ProcessGroup group = new ProcessGroup(process, guard, key);
            group.awaitSession();
            return group;
        } catch (IOException | RuntimeException e) {
            process.destroyForcibly();
            throw e;
        }
    }

    /** Until it leads its session a signal to the group would miss it. */
    private void awaitSession() {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(5);
        while (process.isAlive() && Signals.session(id) != id && System.nanoTime() - end < 0) {
            Thread.onSpinWait();
        }
    }

    InputStream output() {
        return process.getInputStream();
    }

    InputStream errors() {
        return process.getErrorStream();
    }

    /** Waits a little for the end of the program itself; its children may live on. */
    boolean awaitExit(long millis) throws InterruptedException {
        return process.waitFor(millis, TimeUnit.MILLISECONDS);
    }

    /** Exit code, or 128 and the signal that ended it. */
    int exitCode() {
        return process.exitValue();
    }

    /** Lets every member go on, if they were halted. */
    void resumeIfHalted() {
        if (halted) {
            signal(Signals.CONT);
        }
    }

    /** Sends a signal to every member. */
    void signal(int signal) {
        halted = signal == Signals.STOP || (halted && signal != Signals.CONT);
        Signals.group(id, signal);
        for (long pid : strays()) {
            Signals.process(pid, signal);
        }
    }

    /**
     * Kills every member and waits until none is left. Not to be interrupted: whatever ends the attempt, nothing of it stays.
     *
     * @return whether nothing is left
     */
    boolean killAll() {
        boolean interrupted = false;
        long end = System.nanoTime() + KILL_NANOS;
        boolean gone = false;
        while (!gone && System.nanoTime() - end < 0) {
            signal(Signals.KILL);
            try {
                process.waitFor(20, TimeUnit.MILLISECONDS);
                gone = !process.isAlive() && members().isEmpty();
                if (!gone) {
                    Thread.sleep(10);
                }
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        if (!gone) {
            log.error("processes {} do not end on SIGKILL: the system holds them", members());
        }
        return gone;
    }

    /** Living members, zombies left out: nobody can do anything about those but their parent. */
    List<Long> members() {
        return scan(false);
    }

    /** What every member is doing, as the kernel says: its state, what it waits for and, where that may be read, its kernel stack. */
    List<String> describe() {
        List<String> lines = new ArrayList<>();
        for (long pid : members()) {
            Path entry = PROC.resolve(Long.toString(pid));
            String command = read(entry.resolve("cmdline")).replace('\0', ' ').strip();
            lines.add("process " + pid + " " + (command.length() > 200 ? command.substring(0, 200) + " …" : command));
            read(entry.resolve("status"))
                    .lines()
                    .filter(l -> l.startsWith("State:") || l.startsWith("Threads:") || l.startsWith("VmRSS:"))
                    .forEach(l -> lines.add("    " + l.replaceAll("\\s+", " ")));
            try (DirectoryStream<Path> threads = Files.newDirectoryStream(entry.resolve("task"))) {
                for (Path thread : threads) {
                    lines.add("    thread " + thread.getFileName() + " "
                            + read(thread.resolve("comm")).strip() + " waits in "
                            + read(thread.resolve("wchan")).strip());
                    read(thread.resolve("stack")).lines().limit(20).forEach(l -> lines.add("        " + l));
                }
            } catch (IOException | DirectoryIteratorException e) {
                lines.add("    (it has ended meanwhile)");
            }
        }
        return lines.size() <= MOST_DESCRIBED ? lines : lines.subList(0, MOST_DESCRIBED);
    }

    private static String read(Path file) {
        try {
            return Files.readString(file, StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            return "";
        }
    }

    /** Members outside the group, which a signal to the group does not reach. */
    private List<Long> strays() {
        return scan(true);
    }

    private List<Long> scan(boolean onlyOutside) {
        List<Long> found = new ArrayList<>();
        long self = ProcessHandle.current().pid();
        try (DirectoryStream<Path> all = Files.newDirectoryStream(PROC, "[0-9]*")) {
            for (Path entry : all) {
                long pid = Long.parseLong(entry.getFileName().toString());
                if (pid > 1 && pid != self && isMember(entry, onlyOutside)) {
                    found.add(pid);
                }
            }
        } catch (IOException | DirectoryIteratorException e) {
            log.warn("{} cannot be read: only the process group itself is reached", PROC, e);
        }
        return found;
    }

    private boolean isMember(Path entry, boolean onlyOutside) {
        try {
            String stat = Files.readString(entry.resolve("stat"), StandardCharsets.ISO_8859_1);
            // pid (name) state ppid pgrp session …; the name may hold anything, parentheses too
            String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
            if (fields[0].equals("Z") || fields[0].equals("X")) {
                return false;
            }
            if (Long.parseLong(fields[2]) == id) {
                return !onlyOutside;
            }
            return Long.parseLong(fields[3]) == id || isMarked(entry);
        } catch (IOException | RuntimeException e) {
            return false; // ended meanwhile, or another user's
        }
    }

    private boolean isMarked(Path entry) throws IOException {
        return Files.isReadable(entry.resolve("environ"))
                && new String(Files.readAllBytes(entry.resolve("environ")), StandardCharsets.ISO_8859_1)
                        .contains(new String(mark, StandardCharsets.ISO_8859_1));
    }

    /** Kills what is left, then the guard, in this order: the guard must never fire at an id that has become another's. */
    @Override
    public void close() {
        killAll();
        guard.destroyForcibly();
    }
}
