package dev.isoflop.cli;

import dev.isoflop.cli.client.ApiClient;
import dev.isoflop.cli.local.Home;
import dev.isoflop.cli.local.LocalStack;
import dev.isoflop.cli.show.Numbers;
import dev.isoflop.cli.show.Screen;
import dev.isoflop.cli.show.SweepWatch;
import dev.isoflop.protocol.api.RunState;
import dev.isoflop.protocol.api.Views;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.node.ObjectNode;

/** The small commands, one class each. */
final class Commands {

    static final int PORT = 8808;

    private Commands() {}

    /** Root of the built project, told by the launcher. */
    static Path projectRoot() {
        return Path.of(System.getProperty("isoflop.root", ".")).toAbsolutePath().normalize();
    }

    @Command(
            name = "up",
            description = "Starts the platform with its database and one local runner, in the background.",
            footer = {"", "Example:", "  isoflop up --port 8808"})
    static final class Up implements Callable<Integer> {
        @Option(
                names = "--port",
                defaultValue = "" + PORT,
                description = "Port on the loopback address (default ${DEFAULT-VALUE}).")
        private int port = PORT;

        @Option(names = "--home", description = "The product's directory (default: $ISOFLOP_HOME or ~/.isoflop).")
        private @Nullable Path home;

        @Option(
                names = "--database",
                paramLabel = "URL",
                description =
                        "JDBC URL of a PostgreSQL 15 or newer (default: one of its own). User and password: in the"
                                + " URL, or in ISOFLOP_DATABASE_USER and ISOFLOP_DATABASE_PASSWORD.")
        private @Nullable String database;

        @Option(names = "--no-runner", description = "Start no runner.")
        private boolean noRunner;

        @Option(names = "--offline", description = "The runner uses only corpora that were fetched before.")
        private boolean offline;

        @Option(names = "--reset-token", description = "Revoke every admin token and make a new one.")
        private boolean resetToken;

        @Override
        public Integer call() throws IOException, InterruptedException {
            LocalStack stack = new LocalStack(Home.of(home), projectRoot(), System.out::println);
            List<String> arguments = resetToken ? List.of("--isoflop.admin-token.reset=true") : List.of();
            LocalStack.Result result =
                    stack.up(new LocalStack.Options(port, database, !noRunner, offline, arguments, List.of()));
            System.out.println(
                    (result.alreadyUp() ? "Already up: " : "Up: ") + result.up().url());
            if (result.newToken() != null) {
                System.out.println("Admin token, shown this once (also in client.json): " + result.newToken());
            }
            if (!result.alreadyUp()) {
                System.out.println("Logs: " + Home.of(home).root().resolve("logs") + ". Stop with: isoflop down");
            }
            return ExitCode.OK.code();
        }
    }

    @Command(
            name = "down",
            description = "Stops what up started: the runner after a last checkpoint, then the platform.",
            footer = {"", "Example:", "  isoflop down"})
    static final class Down implements Callable<Integer> {
        @Option(names = "--home", description = "The product's directory (default: $ISOFLOP_HOME or ~/.isoflop).")
        private @Nullable Path home;

        @Override
        public Integer call() throws IOException, InterruptedException {
            boolean any = new LocalStack(Home.of(home), projectRoot(), System.out::println).down();
            System.out.println(any ? "Down." : "Nothing was up.");
            return ExitCode.OK.code();
        }
    }

    @Command(
            name = "status",
            description = "Says what is running.",
            footer = {"", "Example:", "  isoflop status"})
    static final class Status implements Callable<Integer> {
        @Mixin
        private PlatformOptions platform = new PlatformOptions();

        @Override
        public Integer call() throws IOException {
            Optional<Home.Up> up = platform.home().up();
            up.ifPresent(u -> {
                System.out.println("platform  " + alive(u.platform()));
                System.out.println("runner    " + alive(u.runner()));
            });
            ApiClient api = platform.client();
            Views.Overview overview = api.get("/overview", Views.Overview.class);
            System.out.println("dashboard " + api.url());
            System.out.printf(
                    "runs      %d queued, %d running, %d succeeded, %d failed%n",
                    overview.runs().getOrDefault(RunState.QUEUED, 0),
                    overview.runs().getOrDefault(RunState.RUNNING, 0),
                    overview.runs().getOrDefault(RunState.SUCCEEDED, 0),
                    overview.runs().getOrDefault(RunState.FAILED, 0));
            System.out.printf(
                    "runners   %d online, %d of %d slots busy, %s tokens/s%n",
                    overview.runnersOnline(),
                    overview.busySlots(),
                    overview.slots(),
                    Numbers.count(overview.tokensPerSecond()));
            overview.recentSweeps()
                    .forEach(s -> System.out.printf("sweep     %d %s: %s%n", s.id(), s.name(), s.state()));
            return ExitCode.OK.code();
        }

        private static String alive(Home.@Nullable Started started) {
            return started == null
                    ? "not started"
                    : started.alive().map(h -> "running, pid " + h.pid()).orElse("gone");
        }
    }

    @Command(
            name = "submit",
            description = "Checks a sweep file, prepares its dataset and queues its runs.",
            footer = {"", "Example:", "  isoflop submit examples/isoflop-cpu.yaml"})
    static final class Submit implements Callable<Integer> {
        @Mixin
        private PlatformOptions platform = new PlatformOptions();

        @Parameters(
                paramLabel = "FILE",
                description = "Sweep file (YAML); its JSON Schema is at /api/v1/schema/sweep.json.")
        private Path file = Path.of("");

        @Option(names = "--plan", description = "Say what would be trained and submit nothing.")
        private boolean planOnly;

        @Option(
                names = "--predict-from",
                paramLabel = "FIT",
                description = "Have that fit predict the loss of every run before any can begin.")
        private @Nullable Long predictFrom;

        @Override
        public Integer call() throws IOException, InterruptedException {
            ObjectNode sweep = Submission.read(file);
            ApiClient api = platform.client();
            Submission submission = new Submission(api, Screen.standard());
            if (sweep.has("dataset")) { // a command reads what it likes
                submission.prepare(sweep);
            }
            System.out.println(Submission.summary(submission.plan(sweep)));
            if (planOnly) {
                return ExitCode.OK.code();
            }
            Views.Sweep created = submission.submit(sweep, predictFrom);
            System.out.println("Sweep " + created.id() + " (" + created.name() + "): "
                    + api.url().resolve("/sweeps/" + created.id()));
            System.out.println("Follow it with: isoflop watch " + created.id());
            return ExitCode.OK.code();
        }
    }

    @Command(
            name = "watch",
            description = "Follows a sweep until its last run has ended.",
            footer = {"", "Example:", "  isoflop watch 1"})
    static final class Watch implements Callable<Integer> {
        @Mixin
        private PlatformOptions platform = new PlatformOptions();

        @Parameters(paramLabel = "SWEEP", description = "Id or name.")
        private String sweep = "";

        @Override
        public Integer call() throws IOException, InterruptedException {
            ApiClient api = platform.client();
            Views.Sweep found = PlatformOptions.sweep(api, sweep);
            List<Views.Run> runs = new SweepWatch(api, Screen.standard())
                    .follow(found.id(), found.name() + "  " + api.url().resolve("/sweeps/" + found.id()), () -> false);
            for (Views.Run run : runs) {
                Views.Failure failure = run.failure();
                System.out.printf(
                        "%-26s %-9s %s%n",
                        run.name(),
                        run.state().wireName(),
                        failure != null
                                ? failure.message()
                                : run.finalLoss() == null ? "" : "loss " + Numbers.plain(run.finalLoss()));
            }
            boolean good = runs.stream().allMatch(r -> r.state() == RunState.SUCCEEDED);
            return (good ? ExitCode.OK : ExitCode.FAILED).code();
        }
    }

    @Command(
            name = "export",
            description = "Saves the runs of a sweep as a table, one line a run.",
            footer = {"", "Example:", "  isoflop export 1 --parquet -o runs.parquet"})
    static final class Export implements Callable<Integer> {
        @Mixin
        private PlatformOptions platform = new PlatformOptions();

        @Parameters(paramLabel = "SWEEP", description = "Id or name.")
        private String sweep = "";

        @ArgGroup(multiplicity = "1")
        private Format format = new Format();

        @Option(
                names = {"-o", "--output"},
                description = "File to write (default: named after the sweep).")
        private @Nullable Path output;

        static final class Format {
            @Option(names = "--csv", description = "Comma-separated values.")
            private boolean csv;

            @Option(names = "--parquet", description = "Parquet, typed.")
            private boolean parquet;

            String extension() {
                return parquet ? "parquet" : "csv";
            }
        }

        @Override
        public Integer call() throws IOException {
            ApiClient api = platform.client();
            Views.Sweep found = PlatformOptions.sweep(api, sweep);
            Path target = output != null
                    ? output
                    : Path.of(found.name().replaceAll("[^A-Za-z0-9._-]", "_") + "." + format.extension());
            api.download("/sweeps/" + found.id() + "/export." + format.extension(), target);
            System.out.println(target);
            return ExitCode.OK.code();
        }
    }
}
