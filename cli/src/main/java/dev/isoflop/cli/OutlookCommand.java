package dev.isoflop.cli;

import dev.isoflop.cli.client.ApiClient;
import dev.isoflop.cli.client.ApiException;
import dev.isoflop.cli.show.Json;
import dev.isoflop.cli.show.OutlookText;
import dev.isoflop.cli.show.SweepWatch;
import dev.isoflop.protocol.api.OutlookViews.Outlook;
import dev.isoflop.protocol.api.OutlookViews.OutlookVerdict;
import dev.isoflop.protocol.api.Views;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Where runs on their way will end, and whether to stop them for that. Cancels nothing unless told to. */
@Command(
        name = "outlook",
        description = {
            "Says where a run that is on its way will end, by its curve so far and the fit beside it, and whether to stop it:",
            "if it will miss the loss asked for, or what the fit forecasts for its size, by more than the intervals allow.",
            "With --sweep, all pretraining runs of that sweep that are on their way."
        },
        mixinStandardHelpOptions = true,
        footer = {"", "Example:", "  isoflop outlook 340 --at-most 3.2", "  isoflop outlook --sweep 12 --cancel"})
final class OutlookCommand implements Callable<Integer> {

    @Mixin
    private PlatformOptions platform = new PlatformOptions();

    @ArgGroup(multiplicity = "1")
    private Which which = new Which();

    @Option(
            names = "--at-most",
            paramLabel = "LOSS",
            description = "Final loss that it must not exceed, nats per token.")
    private @Nullable Double atMost;

    @Option(names = "--level", description = "Of the intervals (default ${DEFAULT-VALUE}).", defaultValue = "0.9")
    private double level = 0.9;

    @Option(
            names = "--fit",
            paramLabel = "FIT",
            description = "Fit to hold it against (default: the newest of runs like it).")
    private @Nullable Long fit;

    @Option(
            names = "--cancel",
            description = "With --sweep: cancel those that are to stop. Their runners save what they have.")
    private boolean cancel;

    @Option(names = "--json", description = "Print JSON.")
    private boolean asJson;

    static final class Which {
        @Parameters(paramLabel = "RUN", description = "Id of a pretraining run.")
        private @Nullable Long run;

        @Option(names = "--sweep", paramLabel = "SWEEP", description = "Id or name of a sweep.")
        private @Nullable String sweep;
    }

    /**
     * @param cancelled whether its cancellation was asked for
     * @param failure why it was not cancelled although it was to be
     */
    private record Seen(
            Views.Run run,
            Outlook outlook,
            boolean cancelled,
            @Nullable String failure) {}

    @Override
    public Integer call() throws IOException {
        if (cancel && which.sweep == null) {
            throw new CliException(
                    ExitCode.USAGE, "--cancel is for --sweep; one run is cancelled on its page, or through the API.");
        }
        ApiClient api = platform.client();
        if (which.run != null) {
            Outlook outlook = outlook(api, which.run);
            if (asJson) {
                Json.print(outlook);
            } else {
                String name = api.get("/runs/" + which.run, Views.RunDetail.class)
                        .run()
                        .name();
                OutlookText.one(name, outlook).forEach(System.out::println);
            }
            return ExitCode.OK.code();
        }
        return ofSweep(api, PlatformOptions.sweep(api, String.valueOf(which.sweep)));
    }

    private int ofSweep(ApiClient api, Views.Sweep sweep) {
        List<Seen> all = new ArrayList<>();
        boolean shown = false;
        for (Views.Run run : SweepWatch.runs(api, sweep.id())) {
            if (run.state().isTerminal() || !run.kind().equals("pretrain") || run.step() == 0) {
                continue;
            }
            Seen seen = look(api, run);
            all.add(seen);
            if (!asJson) {
                if (!shown) {
                    System.out.println(OutlookText.header());
                    shown = true;
                }
                print(seen);
            }
        }
        if (asJson) {
            Json.print(all.stream().map(Seen::outlook).toList());
        } else if (all.isEmpty()) {
            System.out.println(
                    "No pretraining run of sweep %d (%s) is on its way.".formatted(sweep.id(), sweep.name()));
        } else {
            summary(all);
        }
        boolean refused = all.stream().anyMatch(s -> s.failure != null);
        return (refused ? ExitCode.FAILED : ExitCode.OK).code();
    }

    private Seen look(ApiClient api, Views.Run run) {
        Outlook outlook = outlook(api, run.id());
        if (!cancel || outlook.verdict() != OutlookVerdict.STOP) {
            return new Seen(run, outlook, false, null);
        }
        try {
            // the version of now: a run that has changed since the list was made may still be the one that was judged
            long version =
                    api.get("/runs/" + run.id(), Views.RunDetail.class).run().version();
            api.postVersion("/runs/" + run.id() + "/cancellation", "\"" + version + "\"", Views.Run.class);
            return new Seen(run, outlook, true, null);
        } catch (ApiException e) {
            return new Seen(run, outlook, false, String.valueOf(e.getMessage()));
        }
    }

    private static void print(Seen seen) {
        System.out.println(OutlookText.row(seen.run.name(), seen.outlook));
        String done = seen.cancelled ? " Cancelled." : seen.failure == null ? "" : " Not cancelled: " + seen.failure;
        System.out.println("      " + seen.outlook.sentence() + done);
    }

    private void summary(List<Seen> all) {
        long stop = all.stream()
                .filter(s -> s.outlook.verdict() == OutlookVerdict.STOP)
                .count();
        long cancelled = all.stream().filter(Seen::cancelled).count();
        System.out.println("%d on their way, %d to stop%s"
                .formatted(
                        all.size(),
                        stop,
                        cancel
                                ? ", %d cancelled.".formatted(cancelled)
                                : stop == 0 ? "." : "; --cancel cancels them."));
    }

    private Outlook outlook(ApiClient api, long run) {
        StringBuilder path = new StringBuilder(String.format(Locale.ROOT, "/runs/%d/outlook?level=%s", run, level));
        if (atMost != null) {
            path.append("&atMost=").append(atMost);
        }
        if (fit != null) {
            path.append("&fit=").append(fit);
        }
        return api.get(path.toString(), Outlook.class);
    }
}
