package dev.isoflop.cli.table;

import dev.isoflop.cli.CliException;
import dev.isoflop.cli.ExitCode;
import dev.isoflop.cli.client.ApiClient;
import dev.isoflop.cli.show.Json;
import dev.isoflop.cli.show.Numbers;
import dev.isoflop.scaling.fit.Estimate;
import dev.isoflop.scaling.fit.FitOutcome;
import dev.isoflop.scaling.fit.ParametricOptions.Resampling;
import dev.isoflop.scaling.hyper.HyperLawFit;
import dev.isoflop.scaling.hyper.HyperSurface;
import dev.isoflop.scaling.hyper.LocalOptima;
import dev.isoflop.scaling.hyper.TunedRun;
import dev.isoflop.scaling.law.FitPoint;
import dev.isoflop.scaling.law.Law;
import dev.isoflop.scaling.table.Column;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.node.ObjectNode;

/** {@code isoflop hyper TABLE.csv}: the best learning rate and batch of any size, and what another choice costs. */
@Command(
        name = "hyper",
        description = {
            "Fits power laws of the best learning rate and batch to a table of runs tuned at several (N, D), and a surface that says what any choice costs; needs no platform.",
        },
        footer = {
            "",
            "Example:",
            "  isoflop hyper tuned.csv --params 7e9 --tokens 1.4e11",
            "  isoflop hyper tuned.csv --params 7e9 --tokens 1.4e11 --rate 3e-4 --batch 2e6 --json"
        })
public final class HyperCommand implements Callable<Integer> {

    @Parameters(
            paramLabel = "TABLE",
            description = "A CSV or Parquet file with columns N, D or C, RATE (peak), BATCH (tokens a step), and loss.")
    private Path file = Path.of("");

    @ArgGroup(exclusive = false)
    private @Nullable Target target;

    static final class Target {
        @Option(names = "--params", required = true, description = "Parameters of a run to choose for.")
        private double params;

        @Option(names = "--tokens", required = true, description = "Its training tokens.")
        private double tokens;

        @ArgGroup(exclusive = false)
        private @Nullable Choice choice;
    }

    static final class Choice {
        @Option(names = "--rate", required = true, description = "A peak learning rate, to say what it costs.")
        private double rate;

        @Option(names = "--batch", required = true, description = "A batch, in tokens a step.")
        private double batch;
    }

    @Option(
            names = "--within",
            description = "Share above the best of its (N, D) up to which a run is fitted (default 0.02).")
    private double within = 0.02;

    @Option(names = "--level", description = "Of the intervals (default 0.9).")
    private double level = 0.9;

    @Option(names = "--resamples", description = "Bootstrap draws of (N, D) (default 200; 0 for none).")
    private int resamples = 200;

    @Option(names = "--seed", description = "Seed of the draws (default 42).")
    private long seed = 42;

    @Mixin
    private TableOptions table = new TableOptions();

    private record Fitted(
            LocalOptima optima,
            FitOutcome<HyperLawFit> rate,
            FitOutcome<HyperLawFit> batch,
            FitOutcome<HyperSurface> surface) {}

    @Override
    public Integer call() throws IOException {
        if (!(level > 0 && level < 1)) {
            throw new CliException(ExitCode.USAGE, "--level lies between 0 and 1, was " + level + ".");
        }
        if (resamples < 0) {
            throw new CliException(ExitCode.USAGE, "--resamples is 0 or more, was " + resamples + ".");
        }
        List<TunedRun> runs = table.read(file, List.of(Column.RATE, Column.BATCH)).points().stream()
                .map(p -> new TunedRun(p.N(), p.D(), p.input(Law.Input.RATE), p.input(Law.Input.BATCH), p.loss()))
                .toList();
        Fitted fitted;
        try {
            if (target != null) {
                FitPoint.of(target.params, target.tokens, 1);
                if (target.choice != null) {
                    new TunedRun(target.params, target.tokens, target.choice.rate, target.choice.batch, 1);
                }
            }
            fitted = fit(runs);
        } catch (IllegalArgumentException e) {
            throw new CliException(ExitCode.USAGE, e.getMessage() + ".");
        }
        if (table.asJson()) {
            Json.print(json(fitted));
        } else {
            print(fitted);
        }
        return (fitted.surface.converged() || fitted.rate.converged() ? ExitCode.OK : ExitCode.FAILED).code();
    }

    private Fitted fit(List<TunedRun> runs) {
        int threads = Runtime.getRuntime().availableProcessors();
        LocalOptima optima = LocalOptima.of(runs, within);
        return new Fitted(
                optima,
                law(HyperLawFit.rates(optima), HyperLawFit.Of.N_AND_D, threads),
                law(HyperLawFit.batches(optima), HyperLawFit.Of.D, threads),
                HyperSurface.of(runs, within, resamples, seed, level, threads));
    }

    private FitOutcome<HyperLawFit> law(List<FitPoint> bests, HyperLawFit.Of of, int threads) {
        return HyperLawFit.of(bests, of, Resampling.GROUPS, resamples, seed, level, threads);
    }

    // --- as JSON

    private ObjectNode json(Fitted fitted) {
        ObjectNode root = ApiClient.mapper().createObjectNode();
        ReportShow.put(root, "within", within);
        ReportShow.put(root, "level", level);
        ReportShow.put(root, "optima", fitted.optima.optima().size());
        var refused = root.putArray("withoutOptimum");
        fitted.optima.refused().forEach(each -> {
            ObjectNode node = refused.addObject();
            ReportShow.put(node, "N", each.N());
            ReportShow.put(node, "D", each.D());
            node.put("reason", each.reason());
        });
        put(root.putObject("rate"), fitted.rate);
        put(root.putObject("batch"), fitted.batch);
        ObjectNode surface = root.putObject("surface");
        switch (fitted.surface) {
            case FitOutcome.Refused<HyperSurface> no -> surface.put("refusal", no.sentence());
            case FitOutcome.Converged<HyperSurface>(HyperSurface found) -> {
                ReportShow.put(surface, "runs", found.runs());
                coefficients(
                        found.rate().coefficient(),
                        found.rate().ofN(),
                        found.rate().ofD(),
                        surface.putObject("rate"));
                coefficients(found.batch().coefficient(), 0, found.batch().ofD(), surface.putObject("batch"));
                if (target != null) {
                    ReportShow.put(surface, "bestRate", found.rate().at(target.params, target.tokens));
                    ReportShow.put(surface, "bestBatch", found.batch().at(target.params, target.tokens));
                    if (target.choice != null) {
                        HyperSurface.Regret regret =
                                found.regret(target.params, target.tokens, target.choice.rate, target.choice.batch);
                        ReportShow.put(surface.putObject("regret"), regret.share());
                        ReportShow.put(surface, "expectedRegret", regret.expected());
                    }
                }
            }
        }
        return root;
    }

    private void put(ObjectNode node, FitOutcome<HyperLawFit> outcome) {
        switch (outcome) {
            case FitOutcome.Refused<HyperLawFit> no -> node.put("refusal", no.sentence());
            case FitOutcome.Converged<HyperLawFit>(HyperLawFit fit) -> {
                ReportShow.put(node, "coefficient", fit.law().coefficient());
                ReportShow.put(node.putObject("ofN"), fit.ofN());
                ReportShow.put(node.putObject("ofD"), fit.ofD());
                if (target != null) {
                    ReportShow.put(node.putObject("at"), fit.at(target.params, target.tokens));
                }
            }
        }
    }

    private static void coefficients(double coefficient, double ofN, double ofD, ObjectNode node) {
        ReportShow.put(node, "coefficient", coefficient);
        ReportShow.put(node, "ofN", ofN);
        ReportShow.put(node, "ofD", ofD);
    }

    // --- as text

    private void print(Fitted fitted) {
        System.out.printf(
                Locale.ROOT,
                "through the best of %d (N, D), of runs within %s %% of it:%n",
                fitted.optima.optima().size(),
                Numbers.count(100 * within));
        law("rate", fitted.rate, Numbers::power);
        law("batch", fitted.batch, Numbers::count);
        System.out.println("one basin for all (N, D):");
        switch (fitted.surface) {
            case FitOutcome.Refused<HyperSurface> no -> System.out.println("  refused: " + no.sentence());
            case FitOutcome.Converged<HyperSurface>(HyperSurface found) -> surface(found);
        }
        fitted.optima
                .refused()
                .forEach(each -> System.out.printf(
                        Locale.ROOT,
                        "  note: N = %s, D = %s has no best: %s%n",
                        Numbers.count(each.N()),
                        Numbers.count(each.D()),
                        each.reason()));
    }

    private void law(String what, FitOutcome<HyperLawFit> outcome, java.util.function.DoubleFunction<String> show) {
        switch (outcome) {
            case FitOutcome.Refused<HyperLawFit> no -> System.out.println("  " + what + " refused: " + no.sentence());
            case FitOutcome.Converged<HyperLawFit>(HyperLawFit fit) -> {
                Estimate ofN = fit.ofN();
                System.out.printf(
                        Locale.ROOT,
                        "  %-6s %s%s D^%s%n",
                        what,
                        Numbers.plain(fit.law().coefficient()),
                        ofN.value() == 0 ? "" : " N^" + ReportShow.interval(ofN, Numbers::plain),
                        ReportShow.interval(fit.ofD(), Numbers::plain));
                if (target != null) {
                    System.out.println("         "
                            + ReportShow.interval(fit.at(target.params, target.tokens), show)
                            + " at the run asked for");
                }
            }
        }
    }

    private void surface(HyperSurface found) {
        System.out.printf(
                Locale.ROOT,
                "  rate   %s N^%s D^%s%n  batch  %s D^%s tokens a step (%d runs)%n",
                Numbers.plain(found.rate().coefficient()),
                Numbers.plain(found.rate().ofN()),
                Numbers.plain(found.rate().ofD()),
                Numbers.plain(found.batch().coefficient()),
                Numbers.plain(found.batch().ofD()),
                found.runs());
        if (target == null) {
            return;
        }
        System.out.printf(
                Locale.ROOT,
                "  best at the run asked for: rate %s, batch %s%n",
                Numbers.power(found.rate().at(target.params, target.tokens)),
                Numbers.count(found.batch().at(target.params, target.tokens)));
        if (target.choice != null) {
            HyperSurface.Regret regret =
                    found.regret(target.params, target.tokens, target.choice.rate, target.choice.batch);
            System.out.printf(
                    Locale.ROOT,
                    "  rate %s with batch %s costs %.2f %% of the loss, [%.2f, %.2f]; %.2f %% in the mean of the draws%n",
                    Numbers.power(target.choice.rate),
                    Numbers.count(target.choice.batch),
                    100 * regret.share().value(),
                    100 * regret.share().low(),
                    100 * regret.share().high(),
                    100 * regret.expected());
        }
    }
}
