package dev.isoflop.cli;

import dev.isoflop.cli.client.ApiClient;
import dev.isoflop.cli.show.FitTable;
import dev.isoflop.cli.show.Json;
import dev.isoflop.cli.show.MethodsTable;
import dev.isoflop.cli.show.PredictionTable;
import dev.isoflop.cli.table.TableFit;
import dev.isoflop.protocol.api.FitAnswerViews;
import dev.isoflop.protocol.api.FitComparisonViews;
import dev.isoflop.protocol.api.FitViews;
import dev.isoflop.protocol.api.Views;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.JsonNode;

/** Fits: of a sweep, which the platform makes and keeps, or of a table of runs from anywhere, which needs no platform. */
@Command(
        name = "fit",
        description = {
            "Shows the scaling laws fitted to a sweep, fitting them if nobody has; or fits a CSV or Parquet file with columns N, D or C, and loss, here and now.",
        },
        footer = {
            "",
            "Example:",
            "  isoflop fit 1 --target 1e13",
            "  isoflop fit 1 --method all",
            "  isoflop fit runs.csv --law chinchilla --target 1e21 --json",
            "  isoflop fit runs.csv --law auto",
            "  isoflop fit epochs.csv --law data-constrained",
            "  isoflop fit sparse.csv --law mixture-of-experts --column ACTIVE=active_params",
            "  isoflop fit --reproduce 12"
        })
final class FitCommand implements Callable<Integer> {

    private static final String ALL = "all";

    @Mixin
    private PlatformOptions platform = new PlatformOptions();

    @ArgGroup(multiplicity = "1")
    private What what = new What();

    static final class What {
        @Parameters(paramLabel = "SWEEP|TABLE", description = "Id or name of a sweep, or a CSV or Parquet file.")
        private @Nullable String input;

        @Option(
                names = "--reproduce",
                paramLabel = "FIT",
                description = "Make a stored fit again from its record, and say whether it comes out the same.")
        private @Nullable Long reproduce;
    }

    @Option(
            names = "--method",
            description =
                    "isoflop or parametric (default: both), or all there are beside each other; of a table also envelope (default parametric).")
    private @Nullable String method;

    @Option(names = "--target", description = "Compute budget in FLOPs to predict for (default: the sweep's).")
    private @Nullable Double target;

    @Option(names = "--json", description = "Print the fits as JSON.")
    private boolean asJson;

    @ArgGroup(exclusive = false, heading = "Of a table:%n")
    private TableFit.@Nullable Options table;

    @Override
    public Integer call() throws IOException {
        if (what.reproduce != null) {
            return reproduce(what.reproduce);
        }
        String input = what.input == null ? "" : what.input;
        Optional<Path> file = file(input);
        if (file.isPresent()) {
            TableFit.Options options = table == null ? new TableFit.Options() : table;
            return TableFit.run(file.get(), options, method, target, asJson);
        }
        if (table != null) {
            throw new CliException(
                    ExitCode.USAGE,
                    "--law, --fresh, --protocol, --column, --mixed, --delta, --resamples, --by-group, --by-residual, --seed, --level, --html and --latex are for tables, and there is no file "
                            + input + ".");
        }
        ApiClient api = platform.client();
        Views.Sweep found = PlatformOptions.sweep(api, input);
        if (ALL.equals(method)) {
            return methods(api, found.id());
        }
        List<FitViews.Fit> fits = target == null ? latest(api, found.id()) : List.of();
        if (method != null) {
            fits = fits.stream().filter(f -> f.method().equals(method)).toList();
        }
        if (fits.isEmpty()) {
            fits = create(api, found.id(), new FitViews.CreateFit(method, target, null, null, null, null));
        }
        if (asJson) {
            Json.print(fits);
        } else {
            FitTable.lines(fits).forEach(System.out::println);
        }
        boolean any = fits.stream().anyMatch(f -> f.refusal() == null);
        return (any ? ExitCode.OK : ExitCode.FAILED).code();
    }

    /** The points of the newest fit, by every method: which fit it is does not matter, so that one that is refused will do. */
    private int methods(ApiClient api, long sweepId) {
        List<FitViews.Fit> fits = latest(api, sweepId);
        if (fits.isEmpty()) {
            fits = create(api, sweepId, new FitViews.CreateFit(null, target, null, null, null, null));
        }
        long newest = fits.stream().mapToLong(FitViews.Fit::id).max().orElseThrow();
        FitAnswerViews.FitMethods found = api.get(
                "/fits/" + newest + "/methods" + (target == null ? "" : "?target=" + target),
                FitAnswerViews.FitMethods.class);
        if (asJson) {
            Json.print(found);
        } else {
            MethodsTable.lines(found).forEach(System.out::println);
        }
        boolean any = found.methods().stream().anyMatch(m -> m.refusal() == null);
        return (any ? ExitCode.OK : ExitCode.FAILED).code();
    }

    private int reproduce(long fit) throws IOException {
        FitComparisonViews.Reproduction found = platform.client()
                .post("/fits/" + fit + "/reproduce", java.util.Map.of(), null, FitComparisonViews.Reproduction.class);
        if (asJson) {
            Json.print(found);
        } else {
            PredictionTable.reproduction(found).forEach(System.out::println);
        }
        return (found.agrees() ? ExitCode.OK : ExitCode.FAILED).code();
    }

    /** A file that is there, or one that was clearly meant. */
    private static Optional<Path> file(String input) {
        try {
            Path path = Path.of(input);
            if (Files.isRegularFile(path)) {
                return Optional.of(path);
            }
            if (input.toLowerCase(Locale.ROOT).matches(".*\\.(csv|parquet)")) {
                throw new CliException(ExitCode.USAGE, "There is no file " + input + ".");
            }
        } catch (InvalidPathException e) {
            // no file can be called so, but a sweep can
            return Optional.empty();
        }
        return Optional.empty();
    }

    /** The newest fit of each method. */
    static List<FitViews.Fit> latest(ApiClient api, long sweepId) {
        JsonNode answer = api.get("/sweeps/" + sweepId + "/fits", JsonNode.class);
        JsonNode items = answer.isArray() ? answer : answer.path("items");
        java.util.Map<String, FitViews.Fit> newest = new java.util.TreeMap<>();
        for (JsonNode item : items) {
            FitViews.Fit fit = ApiClient.mapper().treeToValue(item, FitViews.Fit.class);
            newest.merge(fit.method(), fit, (a, b) -> a.id() >= b.id() ? a : b);
        }
        return List.copyOf(newest.values());
    }

    static List<FitViews.Fit> create(ApiClient api, long sweepId, FitViews.CreateFit request) {
        return api.post(
                "/sweeps/" + sweepId + "/fits",
                request,
                UUID.randomUUID().toString(),
                new TypeReference<List<FitViews.Fit>>() {});
    }
}
