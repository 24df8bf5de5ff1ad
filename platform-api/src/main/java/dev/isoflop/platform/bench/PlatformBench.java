package dev.isoflop.platform.bench;

import dev.isoflop.platform.IsoflopSettings;
import dev.isoflop.platform.database.DatabaseForTools;
import dev.isoflop.protocol.api.Views;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.springframework.util.FileSystemUtils;

/**
 * {@code ./isoflop bench platform}: the platform as it is shipped, in a process of its own with its own PostgreSQL that commits durably,
 * under the load of simulated runners, submitters and people, with runs and metrics stored before. Load, platform and database share the
 * machine. A Markdown report goes to standard output.
 */
public final class PlatformBench {

    /** What makes stored data another: counted up when the seeder changes. */
    private static final int SEED_VERSION = 1;

    private static final Pattern HEAP = Pattern.compile("(?m)^jvm_memory_used_bytes\\{area=\"heap\",[^}]*\\} (\\S+)$");

    /** Limits of what one token may ask are set aside; leases outlast every phase, since nobody renews those of the claims. */
    private static final List<String> SETTINGS = List.of(
            "--isoflop.limits.people.per-second=1000000",
            "--isoflop.limits.people.burst=1000000",
            "--isoflop.limits.runners.per-second=1000000",
            "--isoflop.limits.runners.burst=1000000",
            "--isoflop.lease.suspect=2h",
            "--isoflop.lease.ttl=3h");

    private final LoadOptions options;
    private final LoadReport report = new LoadReport();

    private PlatformBench(LoadOptions options) {
        this.options = options;
    }

    @SuppressWarnings("SystemOut") // what the command is for
    public static void main(String[] args) throws Exception {
        LoadOptions options;
        try {
            if (List.of(args).contains("--help") || List.of(args).contains("-h")) {
                System.out.print(LoadOptions.USAGE);
                return;
            }
            options = LoadOptions.parse(args);
        } catch (IllegalArgumentException e) {
            System.err.println(e.getMessage());
            System.err.print(LoadOptions.USAGE);
            System.exit(2);
            return;
        }
        LoadReport report = new PlatformBench(options).run();
        System.out.print(report.markdown());
        String json = LoadClient.JSON.writeValueAsString(report.json());
        if (options.report() != null) {
            Files.writeString(
                    options.report(),
                    LoadClient.JSON.writerWithDefaultPrettyPrinter().writeValueAsString(report.json()) + "\n");
        }
        if (options.json()) {
            System.out.println(json);
        }
        System.exit(report.isClean() ? 0 : 1);
    }

    private LoadReport run() throws Exception {
        int most = options.runners().stream().mapToInt(Integer::intValue).max().orElse(1);
        LoadClient.keepConnections(most + 64);
        Path given = options.home();
        Path home = given == null ? Files.createTempDirectory("isoflop-bench") : Files.createDirectories(given);
        try {
            double load = ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage();
            boolean seeded = Files.exists(mark(home));
            if (!seeded && Files.exists(home.resolve("postgres"))) {
                throw new IOException(home + " is somebody's, or was seeded by half; name another directory");
            }
            try (PlatformProcess platform = PlatformProcess.start(home, options.jvm(), SETTINGS);
                    DatabaseForTools database = database(home)) {
                measure(platform, database, seeded ? there(home) : seed(home, database), load);
            }
        } finally {
            if (given == null) {
                FileSystemUtils.deleteRecursively(home);
            }
        }
        return report;
    }

    private static Path mark(Path home) {
        return home.resolve("bench-seed-" + SEED_VERSION + ".json");
    }

    /** What lies in the home already. */
    private SeededData there(Path home) throws IOException {
        SeededData there = LoadClient.JSON.readValue(Files.readString(mark(home)), SeededData.class);
        if (there.points() != options.points()
                || there.runs() != options.runs() - options.runs() % Seeder.RUNS_PER_SWEEP) {
            throw new IOException(home + " holds " + there.runs() + " runs and " + there.points()
                    + " points; name another directory, or these sizes");
        }
        return there;
    }

    private SeededData seed(Path home, DatabaseForTools database) throws Exception {
        say("seeding %,d runs and %,d points", options.runs(), options.points());
        long start = System.nanoTime();
        SeededData data = new Seeder(database, options.runs(), options.points()).seed();
        Files.writeString(mark(home), LoadClient.JSON.writeValueAsString(data));
        say("seeded in %.0f s", (System.nanoTime() - start) / 1e9);
        return data;
    }

    private static DatabaseForTools database(Path home) {
        return DatabaseForTools.open(new IsoflopSettings(
                home,
                new IsoflopSettings.Database(null, null, null, 0),
                new IsoflopSettings.AdminToken(false),
                new IsoflopSettings.Session(Duration.ofDays(1))));
    }

    private void measure(PlatformProcess platform, DatabaseForTools tools, SeededData data, double load)
            throws Exception {
        BenchDatabase database = new BenchDatabase(tools);
        database.reset(data);
        LoadClient admin = new LoadClient(platform.url(), platform.adminToken());
        LoadClient runners = new LoadClient(platform.url(), token(admin, "runner"));
        LoadClient submitter = new LoadClient(platform.url(), token(admin, "submit"));
        LoadClient reader = new LoadClient(platform.url(), token(admin, "read"));
        report.put("machine", machine(database, load));
        report.put("data", data(database, data));
        warmUp(runners, submitter, database, data, platform::cpu);
        for (int n : options.runners()) {
            RunnerLoad round = new RunnerLoad(runners, database, data, n, options.seconds(), platform::cpu);
            phases(round, submitter, database, data, n, platform::cpu);
            say("%d runners done, RSS %,d MB", n, platform.residentBytes() >> 20);
        }
        if (wants("reads")) {
            reads(reader, runners, database, data, platform::cpu);
        }
        report.put("memory", memory(platform, admin));
        database.reset(data);
    }

    /** The phases for one number of runners. */
    private void phases(
            RunnerLoad round, LoadClient submitter, BenchDatabase database, SeededData data, int n, Phase.Meter meter)
            throws Exception {
        if (wants("claims")) {
            report.add("claims", n, round.claims());
        }
        if (wants("lives")) {
            report.add("lives", n, round.lives());
        }
        if (wants("heartbeats") || wants("metrics")) {
            SimulatedRunner[] fleet = round.fleet();
            if (wants("heartbeats")) {
                report.add("heartbeats", n, round.heartbeats(fleet));
            }
            if (wants("metrics")) {
                report.add("metrics", n, round.metrics(fleet));
            }
            database.reset(data);
        }
        if (wants("submissions")) {
            report.add(
                    "submissions",
                    n,
                    SubmissionLoad.submissions(submitter, database, data, n, options.seconds(), meter));
        }
    }

    private boolean wants(String phase) {
        return options.phases().contains(phase);
    }

    /** The JVM's compiler has seen all of it before anything counts. */
    private void warmUp(
            LoadClient runners, LoadClient submitter, BenchDatabase database, SeededData data, Phase.Meter meter)
            throws Exception {
        double seconds = Math.min(5, options.seconds());
        RunnerLoad round = new RunnerLoad(runners, database, data, 8, seconds, meter);
        if (wants("claims")) {
            round.claims();
        }
        if (wants("lives")) {
            round.lives();
        }
        if (wants("heartbeats") || wants("metrics")) {
            SimulatedRunner[] fleet = round.fleet();
            round.heartbeats(fleet);
            round.metrics(fleet);
            database.reset(data);
        }
        if (wants("submissions")) {
            SubmissionLoad.submissions(submitter, database, data, 4, seconds / 2, meter);
        }
    }

    private void reads(
            LoadClient reader, LoadClient runners, BenchDatabase database, SeededData data, Phase.Meter meter)
            throws Exception {
        int n = options.runners().getLast();
        RunnerLoad round = new RunnerLoad(runners, database, data, n, options.seconds(), meter);
        ReadLoad people = new ReadLoad(reader, data, meter);
        SimulatedRunner[] fleet = round.fleet();
        report.reads("reads", 0, people.run(3.0 * options.seconds()), null);
        Phase background = round.background(fleet);
        Phase read;
        try (Phase.Running running = background.start(RunnerLoad.backgroundRound(background, fleet))) {
            read = people.run(3.0 * options.seconds());
        }
        report.reads("readsUnderLoad", n, read, background);
    }

    private static String token(LoadClient admin, String scope) throws IOException {
        return LoadClient.JSON
                .readValue(
                        admin.post(
                                "/tokens",
                                new Views.CreateToken("load-" + scope, scope, null),
                                Map.of("Idempotency-Key", UUID.randomUUID().toString())),
                        Views.NewToken.class)
                .secret();
    }

    private Map<String, Object> memory(PlatformProcess platform, LoadClient admin) throws IOException {
        LoadClient root = new LoadClient(platform.root(), platform.adminToken());
        Matcher heap = HEAP.matcher(new String(root.get("/actuator/prometheus"), StandardCharsets.UTF_8));
        double used = 0;
        while (heap.find()) {
            used += Double.parseDouble(heap.group(1));
        }
        Map<String, Object> memory = new LinkedHashMap<>();
        memory.put("residentBytes", platform.residentBytes());
        memory.put("peakResidentBytes", platform.peakResidentBytes());
        memory.put("heapUsedBytes", (long) used);
        memory.put("jvm", options.jvm());
        return memory;
    }

    private static Map<String, Object> machine(BenchDatabase database, double load) throws Exception {
        Map<String, Object> machine = new LinkedHashMap<>();
        machine.put("processors", Runtime.getRuntime().availableProcessors());
        // Above about 0.5 before the start, somebody else had a share of the processors.
        machine.put("loadAverageBefore", load);
        machine.put("java", Runtime.version().toString());
        machine.put("postgres", database.text("show server_version"));
        machine.put("fsync", database.text("show fsync"));
        machine.put("synchronousCommit", database.text("show synchronous_commit"));
        machine.put("sharedBuffers", database.text("show shared_buffers"));
        return machine;
    }

    private static Map<String, Object> data(BenchDatabase database, SeededData data) throws Exception {
        Map<String, Object> stored = new LinkedHashMap<>();
        stored.put("runs", database.count(data, "select count(*) from run"));
        stored.put("queued", database.count(data, "select count(*) from run where state = 'queued'"));
        stored.put("sweeps", data.sweeps());
        stored.put("experiments", data.experiments());
        stored.put("points", database.count(data, "select coalesce(sum(n), 0) from metric_chunk"));
        stored.put("longestSeries", data.longPoints());
        stored.put("databaseBytes", database.count(data, "select pg_database_size(current_database())"));
        return stored;
    }

    @SuppressWarnings("SystemOut") // what the command is for
    private static void say(String format, Object... values) {
        System.err.println(String.format(Locale.ROOT, format, values));
    }
}
