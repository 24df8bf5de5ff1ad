package dev.isoflop.runner.bench;

import dev.isoflop.runner.bench.TrainingLab.Recipe;
import dev.isoflop.runner.bench.TrainingLab.Recorded;
import dev.isoflop.scaling.design.CandidateRuns;
import dev.isoflop.scaling.design.DesignTarget;
import dev.isoflop.scaling.design.OptimalSweep;
import dev.isoflop.scaling.design.SequentialDesign;
import dev.isoflop.scaling.fit.Estimate;
import dev.isoflop.scaling.forecast.LossForecast;
import dev.isoflop.scaling.law.ChinchillaLaw;
import dev.isoflop.scaling.law.FitPoint;
import dev.isoflop.scaling.plan.PlannedCell;
import dev.isoflop.scaling.plan.SweepPlan;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.json.JsonMapper;

/**
 * Three ways to spend as many FLOPs on a sweep, on models that are trained, each forecasting one larger run: IsoFLOP curves, a sequential design, and a design chosen at once. Designs
 * choose among the models of one ladder for whole steps, between the least and the largest budget of the IsoFLOP sweep.
 */
@Command(name = "design", mixinStandardHelpOptions = true)
public final class DesignBench implements Runnable {

    /** Runs that the sequential design chooses at a time. */
    private static final int WAVE = 2;
    /** About as many as the sequential design comes to. */
    private static final int AT_ONCE = 30;

    @Mixin
    private final TrialOptions trial = new TrialOptions();

    @Option(names = "--seeds", description = "Replicates (default 5).")
    private int seeds = 5;

    @Option(names = "--target-flops", description = "Of the larger run (default 7.5 times the largest of the sweep).")
    private double targetFlops;

    @Option(names = "--target-width", description = "Of the larger run (default 48 on the CPU, 256 on a GPU).")
    private int targetWidth;

    @Option(names = "--report", description = "JSON file to write (default beside the dataset).")
    private @Nullable Path report;

    /**
     * One replicate.
     *
     * @param spend FLOPs trained, 6ND
     * @param law of the sweep's or design's points
     * @param predicted loss of the larger run by it
     * @param forecast the same with its 90 % interval, by {@link LossForecast}
     * @param observed loss of this replicate's larger run
     */
    public record Row(
            long seed,
            String design,
            int runs,
            double spend,
            ChinchillaLaw law,
            double predicted,
            Estimate forecast,
            double observed,
            List<FitPoint> points) {}

    public static void main(String[] args) {
        System.exit(new CommandLine(new DesignBench()).execute(args));
    }

    /** The report of record for a scale. */
    static Path record(TrialScale scale) {
        return Path.of(
                System.getProperty("isoflop.root", "."),
                "docs",
                "benchmarks",
                scale == TrialScale.CPU ? "design.json" : "design-gpu.json");
    }

    @Override
    public void run() {
        try (TrainingLab lab = trial.open();
                ExecutorService designs = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Replicate> replicates = new ArrayList<>();
            for (long seed = 1; seed <= seeds; seed++) {
                replicates.add(new Replicate(lab, designs, seed));
            }
            List<Row> rows = new ArrayList<>();
            try {
                for (Replicate each : replicates) {
                    rows.addAll(each.rows());
                    write(rows);
                }
            } finally {
                designs.shutdownNow(); // one has failed, or all have ended
            }
            summary(rows);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException e) {
            throw new IllegalStateException("a run failed", e.getCause());
        }
    }

    private Recipe larger() {
        TrialScale.Budgets own = trial.scale().budgets();
        return trial.scale()
                .of(targetFlops > 0 ? targetFlops : own.target(), targetWidth > 0 ? targetWidth : own.width());
    }

    /** All designs once, side by side, and the larger run. Every run of a replicate has a seed of its own. */
    private final class Replicate {

        private static final int MOST_RUNS = 300;

        private final TrainingLab lab;
        private final long seed;
        private final Recipe larger = larger();
        private final SweepPlan trainable = trial.scale().trainable();
        private final Map<CandidateRuns.Run, PlannedCell> candidates = CandidateRuns.Run.of(trainable);
        private final Future<List<FitPoint>> isoFlop;
        private final Future<List<FitPoint>> sequential;
        private final Future<List<FitPoint>> atOnce;

        Replicate(TrainingLab lab, ExecutorService designs, long seed) {
            this.lab = lab;
            this.seed = seed;
            List<Recipe> sweep = trial.scale().isoFlop();
            double allowance =
                    sweep.stream().mapToDouble(r -> 6 * r.N() * r.D()).sum();
            List<Recipe> withLarger = new ArrayList<>(sweep);
            withLarger.addFirst(larger);
            isoFlop = designs.submit(() -> train(withLarger, 0));
            sequential = designs.submit(() -> sequential(allowance, withLarger.size()));
            atOnce = designs.submit(() -> atOnce(allowance, MOST_RUNS));
        }

        List<Row> rows() throws InterruptedException, ExecutionException {
            List<FitPoint> points = isoFlop.get();
            FitPoint observed = points.getFirst();
            List<Row> rows = List.of(
                    row("IsoFLOP", points.subList(1, points.size()), observed),
                    row("sequential", sequential.get(), observed),
                    row("optimal at once", atOnce.get(), observed));
            rows.forEach(row -> System.out.printf(
                    Locale.ROOT,
                    "seed %d %-15s %2d runs, %.3g FLOPs: law %.4f, forecast %.4f [%.4f, %.4f], observed %.4f%n",
                    row.seed,
                    row.design,
                    row.runs,
                    row.spend,
                    row.predicted,
                    row.forecast.value(),
                    row.forecast.low(),
                    row.forecast.high(),
                    row.observed));
            return rows;
        }

        private DesignTarget target() {
            return new DesignTarget.LogLoss(larger.N(), larger.D());
        }

        /** Begins with eight runs and goes on wave by wave until the allowance is spent. */
        private List<FitPoint> sequential(double allowance, int firstSeed)
                throws InterruptedException, ExecutionException {
            List<CandidateRuns.Run> left = new ArrayList<>(candidates.keySet());
            List<CandidateRuns.Run> beginning = trial.scale().places().beginning().stream()
                    .map(this::nearest)
                    .distinct()
                    .toList();
            List<FitPoint> points = new ArrayList<>(trainCells(beginning, firstSeed));
            left.removeAll(beginning);
            while (true) {
                List<CandidateRuns.Run> wave = SequentialDesign.next(
                                points,
                                target(),
                                left,
                                new SequentialDesign.Means(
                                        WAVE, allowance - spend(points), allowance / 10, OptionalDouble.empty()))
                        .orElseThrow()
                        .choices()
                        .stream()
                        .map(SequentialDesign.Choice::run)
                        .toList();
                if (wave.isEmpty()) {
                    return points;
                }
                points.addAll(trainCells(wave, firstSeed + points.size()));
                left.removeAll(wave);
            }
        }

        /** By published laws, without any run to go by. */
        private List<FitPoint> atOnce(double allowance, int firstSeed) throws InterruptedException, ExecutionException {
            SweepPlan chosen =
                    OptimalSweep.after(List.of()).orElseThrow().choose(target(), trainable, allowance, AT_ONCE);
            return trainCells(List.copyOf(CandidateRuns.Run.of(chosen).keySet()), firstSeed);
        }

        private CandidateRuns.Run nearest(CandidateRuns.Run place) {
            return candidates.keySet().stream()
                    .min(Comparator.comparingDouble(
                            run -> Math.hypot(Math.log(run.N() / place.N()), Math.log(run.D() / place.D()))))
                    .orElseThrow();
        }

        private List<FitPoint> trainCells(List<CandidateRuns.Run> cells, int firstSeed)
                throws InterruptedException, ExecutionException {
            return train(
                    cells.stream()
                            .map(run -> Recipe.of(Objects.requireNonNull(candidates.get(run))))
                            .toList(),
                    firstSeed);
        }

        private List<FitPoint> train(List<Recipe> recipes, int firstSeed)
                throws InterruptedException, ExecutionException {
            List<Recipe> seeded = new ArrayList<>();
            for (Recipe each : recipes) {
                seeded.add(each.with(seed * 1000 + firstSeed + seeded.size()));
            }
            return lab.train(seeded).stream().map(Recorded::point).toList();
        }

        private Row row(String design, List<FitPoint> points, FitPoint observed) {
            ChinchillaLaw law =
                    SequentialDesign.conclude(points, OptionalDouble.empty()).orElseThrow();
            return new Row(
                    seed,
                    design,
                    points.size(),
                    spend(points),
                    law,
                    law.loss(larger.N(), larger.D()),
                    LossForecast.of(points, 200, seed, 2).orElseThrow().forecast(larger.N(), larger.D(), .9),
                    observed.loss(),
                    points);
        }
    }

    private static double spend(List<FitPoint> points) {
        return points.stream().mapToDouble(FitPoint::C).sum();
    }

    private void write(List<Row> rows) throws IOException {
        Path to = (report == null ? trial.work().resolve("design.json") : report).toAbsolutePath();
        Files.createDirectories(to.getParent());
        Files.writeString(
                to, JsonMapper.shared().writerWithDefaultPrettyPrinter().writeValueAsString(rows) + "\n");
    }

    private static void summary(List<Row> rows) {
        double observed = rows.stream().mapToDouble(Row::observed).average().orElseThrow();
        System.out.println(
                "\n| design | runs | spend | law: RMS error of log loss | forecast: RMS error | within 90 % |");
        System.out.println("|---|---|---|---|---|---|");
        for (String design : rows.stream().map(Row::design).distinct().toList()) {
            List<Row> own = rows.stream().filter(r -> r.design.equals(design)).toList();
            System.out.printf(
                    Locale.ROOT,
                    "| %s | %.1f | %.3g | %.2f %% | %.2f %% | %d of %d |%n",
                    design,
                    own.stream().mapToInt(Row::runs).average().orElseThrow(),
                    own.stream().mapToDouble(Row::spend).average().orElseThrow(),
                    100
                            * rms(own.stream()
                                    .mapToDouble(r -> Math.log(r.predicted / observed))
                                    .toArray()),
                    100
                            * rms(own.stream()
                                    .mapToDouble(r -> Math.log(r.forecast.value() / observed))
                                    .toArray()),
                    own.stream()
                            .filter(r -> r.forecast.low() <= r.observed && r.observed <= r.forecast.high())
                            .count(),
                    own.size());
        }
        System.out.printf(Locale.ROOT, "%nThe larger run: %.4f nats in the mean of its seeds.%n", observed);
    }

    private static double rms(double[] errors) {
        double sum = 0;
        for (double e : errors) {
            sum += e * e;
        }
        return Math.sqrt(sum / errors.length);
    }
}
