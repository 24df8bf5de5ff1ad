package dev.isoflop.cli.table;

import dev.isoflop.cli.CliException;
import dev.isoflop.cli.ExitCode;
import dev.isoflop.cli.client.ApiClient;
import dev.isoflop.cli.show.Json;
import dev.isoflop.cli.show.Numbers;
import dev.isoflop.scaling.fit.Estimate;
import dev.isoflop.scaling.forecast.Holdout;
import dev.isoflop.scaling.forecast.LossForecast;
import dev.isoflop.scaling.forecast.LossForecast.Combination;
import dev.isoflop.scaling.law.FitPoint;
import dev.isoflop.scaling.table.PointTable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.node.ObjectNode;

/** {@code isoflop forecast TABLE.csv}: what a larger run will reach, or how well that could be said of the largest there are. */
@Command(
        name = "forecast",
        description = {
            "Says what loss a larger run will reach, from a table of smaller ones, with an interval that was calibrated on larger runs held out; needs no platform.",
        },
        footer = {
            "",
            "Example:",
            "  isoflop forecast runs.csv --params 7e9 --tokens 1.4e11",
            "  isoflop forecast runs.csv --of larger.csv",
            "  isoflop forecast runs.csv --holdout 10",
            "  isoflop forecast runs.csv --params 7e9 --tokens 1.4e11 --forms stacked"
        })
public final class ForecastCommand implements Callable<Integer> {

    @Parameters(paramLabel = "TABLE", description = "A CSV or Parquet file with columns N, D or C, and loss.")
    private Path file = Path.of("");

    @ArgGroup(multiplicity = "1", exclusive = true)
    private Asked asked = new Asked();

    @Option(names = "--level", description = "Of the intervals (default 0.9).")
    private double level = 0.9;

    @Option(names = "--resamples", description = "Bootstrap draws (default 400).")
    private int resamples = 400;

    @Option(names = "--seed", description = "Seed of the draws (default 42).")
    private long seed = 42;

    @Option(
            names = "--forms",
            paramLabel = "WHICH",
            description = {
                "What the middle is made of: fixed (default; Chinchilla's law and Kaplan's, 60 to 40), stacked (the same",
                "two by the weights that did best on the table's own larger runs), or selected (the one form that did).",
                "On published families fixed was off least."
            })
    private String forms = "fixed";

    @Mixin
    private TableOptions table = new TableOptions();

    static final class Asked {
        @ArgGroup(exclusive = false)
        private @Nullable Run run;

        @Option(names = "--of", paramLabel = "FILE", description = "Forecast the runs of this table, and score them.")
        private @Nullable Path of;

        @Option(
                names = "--holdout",
                paramLabel = "RATIO",
                description = "Leave out what is above the largest budget / RATIO, forecast it, and score that.")
        private @Nullable Double holdout;
    }

    static final class Run {
        @Option(names = "--params", required = true, description = "Parameters of the run.")
        private double params;

        @Option(names = "--tokens", required = true, description = "Its training tokens.")
        private double tokens;
    }

    @Override
    public Integer call() throws IOException {
        if (!(level > 0 && level < 1)) {
            throw new CliException(ExitCode.USAGE, "--level lies between 0 and 1, was " + level + ".");
        }
        Combination how = combination();
        List<FitPoint> points = table.read(file).points();
        try {
            if (asked.holdout != null) {
                score(TableOptions.orFail(Holdout.of(points, asked.holdout, how, level, resamples, seed, threads())));
            } else if (asked.of != null) {
                PointTable others = table.read(asked.of);
                LossForecast forecast = TableOptions.orFail(LossForecast.of(points, how, resamples, seed, threads()));
                double largest = others.points().stream()
                        .mapToDouble(p -> 6 * p.N() * p.D())
                        .max()
                        .orElseThrow();
                score(new Holdout(
                        largest / forecast.maxC(),
                        points.size(),
                        level,
                        others.points().stream()
                                .map(p -> new Holdout.Case(p, forecast.forecast(p.N(), p.D(), level)))
                                .toList()));
            } else if (asked.run != null) {
                run(asked.run, TableOptions.orFail(LossForecast.of(points, how, resamples, seed, threads())));
            }
        } catch (IllegalArgumentException e) {
            throw new CliException(ExitCode.USAGE, e.getMessage() + ".");
        }
        return ExitCode.OK.code();
    }

    private Combination combination() {
        for (Combination each : Combination.values()) {
            if (each.name().equalsIgnoreCase(forms)) {
                return each;
            }
        }
        throw new CliException(ExitCode.USAGE, "--forms is fixed, stacked or selected, was '" + forms + "'.");
    }

    private static int threads() {
        return Runtime.getRuntime().availableProcessors();
    }

    private void run(Run run, LossForecast forecast) {
        FitPoint.of(run.params, run.tokens, 1);
        Estimate loss = forecast.forecast(run.params, run.tokens, level);
        LossForecast.Spread spread = forecast.spread(run.params, run.tokens);
        double ratio = 6 * run.params * run.tokens / forecast.maxC();
        if (table.asJson()) {
            ObjectNode root = ApiClient.mapper().createObjectNode();
            ReportShow.put(root, "N", run.params);
            ReportShow.put(root, "D", run.tokens);
            ReportShow.put(root, "ratio", ratio);
            ReportShow.put(root, "level", level);
            ReportShow.put(root.putObject("loss"), loss);
            ObjectNode parts = root.putObject("spread");
            ReportShow.put(parts, "law", spread.law());
            ReportShow.put(parts, "noise", spread.noise());
            ReportShow.put(parts, "form", spread.form());
            ReportShow.put(parts, "distance", spread.distance());
            var forms = root.putArray("forms");
            forecast.parts().forEach(part -> {
                ObjectNode form = forms.addObject();
                form.put("form", part.form().candidate().name());
                ReportShow.put(form, "weight", part.weight());
            });
            forecast.rollouts().ifPresent(rollouts -> RolloutShow.put(root, rollouts));
            Json.print(root);
            return;
        }
        System.out.printf(
                Locale.ROOT,
                "N = %s, D = %s, %s times the largest run: %s nats per token (%.0f %%)%n",
                Numbers.count(run.params),
                Numbers.count(run.tokens),
                Numbers.plain(ratio),
                ReportShow.interval(loss, Numbers::plain),
                100 * level);
        System.out.printf(
                Locale.ROOT,
                "  standard deviation %.2f %%: the law's %.2f, a run's noise %.2f, not knowing the form %.2f, distance %.2f%n",
                100 * spread.total(),
                100 * spread.law(),
                100 * spread.noise(),
                100 * spread.form(),
                100 * spread.distance());
        System.out.println("  forms: "
                + forecast.parts().stream()
                        .map(part -> String.format(
                                Locale.ROOT,
                                "%.0f %% %s",
                                100 * part.weight(),
                                part.form().candidate().name()))
                        .collect(Collectors.joining(", ")));
        warn(ratio);
        forecast.rollouts().ifPresent(rollouts -> RolloutShow.lines(rollouts).forEach(System.out::println));
    }

    private static void warn(double ratio) {
        if (ratio > LossForecast.CALIBRATED_TO * 1.001) {
            System.out.printf(
                    Locale.ROOT,
                    "  note: intervals were calibrated on runs up to %.0f times as large; whether they hold at %s times nobody knows.%n",
                    LossForecast.CALIBRATED_TO,
                    Numbers.plain(ratio));
        }
    }

    private void score(Holdout holdout) {
        if (table.asJson()) {
            ObjectNode root = ApiClient.mapper().createObjectNode();
            ReportShow.put(root, "fitted", holdout.fitted());
            ReportShow.put(root, "ratio", holdout.ratio());
            ReportShow.put(root, "level", holdout.level());
            ReportShow.put(root, "coverage", holdout.coverage());
            ReportShow.put(root, "meanAbsoluteError", holdout.meanAbsoluteError());
            ReportShow.put(root, "meanWidth", holdout.meanWidth());
            var cases = root.putArray("cases");
            holdout.cases().forEach(each -> {
                ObjectNode node = cases.addObject();
                ReportShow.put(node, "N", each.point().N());
                ReportShow.put(node, "D", each.point().D());
                ReportShow.put(node, "measured", each.point().loss());
                ReportShow.put(node.putObject("forecast"), each.forecast());
                node.put("covered", each.covered());
            });
            Json.print(root);
            return;
        }
        System.out.printf(
                Locale.ROOT,
                "%d runs forecast from %d smaller ones, up to %s times as large:%n",
                holdout.cases().size(),
                holdout.fitted(),
                Numbers.plain(holdout.ratio()));
        System.out.printf("  %8s %8s %9s %9s  %s%n", "N", "D", "measured", "forecast", "interval");
        for (Holdout.Case each : holdout.cases()) {
            System.out.printf(
                    Locale.ROOT,
                    "  %8s %8s %9.4f %9.4f  %.4f to %.4f%s%n",
                    Numbers.count(each.point().N()),
                    Numbers.count(each.point().D()),
                    each.point().loss(),
                    each.forecast().value(),
                    each.forecast().low(),
                    each.forecast().high(),
                    each.covered() ? "" : "  outside");
        }
        System.out.printf(
                Locale.ROOT,
                "  %.0f %% within their %.0f %% intervals, which are %.1f %% wide; off by %.2f %% in the mean%n",
                100 * holdout.coverage(),
                100 * holdout.level(),
                100 * holdout.meanWidth(),
                100 * holdout.meanAbsoluteError());
        warn(holdout.ratio());
    }
}
