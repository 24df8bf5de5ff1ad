package dev.isoflop.cli.chaos;

import dev.isoflop.cli.CliException;
import dev.isoflop.cli.client.ApiClient;
import dev.isoflop.cli.client.ApiException;
import dev.isoflop.cli.client.UnreachableException;
import dev.isoflop.cli.local.Home;
import dev.isoflop.cli.local.LocalStack;
import dev.isoflop.protocol.api.Views;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The platform with its database, as {@code isoflop up} starts them, with short leases.
 *
 * <p>Concurrency: one thread disturbs it at a time; {@link #ask} may be used by any.
 */
final class LabPlatform implements AutoCloseable {

    /** Leases of five seconds: what takes minutes in a lab takes seconds here. */
    private static final List<String> SETTINGS = List.of(
            "--isoflop.lease.heartbeat=1s",
            "--isoflop.lease.suspect=2500ms",
            "--isoflop.lease.ttl=5s",
            "--isoflop.lease.reaper-interval=250ms",
            "--isoflop.lease.backoff=100ms",
            "--isoflop.lease.backoff-max=2s",
            // runners are killed by the script here, and never by a run
            "--isoflop.failures.quarantine-after=100");

    private static final int ARTIFACT_MEGABYTES = 256;
    private static final int RECOVERY_SECONDS = 90;

    private final Home home;
    private final LocalStack stack;
    private final LocalStack.Options options;
    private final Consumer<String> say;
    private final @Nullable SmallDisk artifacts;
    private final ApiClient api;

    /** @param root of the built project */
    LabPlatform(Path directory, Path root, Consumer<String> say) throws IOException, InterruptedException {
        this.home = new Home(directory);
        this.say = say;
        this.stack = new LocalStack(home, root, line -> {});
        Path files = directory.resolve("artifacts");
        this.artifacts = SmallDisk.mount(files, ARTIFACT_MEGABYTES).orElse(null);
        this.options = new LocalStack.Options(freePort(), null, false, true, SETTINGS, List.of());
        try {
            LocalStack.Result up = stack.up(options);
            this.api = new ApiClient(URI.create(up.up().url()), up.client().token());
        } catch (IOException | InterruptedException | RuntimeException e) {
            close();
            throw e;
        }
    }

    ApiClient api() {
        return api;
    }

    Optional<SmallDisk> artifacts() {
        return Optional.ofNullable(artifacts);
    }

    String runnerToken() {
        return api.post(
                        "/tokens",
                        new Views.CreateToken("chaos", "runner", null),
                        UUID.randomUUID().toString(),
                        Views.NewToken.class)
                .secret();
    }

    /** Asks until the platform answers. */
    <T> T ask(Supplier<T> question) throws InterruptedException {
        long end = System.nanoTime() + RECOVERY_SECONDS * 1_000_000_000L;
        while (true) {
            try {
                return question.get();
            } catch (UnreachableException e) {
                if (System.nanoTime() - end > 0) {
                    throw e;
                }
            } catch (ApiException e) {
                if (e.status() < 500 || System.nanoTime() - end > 0) {
                    throw e;
                }
            }
            Thread.sleep(200);
        }
    }

    void kill(int downMillis) throws IOException, InterruptedException {
        process().ifPresent(ProcessHandle::destroyForcibly);
        awaitEnd();
        Thread.sleep(downMillis);
        startAgain();
    }

    void restart(int downMillis) throws IOException, InterruptedException {
        long begun = System.nanoTime();
        stack.down();
        if (System.nanoTime() - begun > 50_000_000_000L) {
            say.accept("the platform took a minute to end");
        }
        Thread.sleep(downMillis);
        startAgain();
    }

    private Optional<ProcessHandle> process() throws IOException {
        return home.up().flatMap(up -> up.platform().alive());
    }

    private void awaitEnd() throws IOException, InterruptedException {
        while (process().isPresent()) {
            Thread.sleep(20);
        }
    }

    private void startAgain() throws IOException, InterruptedException {
        for (int left = 5; ; left--) {
            try {
                stack.up(options);
                return;
            } catch (CliException e) {
                say.accept("the platform did not start: "
                        + String.valueOf(e.getMessage()).lines().findFirst().orElse(""));
                if (left == 0) {
                    throw e;
                }
                Thread.sleep(1_000);
            }
        }
    }

    /** Starts it again if it has ended by itself, as any supervisor of services would. */
    void supervise() throws IOException, InterruptedException {
        if (process().isEmpty()) {
            say.accept("the platform ended by itself");
            startAgain();
        }
    }

    /** Ends PostgreSQL, or one of its connections, and waits until the platform works again. */
    void end(Disturbance.DatabaseEnd how) throws IOException, InterruptedException {
        Path data = home.root().resolve("postgres").resolve("data");
        long postmaster = Long.parseLong(
                Files.readAllLines(data.resolve("postmaster.pid")).getFirst().strip());
        if (!Files.isSameFile(Path.of("/proc/" + postmaster + "/cwd"), data)) {
            throw new IOException("process " + postmaster + " is not the PostgreSQL of " + data);
        }
        long pid = how.backend ? backend(postmaster).orElse(postmaster) : postmaster;
        Signals.send(how.signal, pid);
        long begun = System.nanoTime();
        ask(() -> api.get("/overview", tools.jackson.databind.JsonNode.class));
        long took = (System.nanoTime() - begun) / 1_000_000_000;
        if (took > 30) {
            say.accept("the platform took " + took + " s to work again");
        }
    }

    /** A process that serves a connection. */
    private static Optional<Long> backend(long postmaster) throws IOException {
        for (ProcessHandle child : ProcessHandle.of(postmaster).stream()
                .flatMap(ProcessHandle::children)
                .toList()) {
            Path title = Path.of("/proc/" + child.pid() + "/cmdline");
            if (Files.exists(title) && Files.readString(title).contains("127.0.0.1(")) {
                return Optional.of(child.pid());
            }
        }
        return Optional.empty();
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    @Override
    public void close() throws IOException, InterruptedException {
        stack.downForGood();
        if (artifacts != null) {
            artifacts.close();
        }
    }
}
