package dev.isoflop.runner.bench;

import dev.isoflop.data.Dataset;
import dev.isoflop.lm.train.Schedule;
import dev.isoflop.lm.train.StepResult;
import dev.isoflop.protocol.job.DatasetRef;
import dev.isoflop.protocol.job.LearningRateSchedule;
import dev.isoflop.protocol.job.ModelShape;
import dev.isoflop.protocol.job.Precision;
import dev.isoflop.protocol.job.PretrainSpec;
import dev.isoflop.protocol.job.TrainingSettings;
import dev.isoflop.runner.work.CpuEngine;
import dev.isoflop.runner.work.PreparedDataset;
import dev.isoflop.runner.work.TrainingEngine;
import dev.isoflop.runner.work.gpu.GpuEngine;
import dev.isoflop.scaling.flops.ParameterCount;
import dev.isoflop.scaling.flops.TransformerShape;
import dev.isoflop.scaling.law.FitPoint;
import dev.isoflop.scaling.plan.PlannedCell;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Trains models as a runner does, on its engines, and keeps what the platform would have of each: a thousand training losses and ten held-out ones, those on a part of the held-out
 * text alone.
 *
 * <p>Concurrency: any number of threads may ask for runs; all of them share the engine and its places.
 */
final class TrainingLab implements AutoCloseable {

    private static final int METRIC_POINTS = 1_000;
    private static final int EVALUATIONS = 10;

    /**
     * A run as it is trained.
     *
     * @param batch sequences in a step
     * @param rate peak
     * @param warmup share of the steps
     * @param last learning rate of the last step, as a share of the peak
     */
    record Recipe(
            TransformerShape shape,
            int batch,
            long steps,
            Schedule schedule,
            double rate,
            double warmup,
            double last,
            long seed) {

        /** A run that was planned: a cosine from a tenth of the steps to a tenth of the rate, seed 0. */
        static Recipe of(PlannedCell cell) {
            return new Recipe(
                    cell.shape(),
                    cell.batchSequences(),
                    cell.steps(),
                    Schedule.COSINE,
                    cell.learningRate(),
                    0.1,
                    0.1,
                    0);
        }

        Recipe with(Schedule otherSchedule, double otherWarmup, double otherLast) {
            return new Recipe(shape, batch, steps, otherSchedule, rate, otherWarmup, otherLast, seed);
        }

        Recipe withRate(double otherRate) {
            return new Recipe(shape, batch, steps, schedule, otherRate, warmup, last, seed);
        }

        Recipe with(long otherSeed) {
            return new Recipe(shape, batch, steps, schedule, rate, warmup, last, otherSeed);
        }

        /** Parameters with embeddings. */
        double N() {
            return ParameterCount.of(shape).total();
        }

        /** Tokens. */
        double D() {
            return (double) steps * batch * shape.contextLength();
        }
    }

    /**
     * What became of it.
     *
     * @param loss held-out, at the end, over all of the held-out text; NaN if it diverged
     * @param seconds from its start to its end, others beside it
     */
    @SuppressWarnings("ArrayRecordComponent") // columns
    record Recorded(
            Recipe recipe,
            long[] trainSteps,
            double[] trainLosses,
            long[] evalSteps,
            double[] evalLosses,
            double loss,
            double seconds) {

        /** For a fit. */
        FitPoint point() {
            return FitPoint.of(recipe.N(), recipe.D(), loss).withSeed(recipe.seed);
        }
    }

    private final TrialScale scale;
    private final Dataset data;
    private final PreparedDataset prepared;
    private final TrainingEngine engine;
    private final ExecutorService places;

    private TrainingLab(TrialScale scale, Dataset data, TrainingEngine engine, int places) {
        this.scale = scale;
        this.data = data;
        this.prepared = new PreparedDataset(
                data.train(), data.validation(), data.manifest().validationBytes(), data::close);
        this.engine = engine;
        this.places = Executors.newFixedThreadPool(places);
    }

    /**
     * @param data closed with the lab
     * @param places runs trained side by side
     * @param cache where a GPU's compiled kernels and timings are kept
     */
    static TrainingLab open(TrialScale scale, Dataset data, int places, Path cache) {
        TrainingEngine engine = switch (scale) {
            case CPU -> new CpuEngine();
            case GPU ->
                new GpuEngine(List.of(0), cache, lost -> {
                    System.err.println("The GPU is lost: " + lost.getMessage());
                    Runtime.getRuntime().halt(1);
                });
        };
        return new TrainingLab(scale, data, engine, places);
    }

    /** @return what became of each, in their order */
    List<Recorded> train(List<Recipe> recipes) throws InterruptedException, ExecutionException {
        List<Future<Recorded>> running = new ArrayList<>();
        for (Recipe each : recipes) {
            running.add(places.submit(() -> train(each)));
        }
        List<Recorded> out = new ArrayList<>();
        for (Future<Recorded> each : running) {
            out.add(each.get());
        }
        return out;
    }

    private Recorded train(Recipe recipe) throws Exception {
        long begun = System.nanoTime();
        long every = Math.max(1, recipe.steps / METRIC_POINTS);
        long evalEvery = Math.max(1, recipe.steps / EVALUATIONS);
        List<StepResult> kept = new ArrayList<>();
        List<double[]> held = new ArrayList<>();
        double loss = Double.NaN;
        try (TrainingEngine.Session session = engine.create(spec(recipe), prepared, 1)) {
            boolean[] finite = {true};
            while (finite[0] && session.stepsDone() < recipe.steps) {
                long next = (session.stepsDone() / evalEvery + 1) * evalEvery;
                session.advance(Math.min(recipe.steps, next), r -> {
                    finite[0] &= r.finite();
                    if (r.step() % every == 0 || r.step() == 1 || r.step() == recipe.steps || !r.finite()) {
                        kept.add(r);
                    }
                });
                if (finite[0] && session.stepsDone() < recipe.steps) {
                    held.add(new double[] {session.stepsDone(), session.evaluate(scale.evalTokens())});
                }
            }
            if (finite[0]) {
                loss = session.evaluate(data.validation().length());
            }
        }
        return new Recorded(
                recipe,
                kept.stream().mapToLong(StepResult::step).toArray(),
                kept.stream().mapToDouble(StepResult::loss).toArray(),
                held.stream().mapToLong(p -> (long) p[0]).toArray(),
                held.stream().mapToDouble(p -> p[1]).toArray(),
                loss,
                (System.nanoTime() - begun) * 1e-9);
    }

    private PretrainSpec spec(Recipe recipe) {
        TransformerShape s = recipe.shape;
        return new PretrainSpec(
                new ModelShape(
                        s.vocabSize(),
                        s.contextLength(),
                        s.dModel(),
                        s.layers(),
                        s.heads(),
                        s.kvHeads(),
                        s.dFf(),
                        s.tiedEmbeddings(),
                        s.qkNorm(),
                        ModelShape.ROPE_THETA,
                        ModelShape.NORM_EPSILON),
                new TrainingSettings(
                        recipe.batch,
                        recipe.steps,
                        recipe.rate,
                        recipe.last,
                        recipe.warmup,
                        switch (recipe.schedule) {
                            case COSINE -> LearningRateSchedule.COSINE;
                            case WSD -> LearningRateSchedule.WSD;
                            case CONSTANT -> LearningRateSchedule.CONSTANT;
                        },
                        0.9,
                        0.95,
                        1e-8,
                        0.1,
                        1.0,
                        Precision.valueOf(scale.precision().name())),
                recipe.seed,
                new DatasetRef(data.manifest().id(), List.of()),
                1,
                0,
                scale.evalTokens(),
                0);
    }

    @Override
    public void close() {
        places.shutdownNow();
        places.close();
        if (engine instanceof GpuEngine gpu) {
            gpu.close();
        }
        prepared.close();
    }
}
