package dev.isoflop.runner.bench;

import dev.isoflop.runner.bench.TrainingLab.Recipe;
import dev.isoflop.runner.bench.TrainingLab.Recorded;
import dev.isoflop.scaling.forecast.LossForecast;
import dev.isoflop.scaling.law.FitPoint;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * How well the end of a run is told from its beginning, on models that are trained: three schedules, learning rates from too low to far too high, several sizes
 * ({@link OutlookSets}).
 */
@Command(name = "outlook", mixinStandardHelpOptions = true)
public final class OutlookBench implements Runnable {

    @Mixin
    private final TrialOptions trial = new TrialOptions();

    @Option(
            names = "--law",
            description =
                    "Report of the design benchmark whose IsoFLOP runs the law is fitted to (default the one of record).")
    private @Nullable Path law;

    @Option(names = "--report", description = "JSON file to write (default beside the curves).")
    private @Nullable Path report;

    public static void main(String[] args) {
        System.exit(new CommandLine(new OutlookBench()).execute(args));
    }

    @Override
    public void run() {
        try {
            LossForecast forecast = LossForecast.of(
                            lawPoints(), 400, 1, Runtime.getRuntime().availableProcessors())
                    .orElseThrow();
            List<OutlookScore.Row> rows = new ArrayList<>();
            Map<String, List<Recipe>> sets = OutlookSets.of(trial.scale());
            for (Map.Entry<String, List<Recipe>> set : sets.entrySet()) {
                for (Recorded run : curves(set.getKey(), set.getValue())) {
                    rows.addAll(OutlookScore.of(set.getKey(), run, forecast));
                }
            }
            Path to = report == null ? trial.work().resolve("outlook.json") : report;
            Files.createDirectories(to.toAbsolutePath().getParent());
            JsonMapper json = JsonMapper.shared();
            Files.writeString(
                    to, rows.stream().map(json::writeValueAsString).collect(Collectors.joining(",\n", "[\n", "\n]\n")));
            for (String set : sets.keySet()) {
                OutlookScore.print(
                        set, rows.stream().filter(r -> r.set().equals(set)).toList());
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException e) {
            throw new IllegalStateException("a run failed", e.getCause());
        }
    }

    /** Those that were trained before, or all anew. */
    private List<Recorded> curves(String set, List<Recipe> recipes)
            throws IOException, InterruptedException, ExecutionException {
        Path kept = trial.work().resolve("outlook-" + set.replace(' ', '-') + ".json");
        JsonMapper json = JsonMapper.shared();
        if (Files.exists(kept)) {
            List<Recorded> before = List.of(json.readValue(Files.readString(kept), Recorded[].class));
            if (before.stream().map(Recorded::recipe).toList().equals(recipes)) {
                return before;
            }
        }
        try (TrainingLab lab = trial.open()) {
            long begun = System.nanoTime();
            List<Recorded> curves = lab.train(recipes);
            Files.writeString(kept, json.writeValueAsString(curves) + "\n");
            System.err.printf("%s: %d runs, %.0f s%n", set, curves.size(), (System.nanoTime() - begun) * 1e-9);
            return curves;
        }
    }

    /** N, D and loss of the sweep's runs, every seed's: well-tuned ones of the same models on the same text. */
    private List<FitPoint> lawPoints() throws IOException {
        List<FitPoint> points = new ArrayList<>();
        for (JsonNode row :
                JsonMapper.shared().readTree(Files.readString(law == null ? DesignBench.record(trial.scale()) : law))) {
            if (row.path("design").asString().equals("IsoFLOP")) {
                for (JsonNode p : row.path("points")) {
                    points.add(
                            p.isArray()
                                    ? FitPoint.of(
                                            p.path(0).asDouble(),
                                            p.path(1).asDouble(),
                                            p.path(2).asDouble())
                                    : FitPoint.of(
                                            p.path("N").asDouble(),
                                            p.path("D").asDouble(),
                                            p.path("loss").asDouble()));
                }
            }
        }
        return points;
    }
}
