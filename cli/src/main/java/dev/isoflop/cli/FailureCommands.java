package dev.isoflop.cli;

import dev.isoflop.cli.client.ApiClient;
import dev.isoflop.cli.show.SweepWatch;
import dev.isoflop.protocol.api.RunState;
import dev.isoflop.protocol.api.Views;
import java.io.IOException;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.core.type.TypeReference;

/** What is done by hand after failures: looking at runners and taking them back, and releasing runs. */
final class FailureCommands {

    private FailureCommands() {}

    @Command(
            name = "runners",
            description = "Lists the runners, and what is the matter with those that take no runs.",
            mixinStandardHelpOptions = true,
            footer = {"", "Example:", "  isoflop runners clear gpu-box-2"},
            subcommands = Clear.class)
    static final class Runners implements Callable<Integer> {
        @Mixin
        private PlatformOptions platform = new PlatformOptions();

        @Override
        public Integer call() throws IOException {
            List<Views.Runner> all = runners(platform);
            if (all.isEmpty()) {
                System.out.println("No runner has ever been connected; start one with isoflop runner.");
            }
            all.forEach(runner -> System.out.println(line(runner)));
            return ExitCode.OK.code();
        }
    }

    static String line(Views.Runner runner) {
        String first = "%d %s  %s  pool %s  %d of %d slots busy"
                .formatted(
                        runner.id(),
                        runner.name(),
                        runner.state(),
                        runner.pool(),
                        runner.runs().size(),
                        runner.slots());
        String aside = runner.setAside() == null
                ? ""
                : "%n  set aside until %s: %s"
                        .formatted(runner.setAside().until(), runner.setAside().reason());
        return first + aside + (runner.trouble() == null ? "" : "%n  %s".formatted(runner.trouble()));
    }

    private static List<Views.Runner> runners(PlatformOptions platform) throws IOException {
        return platform.client().get("/runners", new TypeReference<>() {});
    }

    @Command(
            name = "clear",
            description =
                    "Takes a runner that was set aside for device errors back into service (token of scope admin).",
            mixinStandardHelpOptions = true)
    static final class Clear implements Callable<Integer> {
        @Mixin
        private PlatformOptions platform = new PlatformOptions();

        @Parameters(paramLabel = "RUNNER", description = "Id or name.")
        private String which = "";

        @Override
        public Integer call() throws IOException {
            Views.Runner runner = runners(platform).stream()
                    .filter(r -> r.name().equals(which) || Long.toString(r.id()).equals(which))
                    .findFirst()
                    .orElseThrow(() -> new CliException(ExitCode.USAGE, "There is no runner " + which + "."));
            platform.client().delete("/runners/" + runner.id() + "/set-aside");
            System.out.println(runner.name() + " takes runs again.");
            return ExitCode.OK.code();
        }
    }

    @Command(
            name = "release",
            description = {
                "Queues a run that failed for good again, a quarantined one above all, with its retries as new.",
                "With --sweep, all failed runs of that sweep."
            },
            mixinStandardHelpOptions = true,
            footer = {"", "Example:", "  isoflop release --sweep 12"})
    static final class Release implements Callable<Integer> {
        @Mixin
        private PlatformOptions platform = new PlatformOptions();

        @ArgGroup(multiplicity = "1")
        private Which which = new Which();

        static final class Which {
            @Parameters(paramLabel = "RUN", description = "Id of the run.")
            private @Nullable Long run;

            @Option(names = "--sweep", paramLabel = "SWEEP", description = "Id of a sweep: all its runs that failed.")
            private @Nullable Long sweep;
        }

        @Override
        public Integer call() throws IOException {
            ApiClient api = platform.client();
            if (which.run != null) {
                release(
                        api,
                        api.get("/runs/" + which.run, Views.RunDetail.class).run());
                return ExitCode.OK.code();
            }
            List<Views.Run> failed = SweepWatch.runs(api, Objects.requireNonNull(which.sweep)).stream()
                    .filter(run -> run.state() == RunState.FAILED)
                    .toList();
            if (failed.isEmpty()) {
                System.out.println("No run of sweep " + which.sweep + " has failed.");
            }
            failed.forEach(run -> release(api, run));
            return ExitCode.OK.code();
        }

        private static void release(ApiClient api, Views.Run seen) {
            Views.Run released =
                    api.postVersion("/runs/" + seen.id() + "/release", "\"" + seen.version() + "\"", Views.Run.class);
            System.out.println("Run %d (%s) is %s again."
                    .formatted(released.id(), released.name(), released.state().wireName()));
        }
    }
}
