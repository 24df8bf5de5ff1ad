package dev.isoflop.cli;

import dev.isoflop.cli.client.ApiClient;
import dev.isoflop.cli.local.Home;
import dev.isoflop.cli.local.LocalStack;
import dev.isoflop.protocol.api.Views;
import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A real platform with short leases and real runner processes, for tests that hurt them. */
final class Processes implements AutoCloseable {

    static final Path ROOT =
            Path.of(System.getProperty("isoflop.root", "..")).toAbsolutePath().normalize();

    final Path directory;
    final ApiClient api;
    final String runnerToken;
    final String url;
    private final LocalStack stack;
    private final LocalStack.Options options;
    private final List<Process> runners = new ArrayList<>();

    private Processes(
            Path directory,
            LocalStack stack,
            LocalStack.Options options,
            String url,
            ApiClient api,
            String runnerToken) {
        this.directory = directory;
        this.stack = stack;
        this.options = options;
        this.url = url;
        this.api = api;
        this.runnerToken = runnerToken;
    }

    /** Whether the jars this starts have been packaged. */
    static boolean arePackaged() {
        return Files.isDirectory(ROOT.resolve("platform-api/target/lib"))
                && Files.isDirectory(ROOT.resolve("experiment-runner/target/lib"));
    }

    static Processes start(Path directory, String... platformArguments) throws IOException, InterruptedException {
        LocalStack stack = new LocalStack(new Home(directory), ROOT, System.out::println);
        LocalStack.Options options =
                new LocalStack.Options(freePort(), null, false, true, List.of(platformArguments), List.of());
        LocalStack.Result up = stack.up(options);
        ApiClient api = new ApiClient(URI.create(up.up().url()), up.client().token());
        Views.NewToken token = api.post(
                "/tokens",
                new Views.CreateToken("test", "runner", null),
                UUID.randomUUID().toString(),
                Views.NewToken.class);
        return new Processes(directory, stack, options, up.up().url(), api, token.secret());
    }

    /** SIGKILL for the platform; its database ends with it. */
    void killPlatform() throws IOException, InterruptedException {
        long pid = new Home(directory).up().orElseThrow().platform().pid();
        ProcessHandle platform = ProcessHandle.of(pid).orElseThrow();
        platform.destroyForcibly();
        platform.onExit().join();
    }

    /** The platform again, on what it left, at its address. */
    void startPlatform() throws IOException, InterruptedException {
        stack.up(options);
    }

    /** A runner of one thread for each of its slots. */
    Process runner(String name, int slots) throws IOException {
        return runner(name, slots, Map.of());
    }

    /** @param environment of the process, besides this one's */
    Process runner(String name, int slots, Map<String, String> environment) throws IOException {
        Path target = ROOT.resolve("experiment-runner/target");
        Path jar;
        try (Stream<Path> files = Files.list(target)) {
            jar = files.filter(f -> f.toString().endsWith(".jar")).findFirst().orElseThrow();
        }
        ProcessBuilder builder = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules",
                "jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "-Xmx512m",
                "-cp",
                jar + File.pathSeparator + target.resolve("lib") + File.separator + "*",
                "dev.isoflop.runner.RunnerMain",
                "--url",
                url,
                "--name",
                name,
                "--slots",
                Integer.toString(slots),
                "--threads",
                "1",
                "--home",
                directory.resolve("runner-" + name).toString(),
                "--offline");
        builder.environment().putAll(environment);
        builder.environment().put("ISOFLOP_TOKEN", runnerToken);
        Process process = builder.redirectErrorStream(true)
                .redirectOutput(log(name).toFile())
                .start();
        runners.add(process);
        return process;
    }

    Path log(String name) {
        return directory.resolve("logs").resolve("runner-" + name + ".log");
    }

    static void signal(Process process, String signal) throws IOException, InterruptedException {
        Process kill = new ProcessBuilder("kill", "-" + signal, Long.toString(process.pid())).start();
        if (kill.waitFor() != 0) {
            throw new IOException("kill -" + signal + " " + process.pid() + " failed");
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    @Override
    public void close() throws IOException, InterruptedException {
        for (Process runner : runners) {
            if (runner.isAlive()) {
                signal(runner, "CONT");
                runner.destroy();
            }
        }
        for (Process runner : runners) {
            if (!runner.waitFor(30, TimeUnit.SECONDS)) {
                runner.destroyForcibly();
            }
        }
        stack.down();
    }
}
