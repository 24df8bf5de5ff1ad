package dev.isoflop.cli;

import dev.isoflop.cli.client.ApiClient;
import dev.isoflop.cli.client.ApiException;
import dev.isoflop.cli.demo.DemoReport;
import dev.isoflop.cli.local.Home;
import dev.isoflop.cli.local.LocalStack;
import dev.isoflop.cli.show.FitTable;
import dev.isoflop.cli.show.Numbers;
import dev.isoflop.cli.show.Screen;
import dev.isoflop.cli.show.SweepWatch;
import dev.isoflop.protocol.api.FitViews;
import dev.isoflop.protocol.api.RunState;
import dev.isoflop.protocol.api.Views;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import tools.jackson.databind.node.ObjectNode;

/**
 * Everything once: start, prepare the corpus, train the demo sweep, fit, print.
 *
 * <p>On a home that has seen a demo before, the sweep gets a name with a number behind it and is trained again; the
 * dataset is reused and the earlier runs stay where they are.
 *
 * <p>Crash: Ctrl-C stops the processes this command started, and none that were up before.
 */
@Command(
        name = "demo",
        description = {
            "Starts everything, trains the demo sweep on real text and prints the fitted scaling law.",
            "Without --exit the platform stays up afterwards, for its dashboard."
        },
        footer = {"", "Example:", "  isoflop demo --exit --report report.json"})
final class DemoCommand implements Callable<Integer> {

    private static final String SWEEP = "examples/isoflop-cpu.yaml";
    private static final int FIT_SECONDS = 120;

    @Option(names = "--exit", description = "Stop everything at the end.")
    private boolean exit;

    @Option(names = "--report", paramLabel = "FILE", description = "Write the result as JSON.")
    private @Nullable Path report;

    @Option(
            names = "--corpus",
            paramLabel = "PATH",
            description = "Train on this text or JSONL file (also .gz, .zst) instead.")
    private @Nullable Path corpus;

    @Option(names = "--offline", description = "Use only a corpus that was fetched before.")
    private boolean offline;

    @Option(names = "--home", description = "The product's directory (default: $ISOFLOP_HOME or ~/.isoflop).")
    private @Nullable Path home;

    @Option(
            names = "--port",
            defaultValue = "" + Commands.PORT,
            description = "Port on the loopback address (default ${DEFAULT-VALUE}).")
    private int port = Commands.PORT;

    private final Screen screen = Screen.standard();

    @Override
    public Integer call() throws IOException, InterruptedException {
        LocalStack stack = new LocalStack(Home.of(home), Commands.projectRoot(), screen::line);
        try {
            return call(stack);
        } catch (IOException | RuntimeException e) {
            if (stack.isEnding()) {
                return ExitCode.INTERRUPTED.code(); // it fell over what is being stopped under it: nothing to tell
            }
            throw e;
        }
    }

    private int call(LocalStack stack) throws IOException, InterruptedException {
        long begin = System.nanoTime();
        ObjectNode sweep = sweepFile();
        StopOnInterrupt guard = new StopOnInterrupt(stack);
        boolean wasUp = Home.of(home).up().flatMap(u -> u.platform().alive()).isPresent();
        if (!wasUp) {
            Runtime.getRuntime().addShutdownHook(guard);
        }
        LocalStack.Result up = stack.up(new LocalStack.Options(port, null, true, offline, List.of(), List.of()));
        ApiClient api = new ApiClient(URI.create(up.up().url()), up.client().token());
        screen.line("Dashboard: " + api.url() + (up.newToken() == null ? "" : "  token: " + up.newToken()));

        Submission submission = new Submission(api, screen);
        submission.prepare(sweep);
        Views.Sweep created = create(api, submission, sweep);
        long submitted = System.nanoTime();
        screen.line(Submission.summary(api.get("/sweeps/" + created.id() + "/plan", Views.Plan.class)));

        List<Views.Run> runs = new SweepWatch(api, screen)
                .follow(
                        created.id(),
                        created.name() + "  " + api.url().resolve("/sweeps/" + created.id()),
                        () -> false);
        screen.line(String.format(
                java.util.Locale.ROOT,
                "%d of %d runs succeeded in %s.",
                runs.stream().filter(r -> r.state() == RunState.SUCCEEDED).count(),
                runs.size(),
                Numbers.duration((System.nanoTime() - submitted) * 1e-9)));
        List<FitViews.Fit> fits = fits(api, created.id());
        FitTable.lines(fits).forEach(screen::line);

        DemoReport result = DemoReport.of(runs, fits, (System.nanoTime() - begin) * 1e-9);
        if (report != null) {
            Files.write(
                    report, ApiClient.mapper().writerWithDefaultPrettyPrinter().writeValueAsBytes(result));
            screen.line("Report: " + report);
        }
        if (!wasUp) {
            Runtime.getRuntime().removeShutdownHook(guard);
        }
        if (exit) {
            stack.down();
        } else {
            screen.line("Still up: " + api.url().resolve("/sweeps/" + created.id()) + "  (stop with: isoflop down)");
        }
        boolean good = runs.stream().allMatch(r -> r.state() == RunState.SUCCEEDED)
                && fits.stream().anyMatch(f -> f.refusal() == null);
        return (good ? ExitCode.OK : ExitCode.FAILED).code();
    }

    private ObjectNode sweepFile() {
        ObjectNode sweep = Submission.read(Commands.projectRoot().resolve(SWEEP));
        if (corpus != null) {
            if (!Files.isReadable(corpus)) {
                throw new CliException(ExitCode.USAGE, "--corpus " + corpus + ": there is no such readable file.");
            }
            if (sweep.path("dataset") instanceof ObjectNode dataset) {
                dataset.put("corpus", corpus.toAbsolutePath().normalize().toString());
            }
            String file =
                    corpus.getFileName() == null ? "text" : corpus.getFileName().toString();
            sweep.put("name", sweep.path("name").asString() + "-" + file.replaceAll("[^A-Za-z0-9]+", "-"));
        }
        return sweep;
    }

    /** Under its own name, or the first free one with a number behind it. */
    private Views.Sweep create(ApiClient api, Submission submission, ObjectNode sweep) {
        String name = sweep.path("name").asString();
        for (int i = 1; ; i++) {
            sweep.put("name", i == 1 ? name : name + "-" + i);
            try {
                // read afresh: a repeated key is answered with the sweep as it was when it was made
                Views.Sweep created =
                        api.get("/sweeps/" + submission.submit(sweep).id(), Views.Sweep.class);
                if (created.counts().entrySet().stream()
                        .anyMatch(e -> !e.getKey().isTerminal() && e.getValue() > 0)) {
                    if (i > 1) {
                        screen.line("This home has seen the demo before: trained again as " + created.name()
                                + "; the earlier runs stay.");
                    }
                    return created;
                }
                // An earlier demo's sweep, which has run. One that was interrupted is not over and simply goes on.
            } catch (ApiException e) {
                if (e.is("not-enough-tokens")) {
                    throw new CliException(
                            ExitCode.FAILED,
                            e.getMessage() + "\nGive a larger corpus, or allow repetition with maxEpochs in a copy of "
                                    + SWEEP + " and submit that.");
                }
                if (!e.is("sweep-exists")) {
                    throw e;
                }
            }
        }
    }

    /** The platform fits by itself when the last run has ended; asked for here only if it does not. */
    private List<FitViews.Fit> fits(ApiClient api, long sweepId) throws InterruptedException {
        long end = System.nanoTime() + FIT_SECONDS * 1_000_000_000L;
        screen.show(
                List.of("Fitting both laws with bootstrap intervals…"), "Fitting both laws with bootstrap intervals");
        while (System.nanoTime() < end) {
            List<FitViews.Fit> fits = FitCommand.latest(api, sweepId);
            if (fits.size() >= 2) {
                screen.clear();
                return fits;
            }
            Thread.sleep(300);
        }
        screen.clear();
        return FitCommand.create(api, sweepId, new FitViews.CreateFit(null, null, null, null, null, null));
    }

    /** Runs when the JVM is told to end before the demo has. */
    private static final class StopOnInterrupt extends Thread {
        private final LocalStack stack;

        StopOnInterrupt(LocalStack stack) {
            super("stop");
            this.stack = stack;
        }

        @Override
        public void run() {
            System.err.println("\nStopping what was started…");
            try {
                stack.downForGood();
            } catch (IOException e) {
                System.err.println(e.getMessage());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
