package dev.isoflop.runner;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps a worker process alive: starts it, passes on the wish to end, and starts it anew when it ended because of a GPU, since a ruined
 * CUDA context goes only with its process. Any other end of the worker is the supervisor's own.
 *
 * <p>Crash: a supervisor that is killed leaves a worker that sees its parent gone ({@link #endWithParent}) and drains.
 */
final class Supervisor {

    private static final Logger log = LoggerFactory.getLogger(Supervisor.class);

    /** Set in the environment of a worker, so that it does not supervise another. */
    private static final String WORKER = "ISOFLOP_RUNNER_WORKER";

    private static final Duration PARENT_CHECK = Duration.ofSeconds(1);

    private final List<String> command;
    private final int restartStatus;
    private final int mostRestarts;
    private final Duration window;
    private final Duration grace;
    private volatile boolean ending;

    /**
     * @param command of the worker
     * @param restartStatus exit status that asks for another worker
     * @param mostRestarts in any {@code window}; one more ends the supervisor too, for a GPU that fails again and again needs a person
     * @param grace how long a worker that was told to end may take
     */
    Supervisor(List<String> command, int restartStatus, int mostRestarts, Duration window, Duration grace) {
        this.command = List.copyOf(command);
        this.restartStatus = restartStatus;
        this.mostRestarts = mostRestarts;
        this.window = window;
        this.grace = grace;
    }

    /** Whether this process is a worker already. */
    static boolean isWorker() {
        return "1".equals(System.getenv(WORKER));
    }

    /** The command that this process was started with, for a worker of the same kind. */
    static List<String> ownCommand(String mainClass, List<String> arguments) {
        List<String> command = new ArrayList<>();
        command.add(System.getProperty("java.home") + "/bin/java");
        command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), mainClass));
        command.addAll(arguments);
        return command;
    }

    /** Runs workers until one ends for good; its exit status. */
    int run() throws IOException, InterruptedException {
        Deque<Long> restarts = new ArrayDeque<>();
        while (true) {
            ProcessBuilder builder = new ProcessBuilder(command).inheritIO();
            builder.environment().putAll(Map.of(WORKER, "1"));
            Process worker = builder.start();
            Thread hook = new Thread(() -> end(worker), "end-worker");
            Runtime.getRuntime().addShutdownHook(hook);
            int status = worker.waitFor();
            if (ending) {
                return status;
            }
            Runtime.getRuntime().removeShutdownHook(hook);
            long now = System.nanoTime();
            restarts.removeIf(at -> now - at > window.toNanos());
            if (status != restartStatus) {
                return status;
            }
            if (restarts.size() >= mostRestarts) {
                log.error(
                        "the GPU failed {} times in {} minutes: this runner ends",
                        restarts.size() + 1,
                        window.toMinutes());
                return status;
            }
            restarts.add(now);
            log.warn("the worker ended because of a GPU; another one takes its place");
        }
    }

    private void end(Process worker) {
        ending = true;
        worker.destroy();
        try {
            if (!worker.waitFor(grace.toMillis(), TimeUnit.MILLISECONDS)) {
                worker.destroyForcibly();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** In a worker: does something once the supervisor is gone without having told it to end. */
    static void endWithParent(Runnable gone) {
        ProcessHandle.current()
                .parent()
                .ifPresent(parent -> Thread.ofPlatform().name("parent").daemon().start(() -> {
                    try {
                        while (parent.isAlive()) {
                            Thread.sleep(PARENT_CHECK.toMillis());
                        }
                        gone.run();
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                }));
    }
}
