package dev.isoflop.platform.providers.local;

import dev.isoflop.platform.IsoflopSettings;
import dev.isoflop.platform.providers.PoolSettings;
import dev.isoflop.platform.providers.ProvidedRunner;
import dev.isoflop.platform.providers.ProviderException;
import dev.isoflop.platform.providers.RunnerProvider;
import dev.isoflop.platform.providers.RunnerRequest;
import java.io.File;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;

/**
 * Runners as processes of this machine, each a session of its own.
 *
 * <p>Crash: a process writes its pid into {@code launches/KEY.pid} in the platform's home before it becomes the runner, so a
 * platform that dies at any moment finds it again. A pid counts only while its process has the key among its arguments;
 * whatever else has that pid by now is left alone. When the platform ends in good order its local runners end before it,
 * with checkpoints; when it is killed they go on and are found by the next.
 *
 * <p>Concurrency: pools ask for runners at the same time. Once the platform has begun to end, none is started any more.
 *
 * <p>Only one platform may use this provider for a pool: another machine's would not see these processes.
 */
@Component
class LocalProvider implements RunnerProvider, SmartLifecycle {

    private static final Logger log = LoggerFactory.getLogger(LocalProvider.class);
    private static final FileAttribute<?>[] OWNER_ONLY =
            FileSystems.getDefault().supportedFileAttributeViews().contains("posix")
                    ? new FileAttribute<?>[] {
                        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"))
                    }
                    : new FileAttribute<?>[0];

    /** A little longer than a runner takes for its last checkpoints. */
    private static final Duration LAST_CHECKPOINTS = Duration.ofSeconds(25);

    private static final Duration ENDED_KEPT = Duration.ofHours(1);

    private static final String PID = ".pid";

    /** Writes its pid, in one step, and becomes the runner. Its arguments: the file, then the command. */
    private static final String BECOME = "printf %s $$ >\"$0.new\" && mv -f \"$0.new\" \"$0\" && exec \"$@\"";

    private final Path home;
    private final Path launches;
    /** Processes that this platform has started: one may be so young that it has not written its pid yet. */
    private final Set<Process> started = ConcurrentHashMap.newKeySet();

    private final Object starting = new Object();
    private volatile boolean running;
    private boolean ending;

    LocalProvider(IsoflopSettings settings) {
        this.home = settings.home().toAbsolutePath().normalize();
        this.launches = home.resolve("launches");
    }

    @Override
    public String name() {
        return "local";
    }

    @Override
    public void check(String prefix, PoolSettings pool) {
        refuse(pool.partition() != null, prefix + ".partition");
        refuse(pool.account() != null, prefix + ".account");
        refuse(!pool.sbatchOptions().isEmpty(), prefix + ".sbatch-options");
        refuse(pool.timeLimit() != null, prefix + ".time-limit");
        if (pool.gpus() > 0 && pool.maxRunners() > 1) {
            throw new IllegalArgumentException(
                    prefix + ".max-runners must be 1 for local runners with GPUs: each takes all of this machine");
        }
    }

    private static void refuse(boolean given, String property) {
        if (given) {
            throw new IllegalArgumentException(property + " is for provider slurm, not local");
        }
    }

    @Override
    public String start(RunnerRequest request) throws ProviderException {
        Path work = request.pool().workDirectory();
        Path logs = request.pool().logDirectory();
        try {
            Files.createDirectories(launches);
            Path log = (logs == null ? home.resolve("logs") : logs).resolve(request.key() + ".log");
            Files.createDirectories(log.toAbsolutePath().getParent());
            makeForOwner(log);
            List<String> command = new ArrayList<>();
            if (Files.isExecutable(Path.of("/usr/bin/setsid"))) {
                command.add("/usr/bin/setsid"); // Ctrl-C and the end of the platform's session are not for it
            }
            command.addAll(
                    List.of("/bin/sh", "-c", BECOME, pidFile(request.key()).toString()));
            command.addAll(request.commandLine((work == null ? home.resolve("runner") : work).toString()));
            ProcessBuilder builder = new ProcessBuilder(command)
                    .directory(home.toFile())
                    .redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")))
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
            builder.environment().put(RunnerRequest.TOKEN_VARIABLE, request.token());
            return Long.toString(start(builder).pid());
        } catch (IOException e) {
            throw ProviderException.refused("The runner's process could not be started: " + e.getMessage());
        }
    }

    private Process start(ProcessBuilder builder) throws IOException, ProviderException {
        synchronized (starting) {
            if (ending) {
                throw ProviderException.refused("The platform is ending, and its local runners with it.");
            }
            Process process = builder.start();
            started.removeIf(earlier -> !earlier.isAlive());
            started.add(process);
            return process;
        }
    }

    private static void makeForOwner(Path log) throws IOException {
        try {
            Files.createFile(log, OWNER_ONLY);
        } catch (FileAlreadyExistsException e) {
            // of an earlier start of the same runner
        }
    }

    @Override
    public List<ProvidedRunner> list(PoolSettings pool, String keyPrefix) throws ProviderException {
        if (!Files.isDirectory(launches)) {
            return List.of();
        }
        List<ProvidedRunner> runners = new ArrayList<>();
        try (Stream<Path> files = Files.list(launches)) {
            for (Path file : files.toList()) {
                String name = file.getFileName().toString();
                if (name.startsWith(keyPrefix) && name.endsWith(PID)) {
                    ProvidedRunner runner = runner(name.substring(0, name.length() - PID.length()));
                    runners.add(runner);
                    forgetInTime(file, runner);
                }
            }
        } catch (IOException e) {
            throw ProviderException.noAnswer("The local runners could not be listed: " + e.getMessage());
        }
        return runners;
    }

    private static void forgetInTime(Path file, ProvidedRunner runner) throws IOException {
        if (runner.state() == ProvidedRunner.State.ENDED
                && Files.getLastModifiedTime(file)
                        .toInstant()
                        .isBefore(Instant.now().minus(ENDED_KEPT))) {
            Files.deleteIfExists(file);
        }
    }

    private ProvidedRunner runner(String key) {
        Optional<ProcessHandle> process = process(key);
        if (process.isPresent()) {
            return new ProvidedRunner(
                    key, Long.toString(process.get().pid()), ProvidedRunner.State.RUNNING, "this machine", null);
        }
        return new ProvidedRunner(
                key,
                "",
                ProvidedRunner.State.ENDED,
                "this machine",
                "The process has ended; its log is " + key + ".log.");
    }

    private Path pidFile(String key) {
        return launches.resolve(key + PID);
    }

    /** The runner's process, if it lives. */
    private Optional<ProcessHandle> process(String key) {
        try {
            return ProcessHandle.of(Long.parseLong(Files.readString(pidFile(key))))
                    .filter(ProcessHandle::isAlive)
                    .filter(p -> p.info()
                            .arguments()
                            .map(arguments -> Arrays.stream(arguments).anyMatch(a -> a.contains(key)))
                            .orElse(false));
        } catch (IOException | NumberFormatException e) {
            return Optional.empty();
        }
    }

    @Override
    public void stop(PoolSettings pool, ProvidedRunner runner, boolean forcibly) {
        process(runner.key()).ifPresent(p -> {
            if (forcibly) {
                p.destroyForcibly();
            } else {
                p.destroy();
            }
        });
    }

    // --- the end of the platform

    /** While the platform answers still: runners report their last checkpoints to it. */
    @Override
    public int getPhase() {
        return Integer.MAX_VALUE;
    }

    @Override
    public void start() {
        synchronized (starting) {
            ending = false;
        }
        running = true;
    }

    @Override
    public boolean isRunning() {
        return running;
    }

    @Override
    public void stop() {
        running = false;
        synchronized (starting) {
            ending = true; // the runs that are given up now bring no new runner
        }
        Set<ProcessHandle> left = new HashSet<>();
        started.forEach(process -> left.add(process.toHandle()));
        try (Stream<Path> files = Files.isDirectory(launches) ? Files.list(launches) : Stream.empty()) {
            files.map(file -> file.getFileName().toString())
                    .filter(name -> name.endsWith(PID))
                    .forEach(name -> process(name.substring(0, name.length() - PID.length()))
                            .ifPresent(left::add));
        } catch (IOException e) {
            log.warn("The local runners could not be listed: they go on", e);
        }
        left.forEach(ProcessHandle::destroy);
        long end = System.nanoTime() + LAST_CHECKPOINTS.toNanos();
        try {
            while (left.stream().anyMatch(ProcessHandle::isAlive) && System.nanoTime() < end) {
                Thread.sleep(50);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
