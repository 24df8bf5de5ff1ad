package dev.isoflop.cli;

import dev.isoflop.cli.client.ApiClient;
import dev.isoflop.cli.show.Json;
import dev.isoflop.cli.show.PredictionTable;
import dev.isoflop.protocol.api.Page;
import dev.isoflop.protocol.api.PredictionViews;
import dev.isoflop.protocol.api.PredictionViews.Prediction;
import dev.isoflop.protocol.api.PredictionViews.PredictionSummary;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.core.type.TypeReference;

/** Predictions: made from a fit before a run begins, and the ledger of how they came out. */
final class PredictionCommands {

    private PredictionCommands() {}

    @Command(
            name = "predict",
            description =
                    "Predicts, from a fit, the loss of a run that waits, or of any size, and keeps it: it is scored when the run ends.",
            footer = {
                "",
                "Example:",
                "  isoflop predict 12 --run 340",
                "  isoflop predict 12 --params 4.2e8 --tokens 8.4e9 --json"
            })
    static final class Predict implements Callable<Integer> {
        @Mixin
        private PlatformOptions platform = new PlatformOptions();

        @Parameters(paramLabel = "FIT", description = "Id of a fit (isoflop fit SWEEP names it).")
        private long fit;

        @ArgGroup(multiplicity = "1")
        private What what = new What();

        @Option(names = "--json", description = "Print the prediction as JSON.")
        private boolean asJson;

        static final class What {
            @Option(names = "--run", paramLabel = "RUN", required = true, description = "Id of a run that waits.")
            private @Nullable Long run;

            @ArgGroup(exclusive = false)
            private @Nullable Size size;
        }

        static final class Size {
            @Option(
                    names = "--params",
                    paramLabel = "N",
                    required = true,
                    description = "Parameters, as the fit counts them.")
            private double params;

            @Option(names = "--tokens", paramLabel = "D", required = true, description = "Training tokens.")
            private double tokens;
        }

        @Override
        public Integer call() throws IOException {
            Size size = what.size;
            var request = new PredictionViews.CreatePrediction(
                    what.run, size == null ? null : (Double) size.params, size == null ? null : (Double) size.tokens);
            Prediction made = platform.client().post("/fits/" + fit + "/predictions", request, null, Prediction.class);
            if (asJson) {
                Json.print(made);
            } else {
                PredictionTable.one(made).forEach(System.out::println);
            }
            return ExitCode.OK.code();
        }
    }

    @Command(
            name = "predictions",
            description =
                    "Shows the ledger of predictions: coverage and error by how far was extrapolated, and each of them.",
            footer = {"", "Example:", "  isoflop predictions --experiment chinchilla --state scored"},
            subcommands = Tie.class)
    static final class Ledger implements Callable<Integer> {
        @Mixin
        private PlatformOptions platform = new PlatformOptions();

        @Option(names = "--experiment", paramLabel = "EXPERIMENT", description = "Id or name; only its predictions.")
        private @Nullable String experiment;

        @Option(names = "--state", paramLabel = "STATE", description = "open, scored or void; only those.")
        private @Nullable String state;

        @Option(names = "--json", description = "Print summary and predictions as JSON.")
        private boolean asJson;

        @Override
        public Integer call() throws IOException {
            ApiClient api = platform.client();
            String of = experiment == null
                    ? ""
                    : "experiment=" + ExperimentCommand.find(api, experiment).id();
            PredictionSummary summary =
                    api.get("/predictions/summary" + (of.isEmpty() ? "" : "?" + of), PredictionSummary.class);
            String path = "/predictions?limit=200" + (of.isEmpty() ? "" : "&" + of)
                    + (state == null ? "" : "&state=" + word(state));
            List<Prediction> all =
                    api.all(path, new TypeReference<Page<Prediction>>() {}).toList();
            if (asJson) {
                Map<String, Object> both = new LinkedHashMap<>();
                both.put("summary", summary);
                both.put("predictions", all);
                Json.print(both);
            } else {
                PredictionTable.ledger(summary, all).forEach(System.out::println);
            }
            return ExitCode.OK.code();
        }

        private static String word(String state) {
            String lower = state.toLowerCase(Locale.ROOT);
            if (!lower.matches("open|scored|void")) {
                throw new CliException(ExitCode.USAGE, "--state is open, scored or void; was " + state + ".");
            }
            return lower;
        }
    }

    @Command(
            name = "tie",
            description = "Ties a prediction of a size to a run of that size that waits, for good.",
            mixinStandardHelpOptions = true)
    static final class Tie implements Callable<Integer> {
        @Mixin
        private PlatformOptions platform = new PlatformOptions();

        @Parameters(paramLabel = "PREDICTION", description = "Id of a prediction without a run.")
        private long prediction;

        @Option(names = "--run", paramLabel = "RUN", required = true, description = "Id of a run that waits.")
        private long run;

        @Override
        public Integer call() throws IOException {
            Prediction tied = platform.client()
                    .put(
                            "/predictions/" + prediction + "/run",
                            new PredictionViews.LinkPrediction(run),
                            Prediction.class);
            PredictionTable.one(tied).forEach(System.out::println);
            return ExitCode.OK.code();
        }
    }
}
