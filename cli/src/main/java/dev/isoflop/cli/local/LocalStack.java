package dev.isoflop.cli.local;

import dev.isoflop.cli.CliException;
import dev.isoflop.cli.ExitCode;
import dev.isoflop.cli.client.ApiClient;
import dev.isoflop.cli.client.ApiException;
import dev.isoflop.protocol.api.Views;
import java.io.File;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Starts and stops the platform and the local runner as processes of their own.
 *
 * <p>Concurrency: one command uses it at a time, and {@link #downForGood} may be called beside it, when the command is
 * interrupted: what is being started then is either noted before it looks, and stopped, or not started any more. Crash: a process is stopped only if pid and start time are those {@code
 * up} noted; whatever else has that pid by now is left alone. Each started process is a session of its own where the
 * system has {@code setsid}, so Ctrl-C reaches this command first, which then stops runner and platform in that order.
 */
public final class LocalStack {

    private static final long START_SECONDS = 180;
    private static final String TOKEN_MARK = "ISOFLOP_ADMIN_TOKEN=";
    private static final String READY_MARK = "ISOFLOP_READY url=";

    /** The platform's heap needs a quarter of this under load (docs/benchmarks/platform.md); a bound keeps the process below 1 GB. */
    private static final List<String> PLATFORM_JVM = List.of("-Xmx512m", "-XX:+UseSerialGC");

    private final Home home;
    private final Path root;
    private final Consumer<String> say;
    /** Nothing may be started any more. Guarded by this. */
    private boolean ending;

    /**
     * @param root of the built project: where the modules' {@code target/} directories are
     * @param say told what happens, one line each
     */
    public LocalStack(Home home, Path root, Consumer<String> say) {
        this.home = home;
        this.root = root;
        this.say = say;
    }

    /**
     * @param port to listen on, loopback only
     * @param database JDBC URL of an outside PostgreSQL; absent: the embedded one
     * @param runner whether to start the local runner as well
     * @param offline whether the runner may use only what was fetched before
     */
    public record Options(
            int port,
            @Nullable String database,
            boolean runner,
            boolean offline,
            List<String> platformArguments,
            List<String> runnerArguments) {}

    /** @param newToken the admin token, if this was the first start */
    public record Result(
            Home.Up up,
            Home.Client client,
            boolean alreadyUp,
            @Nullable String newToken) {}

    /** Brings everything up, or finds it up already. */
    public Result up(Options options) throws IOException, InterruptedException {
        home.create();
        Optional<Home.Up> before = home.up();
        if (before.isPresent()) {
            Optional<Result> running = running(before.get(), options);
            if (running.isPresent()) {
                return running.get();
            }
        }
        requireFree(options.port());
        Path log = home.log("platform");
        long logged = Files.exists(log) ? Files.size(log) : 0;
        Process platform = begin(options);
        Ready ready = awaitReady(platform, log, logged);
        Home.Client client = client(ready);
        Home.Up up = new Home.Up(ready.url, options.port(), Home.Started.of(platform.toHandle()), null);
        note(up);
        if (options.runner()) {
            client = withRunnerToken(client);
            up = withRunner(up, client, options);
        }
        return new Result(up, client, false, ready.token);
    }

    /** The platform's process, noted before anything can go wrong, so that down finds it. */
    private synchronized Process begin(Options options) throws IOException {
        requireGoingOn();
        Process platform = startPlatform(options);
        home.save(new Home.Up("", options.port(), Home.Started.of(platform.toHandle()), null));
        return platform;
    }

    private synchronized Home.Up withRunner(Home.Up up, Home.Client client, Options options) throws IOException {
        requireGoingOn();
        Home.Up with = new Home.Up(up.url(), up.port(), up.platform(), startRunner(client, options));
        home.save(with);
        return with;
    }

    private synchronized void note(Home.Up up) throws IOException {
        requireGoingOn();
        home.save(up);
    }

    private void requireGoingOn() {
        if (ending) {
            throw new CliException(ExitCode.INTERRUPTED, "");
        }
    }

    /** What is up already, with the runner started again if it has gone. */
    private Optional<Result> running(Home.Up up, Options options) throws IOException, InterruptedException {
        Optional<Home.Client> client = home.client();
        if (up.platform().alive().isEmpty() || up.url().isEmpty() || client.isEmpty()) {
            say.accept("What an earlier up left behind is not running any more; starting afresh.");
            down();
            return Optional.empty();
        }
        Home.Client known = client.get();
        Home.Started runner = up.runner();
        if (options.runner() && (runner == null || runner.alive().isEmpty())) {
            known = withRunnerToken(known);
            return Optional.of(new Result(withRunner(up, known, options), known, true, null));
        }
        return Optional.of(new Result(up, known, true, null));
    }

    /** Whether {@link #downForGood} has been asked for. */
    public synchronized boolean isEnding() {
        return ending;
    }

    /** As {@link #down}, from any thread; whatever is about to be started is not. */
    public boolean downForGood() throws IOException, InterruptedException {
        synchronized (this) {
            ending = true;
        }
        return down();
    }

    /** Stops runner, then platform. True if anything was running. */
    public boolean down() throws IOException, InterruptedException {
        Optional<Home.Up> up = home.up();
        if (up.isEmpty()) {
            return false;
        }
        boolean any = stop("runner", up.get().runner(), 40);
        any |= stop("platform", up.get().platform(), 60);
        home.forgetUp();
        return any;
    }

    private boolean stop(String what, Home.@Nullable Started started, int seconds) throws InterruptedException {
        Optional<ProcessHandle> handle = started == null ? Optional.empty() : started.alive();
        if (handle.isEmpty()) {
            return false;
        }
        ProcessHandle process = handle.get();
        process.destroy();
        long end = System.nanoTime() + seconds * 1_000_000_000L;
        while (process.isAlive() && System.nanoTime() < end) {
            Thread.sleep(50);
        }
        if (process.isAlive()) {
            say.accept("The " + what + " (pid " + process.pid() + ") did not end within " + seconds + " s; killed.");
            process.destroyForcibly();
        }
        return true;
    }

    private static void requireFree(int port) {
        try (ServerSocket socket = new ServerSocket()) {
            socket.setReuseAddress(true);
            socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
        } catch (IOException e) {
            throw new CliException(
                    ExitCode.FAILED,
                    "Port " + port + " is taken by another program. Choose another: --port " + (port + 1));
        }
    }

    // --- processes

    private Process startPlatform(Options options) throws IOException {
        List<String> command = java(PLATFORM_JVM, "platform-api", "dev.isoflop.platform.PlatformApplication");
        command.add("--isoflop.home=" + home.root());
        command.add("--server.port=" + options.port());
        command.addAll(options.platformArguments());
        return start(command, database(options.database()), "platform");
    }

    /** By the environment: a URL may hold a password, and arguments are for all to see. */
    private static Map<String, String> database(@Nullable String url) {
        return url == null ? Map.of() : Map.of("ISOFLOP_DATABASE_URL", url);
    }

    /**
     * Runs a tool of the platform's to its end, with its output shown here.
     *
     * @param database JDBC URL of an outside PostgreSQL; absent: the embedded one
     * @return its exit code
     */
    public int tool(String main, List<String> arguments, @Nullable String database)
            throws IOException, InterruptedException {
        home.create();
        List<String> command = java(List.of(), "platform-api", main);
        command.addAll(arguments);
        command.add("--isoflop.home=" + home.root());
        // where the platform works as well, so that the same application.yaml is read
        ProcessBuilder builder =
                new ProcessBuilder(command).directory(home.root().toFile()).inheritIO();
        builder.environment().putAll(database(database));
        Process process = builder.start();
        try {
            return process.waitFor();
        } catch (InterruptedException e) {
            process.destroy();
            throw e;
        }
    }

    private Home.Started startRunner(Home.Client client, Options options) throws IOException {
        List<String> command = java(
                List.of("--add-modules", "jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED"),
                "experiment-runner",
                "dev.isoflop.runner.RunnerMain");
        command.addAll(List.of("--url", client.url()));
        command.addAll(List.of("--home", home.root().resolve("runner").toString()));
        if (options.offline()) {
            command.add("--offline");
        }
        command.addAll(options.runnerArguments());
        String token = client.runnerToken();
        Process process = start(command, Map.of("ISOFLOP_TOKEN", token == null ? "" : token), "runner");
        return Home.Started.of(process.toHandle());
    }

    private List<String> java(List<String> flags, String module, String main) throws IOException {
        Path target = root.resolve(module).resolve("target");
        Path jar;
        try (Stream<Path> files = Files.isDirectory(target) ? Files.list(target) : Stream.empty()) {
            jar = files.filter(f -> f.getFileName().toString().matches(module + "-.*\\.jar"))
                    .filter(f -> !f.getFileName().toString().matches(".*-(sources|javadoc|tests)\\.jar"))
                    .findFirst()
                    .orElseThrow(() -> new CliException(
                            ExitCode.FAILED, "The " + module + " is not built; run ./isoflop build first."));
        }
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(flags);
        command.add("-cp");
        command.add(jar + File.pathSeparator + target.resolve("lib") + File.separator + "*");
        command.add(main);
        return command;
    }

    private Process start(List<String> command, Map<String, String> environment, String name) throws IOException {
        Path log = home.log(name);
        if (!Files.exists(log)) {
            Files.createFile(log);
        }
        if (home.posix()) {
            Files.setPosixFilePermissions(log, PosixFilePermissions.fromString("rw-------"));
        }
        Path setsid = Path.of("/usr/bin/setsid");
        if (Files.isExecutable(setsid)) {
            command.addFirst(setsid.toString());
        }
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(home.root().toFile())
                .redirectInput(ProcessBuilder.Redirect.from(new File(nullDevice())))
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
        builder.environment().putAll(environment);
        return builder.start();
    }

    private static String nullDevice() {
        return File.separatorChar == '\\' ? "NUL" : "/dev/null";
    }

    // --- the first moments of the platform

    private record Ready(String url, @Nullable String token) {}

    private Ready awaitReady(Process platform, Path log, long from) throws IOException, InterruptedException {
        long end = System.nanoTime() + START_SECONDS * 1_000_000_000L;
        while (System.nanoTime() < end) {
            String text = tail(log, from);
            String url = after(text, READY_MARK);
            if (url != null) {
                String token = after(text, TOKEN_MARK);
                if (token != null) {
                    redact(log, from, token);
                }
                return new Ready(url, token);
            }
            if (!platform.isAlive()) {
                home.forgetUp();
                throw new CliException(
                        ExitCode.FAILED,
                        "The platform ended while starting; the last lines of " + log + ":\n" + lastLines(text));
            }
            Thread.sleep(100);
        }
        platform.destroy();
        home.forgetUp();
        throw new CliException(
                ExitCode.FAILED, "The platform was not ready within " + START_SECONDS + " s; see " + log);
    }

    private static String tail(Path log, long from) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(log.toFile(), "r")) {
            byte[] bytes = new byte[(int) Math.min(4 << 20, Math.max(0, file.length() - from))];
            file.seek(from);
            file.readFully(bytes);
            return new String(bytes, StandardCharsets.ISO_8859_1); // one char a byte: offsets stay true
        }
    }

    private static @Nullable String after(String text, String mark) {
        int at = text.lastIndexOf(mark);
        int end = at < 0 ? -1 : text.indexOf('\n', at);
        return end < 0 ? null : text.substring(at + mark.length(), end).strip();
    }

    /** The token is shown once and kept in client.json alone: what the log holds of it is overwritten in place. */
    private static void redact(Path log, long from, String token) throws IOException {
        String text = tail(log, from);
        try (RandomAccessFile file = new RandomAccessFile(log.toFile(), "rw")) {
            for (int at = text.indexOf(token); at >= 0; at = text.indexOf(token, at + 1)) {
                file.seek(from + at);
                file.write("*".repeat(token.length()).getBytes(StandardCharsets.US_ASCII));
            }
        }
    }

    private static String lastLines(String text) {
        List<String> lines = text.lines().toList();
        return String.join("\n", lines.subList(Math.max(0, lines.size() - 20), lines.size()));
    }

    // --- tokens

    private Home.Client client(Ready ready) throws IOException {
        Optional<Home.Client> known = home.client();
        String token = ready.token;
        if (token == null) {
            token = known.map(Home.Client::token)
                    .orElseThrow(
                            () -> new CliException(
                                    ExitCode.FAILED,
                                    "The platform has an admin token from an earlier start, but " + home.root()
                                            + "/client.json is missing. Restore it, or make a new token with isoflop up --reset-token."));
        }
        Home.Client client = new Home.Client(
                ready.url,
                token,
                ready.token == null ? known.map(Home.Client::runnerToken).orElse(null) : null,
                ready.token == null ? known.map(Home.Client::runnerTokenId).orElse(null) : null);
        home.save(client);
        return client;
    }

    private Home.Client withRunnerToken(Home.Client client) throws IOException {
        ApiClient api = new ApiClient(URI.create(client.url()), client.token());
        Long known = client.runnerTokenId();
        try {
            if (known != null && isValid(api, known)) {
                return client;
            }
            Views.NewToken fresh = api.post(
                    "/tokens",
                    new Views.CreateToken("local runner", "runner", null),
                    UUID.randomUUID().toString(),
                    Views.NewToken.class);
            Home.Client with = new Home.Client(
                    client.url(), client.token(), fresh.secret(), fresh.token().id());
            home.save(with);
            return with;
        } catch (ApiException e) {
            throw new CliException(
                    ExitCode.FAILED,
                    "The runner could not be given a token (" + e.getMessage() + "); is " + home.root()
                            + "/client.json from another database?");
        }
    }

    private static boolean isValid(ApiClient api, long tokenId) {
        JsonNode answer = api.get("/tokens?limit=200", JsonNode.class);
        JsonNode tokens = answer.isArray() ? answer : answer.path("items");
        return tokens.valueStream().anyMatch(t -> t.path("id").asLong(-1) == tokenId);
    }
}
