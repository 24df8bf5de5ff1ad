package dev.isoflop.cli;

import dev.isoflop.cli.client.ApiClient;
import dev.isoflop.cli.client.ApiException;
import dev.isoflop.cli.show.Json;
import dev.isoflop.cli.show.NextRunsText;
import dev.isoflop.cli.show.Screen;
import dev.isoflop.cli.show.SweepWatch;
import dev.isoflop.cli.table.NextOptions;
import dev.isoflop.cli.table.OptionNames;
import dev.isoflop.protocol.api.FitViews;
import dev.isoflop.protocol.api.PlanViews;
import dev.isoflop.protocol.api.SweepAddition;
import dev.isoflop.protocol.api.Views;
import dev.isoflop.scaling.question.NextQuestion;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * {@code isoflop grow}: a sequential design, run. Whatever stops it, the runs that were added go on, and the same command takes up where it was: the same fit proposes the same
 * runs, and the same runs are added once.
 */
@Command(
        name = "grow",
        description = {
            "Grows a sweep by the runs that tell most, wave by wave: waits until its runs have ended, fits them, chooses the next, predicts and adds them, until no further run pays or what may be spent is spent.",
        },
        footer = {
            "",
            "Example:",
            "  isoflop grow 1 --target 1e13 --budget 8e12 --runs 2",
            "  isoflop grow 1 --target 1e13 --dry-run"
        })
final class GrowCommand implements Callable<Integer> {

    @Mixin
    private PlatformOptions platform = new PlatformOptions();

    @Parameters(paramLabel = "SWEEP", description = "Id or name.")
    private String sweep = "";

    @Mixin
    private NextOptions options = new NextOptions();

    @Option(names = "--waves", description = "At most (default: no end of them).")
    private @Nullable Integer waves;

    @Option(names = "--keep-going", description = "Even where a run costs more than it saves at the target.")
    private boolean keepGoing;

    @Option(names = "--no-predict", description = "Do not predict the runs before they begin.")
    private boolean noPredict;

    @Option(names = "--dry-run", description = "Show the next wave, and add nothing.")
    private boolean dryRun;

    @Option(names = "--json", description = "Print what was proposed and added as JSON.")
    private boolean asJson;

    /**
     * @param added whether its runs were
     * @param predicted whether they were predicted first
     */
    record Wave(PlanViews.NextRuns next, boolean added, boolean predicted) {}

    /** @param stopped why there is no further wave */
    record Growth(long sweep, List<Wave> waves, String stopped) {}

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (options.of() != NextQuestion.Of.OPTIMUM && !options.isBounded() && waves == null && !dryRun) {
            throw new CliException(
                    ExitCode.USAGE,
                    "--budget or --waves is missing: what knowing the " + OptionNames.lower(options.of())
                            + " is worth cannot be said, so nothing else ends it.");
        }
        if (waves != null && waves < 1) {
            throw new CliException(ExitCode.USAGE, "--waves must be 1 or more, was " + waves + ".");
        }
        ApiClient api = platform.client();
        Views.Sweep found = PlatformOptions.sweep(api, sweep);
        // what is printed as JSON is JSON alone
        Screen screen = asJson ? new Screen(System.err, false) : Screen.standard();
        List<Wave> done = new ArrayList<>();
        String stopped = null;
        while (stopped == null) {
            if (!dryRun) {
                follow(api, found, screen);
            }
            PlanViews.NextRuns next = propose(api, found);
            if (!asJson) {
                NextRunsText.lines(next).forEach(System.out::println);
            }
            stopped = stop(next, done.size());
            boolean predicted = stopped == null && add(api, found, next);
            done.add(new Wave(next, stopped == null, predicted));
            if (stopped == null && !asJson) {
                System.out.println(
                        "  added " + next.runs().size() + (next.runs().size() == 1 ? " run" : " runs")
                                + (predicted ? ", predicted by fit " + next.fitId() : ""));
            }
        }
        if (asJson) {
            Json.print(new Growth(found.id(), done, stopped));
        } else {
            System.out.println(stopped);
        }
        return ExitCode.OK.code();
    }

    private static void follow(ApiClient api, Views.Sweep found, Screen screen) throws InterruptedException {
        new SweepWatch(api, screen)
                .follow(found.id(), found.name() + "  " + api.url().resolve("/sweeps/" + found.id()), () -> false);
    }

    /** By the fit of all that has ended, which is made if it is not there. */
    private PlanViews.NextRuns propose(ApiClient api, Views.Sweep found) {
        FitViews.Fit fit = FitCommand.create(
                        api, found.id(), new FitViews.CreateFit("parametric", null, null, null, null, null))
                .getFirst();
        if (fit.refusal() != null) {
            throw new CliException(
                    ExitCode.FAILED,
                    "The sweep has no law to go by yet: " + fit.refusal().message());
        }
        Double flops = options.target() != null
                ? options.target()
                : fit.target() == null ? null : fit.target().flops();
        if (flops == null && options.of() != NextQuestion.Of.EXPONENT) {
            throw new CliException(
                    ExitCode.USAGE,
                    "--target is missing: FLOPs of the run that all this is for; the sweep names none.");
        }
        return api.post("/fits/" + fit.id() + "/next-runs", options.question(flops), null, PlanViews.NextRuns.class);
    }

    /** @return null to go on */
    private @Nullable String stop(PlanViews.NextRuns next, int before) {
        if (next.runs().isEmpty()) {
            return !options.isBounded()
                    ? "No run between the least and the most FLOPs would tell more."
                    : "What may be spent is spent.";
        }
        if (dryRun) {
            return "Nothing was added.";
        }
        if (next.addition() == null) {
            boolean one = next.runs().size() == 1;
            throw new CliException(
                    ExitCode.FAILED,
                    (one ? "This run" : "These runs") + " cannot be added to the sweep: "
                            + (next.unshaped() != null
                                    ? next.unshaped()
                                    : one ? "it is no model of it." : "they are no models of it."));
        }
        if (Boolean.FALSE.equals(next.pays()) && !keepGoing) {
            return "Nothing was added; --keep-going goes on.";
        }
        return waves != null && before >= waves ? "That was " + waves + (waves == 1 ? " wave." : " waves.") : null;
    }

    /** @return whether they were predicted, which a fit may refuse far beyond its runs */
    private boolean add(ApiClient api, Views.Sweep found, PlanViews.NextRuns next) {
        SweepAddition addition = next.addition();
        if (addition == null) {
            throw new IllegalStateException("nothing to add");
        }
        String path = "/sweeps/" + found.id() + "/runs";
        if (!noPredict) {
            try {
                api.post(path + "?predictFrom=" + next.fitId(), addition, key(addition, "p"), Views.Sweep.class);
                return true;
            } catch (ApiException e) {
                if (!e.is("prediction-refused")) {
                    throw e;
                }
                System.err.println("  not predicted: " + e.getMessage());
            }
        }
        api.post(path, addition, key(addition, ""), Views.Sweep.class);
        return false;
    }

    /** The same runs by the same fit are added once, however often the command is begun. */
    private static String key(SweepAddition addition, String how) {
        return "grow-" + how
                + UUID.nameUUIDFromBytes(
                        ApiClient.mapper().writeValueAsString(addition).getBytes(StandardCharsets.UTF_8));
    }
}
