package dev.isoflop.cli.chaos;

import dev.isoflop.cli.client.ApiException;
import dev.isoflop.cli.client.UnreachableException;
import dev.isoflop.cli.show.SweepWatch;
import dev.isoflop.protocol.api.Views;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The platform, its database and the runners under test, all in one directory.
 *
 * <p>Concurrency: one thread starts and uses it; {@link #close} may come from another, once or twice.
 */
final class Lab implements AutoCloseable {

    private final Path directory;
    private final Path root;
    private final int count;
    private final long seed;
    private final Consumer<String> say;
    private final History history = new History();
    private final List<LabRunner> runners = new ArrayList<>();
    private @Nullable LabPlatform platform;
    private boolean closed;

    /** @param root of the built project */
    Lab(Path directory, Path root, int count, long seed, Consumer<String> say) {
        this.directory = directory;
        this.root = root;
        this.count = count;
        this.seed = seed;
        this.say = say;
    }

    void start() throws IOException, InterruptedException {
        LabPlatform started = new LabPlatform(directory, root, say);
        synchronized (this) {
            platform = started;
        }
        Path theirs = Files.createDirectories(directory.resolve("runners"));
        String token = started.runnerToken();
        for (int i = 0; i < count; i++) {
            String name = "runner-" + i;
            Link link = new Link(name, started.api().url(), history, seed * 31 + i);
            LabRunner runner = new LabRunner(name, root, theirs, token, link, say);
            synchronized (this) {
                runners.add(runner);
            }
            runner.start();
        }
        if (runners.getFirst().disk().isEmpty()) {
            say.accept("No file systems can be mounted here: disks are not filled.");
        }
    }

    LabPlatform platform() {
        LabPlatform started = platform;
        if (started == null) {
            throw new IllegalStateException("not started");
        }
        return started;
    }

    Path directory() {
        return directory;
    }

    History history() {
        return history;
    }

    Disturber disturber() {
        return new Disturber(platform(), List.copyOf(runners), say);
    }

    /** Whether every run has ended; false while the platform does not answer. */
    boolean allEnded(Views.Sweep sweep) {
        try {
            List<Views.Run> runs = SweepWatch.runs(platform().api(), sweep.id());
            return runs.stream().allMatch(r -> r.state().isTerminal());
        } catch (UnreachableException | ApiException e) {
            return false;
        }
    }

    /** Waits until every run has ended, or the time is up. */
    List<Views.Run> await(Views.Sweep sweep, int seconds, int expected) throws IOException, InterruptedException {
        long end = System.nanoTime() + seconds * 1_000_000_000L;
        while (true) {
            List<Views.Run> runs =
                    platform().ask(() -> SweepWatch.runs(platform().api(), sweep.id()));
            if (runs.size() != expected) {
                throw new IOException("the sweep has " + runs.size() + " runs instead of " + expected);
            }
            if (runs.stream().allMatch(r -> r.state().isTerminal()) || System.nanoTime() - end > 0) {
                return runs;
            }
            for (LabRunner runner : runners) {
                runner.supervise();
            }
            Thread.sleep(300);
        }
    }

    @Override
    public void close() throws IOException, InterruptedException {
        List<LabRunner> ending;
        LabPlatform last;
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
            ending = List.copyOf(runners);
            last = platform;
        }
        List<Thread> threads = new ArrayList<>();
        for (LabRunner runner : ending) {
            threads.add(Thread.ofVirtual().start(() -> {
                try {
                    runner.close();
                } catch (IOException e) {
                    say.accept(e.toString());
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        if (last != null) {
            last.close();
        }
    }
}
