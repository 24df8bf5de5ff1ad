package dev.isoflop.cli;

import dev.isoflop.cli.client.ApiClient;
import dev.isoflop.cli.show.Numbers;
import dev.isoflop.protocol.api.Ledger;
import dev.isoflop.protocol.api.Ledger.Account;
import dev.isoflop.protocol.api.Page;
import dev.isoflop.protocol.api.Views;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.core.type.TypeReference;

/** Experiments: what they may spend and what they have spent. */
@Command(
        name = "experiment",
        description = "Experiments: what they may spend, and where it went.",
        footer = {"", "Example:", "  isoflop experiment budget chinchilla --flops 1e19 --gpu-hours 40"},
        subcommands = {
            ExperimentCommand.ListAll.class,
            ExperimentCommand.ShowLedger.class,
            ExperimentCommand.Budget.class,
        })
final class ExperimentCommand implements Runnable {

    /** An option's word for "no bound". */
    private static final String NONE = "none";

    @CommandLine.Spec
    private CommandLine.Model.@Nullable CommandSpec spec;

    @Override
    public void run() {
        if (spec != null) {
            spec.commandLine().usage(System.out);
        }
    }

    @Command(
            name = "list",
            description = "Lists the experiments, newest first, with their bounds.",
            mixinStandardHelpOptions = true)
    static final class ListAll implements Callable<Integer> {
        @Mixin
        private PlatformOptions platform = new PlatformOptions();

        @Override
        public Integer call() throws IOException {
            List<Views.Experiment> all = all(platform.client());
            if (all.isEmpty()) {
                System.out.println("There is no experiment; the first sweep submitted makes one.");
            }
            all.forEach(one -> System.out.println(line(one)));
            return ExitCode.OK.code();
        }
    }

    @Command(
            name = "ledger",
            description = "Shows what an experiment planned, achieved and wasted, and each of its sweeps.",
            mixinStandardHelpOptions = true)
    static final class ShowLedger implements Callable<Integer> {
        @Mixin
        private PlatformOptions platform = new PlatformOptions();

        @Parameters(paramLabel = "EXPERIMENT", description = "Id or name.")
        private String which = "";

        @Override
        public Integer call() throws IOException {
            ApiClient api = platform.client();
            lines(api.get("/experiments/" + find(api, which).id() + "/ledger", Ledger.class))
                    .forEach(System.out::println);
            return ExitCode.OK.code();
        }
    }

    @Command(
            name = "budget",
            description =
                    "Bounds what an experiment may spend (token of scope admin). What is not given stays as it is.",
            mixinStandardHelpOptions = true)
    static final class Budget implements Callable<Integer> {
        @Mixin
        private PlatformOptions platform = new PlatformOptions();

        @Parameters(paramLabel = "EXPERIMENT", description = "Id or name.")
        private String which = "";

        @Option(names = "--flops", paramLabel = "FLOPS", description = "FLOPs that its runs may execute, or none.")
        private @Nullable String flops;

        @Option(names = "--gpu-hours", paramLabel = "HOURS", description = "GPU-hours that they may use, or none.")
        private @Nullable String gpuHours;

        @Option(names = "--weight", paramLabel = "WEIGHT", description = "Weight of its fair share.")
        private @Nullable Double weight;

        @Override
        public Integer call() throws IOException {
            if (flops == null && gpuHours == null && weight == null) {
                throw new CliException(ExitCode.USAGE, "Give at least one of --flops, --gpu-hours and --weight.");
            }
            ApiClient api = platform.client();
            Views.Experiment seen = find(api, which);
            Ledger.Bounds bounds = new Ledger.Bounds(
                    bound("--flops", flops, seen.flopBudget()),
                    bound("--gpu-hours", gpuHours, seen.gpuHourBudget()),
                    weight == null ? (Double) seen.weight() : weight);
            Views.Experiment now = api.putVersion(
                    "/experiments/" + seen.id() + "/budget",
                    "\"" + seen.version() + "\"",
                    bounds,
                    Views.Experiment.class);
            System.out.println(line(now));
            return ExitCode.OK.code();
        }
    }

    static @Nullable Double bound(String option, @Nullable String given, @Nullable Double now) {
        if (given == null) {
            return now;
        }
        if (given.equalsIgnoreCase(NONE)) {
            return null;
        }
        try {
            return Double.valueOf(given);
        } catch (NumberFormatException e) {
            throw new CliException(
                    ExitCode.USAGE, option + " takes a number such as 1e19, or none for no bound; was " + given + ".");
        }
    }

    private static List<Views.Experiment> all(ApiClient api) {
        return api.all("/experiments?limit=200", new TypeReference<Page<Views.Experiment>>() {})
                .toList();
    }

    /** A name goes before an id: names may be numbers. */
    static Views.Experiment find(ApiClient api, String which) {
        List<Views.Experiment> all = all(api);
        return all.stream()
                .filter(one -> one.name().equals(which))
                .findFirst()
                .or(() -> all.stream()
                        .filter(one -> Long.toString(one.id()).equals(which))
                        .findFirst())
                .orElseThrow(() -> new CliException(ExitCode.USAGE, "There is no experiment " + which + "."));
    }

    static String line(Views.Experiment one) {
        return "%d %s  %s  FLOPs %s  GPU-hours %s%s"
                .formatted(
                        one.id(),
                        printable(one.name()),
                        one.sweeps() == 1 ? "1 sweep" : one.sweeps() + " sweeps",
                        one.flopBudget() == null ? "unbounded" : "up to " + Numbers.power(one.flopBudget()),
                        one.gpuHourBudget() == null ? "unbounded" : "up to " + Numbers.count(one.gpuHourBudget()),
                        one.weight() == 1 ? "" : "  weight " + Numbers.count(one.weight()));
    }

    static List<String> lines(Ledger ledger) {
        List<String> lines = new ArrayList<>();
        lines.add("Experiment %d %s".formatted(ledger.experimentId(), printable(ledger.experiment())));
        if (ledger.flopBudget() != null) {
            lines.add("  %s of a budget of %s FLOPs is spent or planned (%.1f %%)"
                    .formatted(
                            Numbers.power(ledger.committedFlops()),
                            Numbers.power(ledger.flopBudget()),
                            100 * ledger.committedFlops() / ledger.flopBudget()));
        }
        if (ledger.gpuHourBudget() != null) {
            lines.add("  %s of %s GPU-hours are used"
                    .formatted(hours(ledger.total().gpuHours()), Numbers.count(ledger.gpuHourBudget())));
        }
        String row = "  %-28s %10s %10s %10s %10s %10s %10s %8s";
        lines.add(
                row.formatted("", "planned", "executed", "achieved", "replayed", "abandoned", "remaining", "device h"));
        lines.add(line(row, "all", ledger.total()));
        ledger.sweeps().forEach(sweep -> lines.add(line(row, printable(sweep.sweep()), sweep.account())));
        return lines;
    }

    private static String line(String row, String name, Account a) {
        return row.formatted(
                name.length() > 28 ? name.substring(0, 27) + "…" : name,
                Numbers.power(a.plannedFlops()),
                Numbers.power(a.executedFlops()),
                Numbers.power(a.achievedFlops()),
                Numbers.power(a.replayed().lost()
                        + a.replayed().failed()
                        + a.replayed().preempted()),
                Numbers.power(a.abandoned().failed() + a.abandoned().cancelled()),
                Numbers.power(a.remainingFlops()),
                hours(a.deviceHours()));
    }

    private static String hours(double value) {
        return String.format(Locale.ROOT, value < 10 ? "%.2f" : "%.0f", value);
    }

    /** Names come from whoever made them: nothing in them may steer the terminal. */
    private static String printable(String name) {
        return name.replaceAll("\\p{Cntrl}", "\uFFFD");
    }
}
