package dev.isoflop.runner.bench;

import dev.isoflop.data.Dataset;
import dev.isoflop.lm.train.Schedule;
import dev.isoflop.lm.train.StepResult;
import dev.isoflop.lm.train.Trainer;
import dev.isoflop.lm.train.TrainingOptions;
import dev.isoflop.scaling.flops.ParameterCount;
import dev.isoflop.scaling.flops.TransformerShape;
import dev.isoflop.scaling.plan.BatchRule;
import dev.isoflop.scaling.plan.ShapeRule;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;

/** Trains small models and keeps what the platform would have of each: a thousand training losses and ten held-out ones, those on a part of the held-out text alone. */
final class CurveLab {

    static final int VOCAB = 1024;
    static final int CONTEXT = 128;
    private static final int METRIC_POINTS = 1_000;
    private static final int EVALUATIONS = 10;
    private static final int EVAL_TOKENS = 8_192;

    /**
     * A run as it is trained.
     *
     * @param flops 6ND
     * @param rate peak
     * @param warmup share of the steps
     * @param last learning rate of the last step, as a share of the peak
     */
    record Recipe(int width, double flops, Schedule schedule, double rate, double warmup, double last, long seed) {}

    /**
     * What became of it.
     *
     * @param N with embeddings
     * @param D tokens
     * @param loss held-out, at the end, over all of the held-out text; NaN if it diverged
     * @param seconds of one thread
     */
    @SuppressWarnings("ArrayRecordComponent") // columns
    record Recorded(
            Recipe recipe,
            double N,
            double D,
            long steps,
            long[] trainSteps,
            double[] trainLosses,
            long[] evalSteps,
            double[] evalLosses,
            double loss,
            double seconds) {

        double flops() {
            return 6 * N * D;
        }
    }

    private final Dataset data;
    private final ExecutorService pool;

    CurveLab(Dataset data, ExecutorService pool) {
        this.data = data;
        this.pool = pool;
    }

    List<Recorded> train(List<Recipe> recipes) throws InterruptedException, ExecutionException {
        List<Future<Recorded>> running = new ArrayList<>();
        for (Recipe each : recipes) {
            running.add(pool.submit(() -> train(each)));
        }
        List<Recorded> out = new ArrayList<>();
        for (Future<Recorded> each : running) {
            out.add(each.get());
        }
        return out;
    }

    private Recorded train(Recipe recipe) {
        long begun = System.nanoTime();
        TransformerShape s = ShapeRule.shape(recipe.width, VOCAB, CONTEXT);
        long n = ParameterCount.of(s).total();
        int batch = BatchRule.defaults().batchSequences(recipe.flops, CONTEXT);
        long steps = Math.max(1, (long) (recipe.flops / (6.0 * n) / ((long) batch * CONTEXT)));
        TrainingOptions options = new TrainingOptions(
                batch,
                CONTEXT,
                steps,
                recipe.rate,
                recipe.last,
                recipe.warmup,
                recipe.schedule,
                0.9,
                0.95,
                1e-8,
                0.1,
                1.0,
                recipe.seed,
                1);
        List<double[]> train = new ArrayList<>();
        List<double[]> eval = new ArrayList<>();
        double loss = Double.NaN;
        try (Trainer trainer = Trainer.create(BenchModels.of(s), options, data.train(), 1)) {
            boolean finite = true;
            long every = Math.max(1, steps / METRIC_POINTS);
            long evalEvery = Math.max(1, steps / EVALUATIONS);
            while (finite && trainer.stepsDone() < steps) {
                StepResult r = trainer.step();
                finite = r.finite();
                if (r.step() % every == 0 || r.step() == 1 || r.step() == steps || !finite) {
                    train.add(new double[] {r.step(), r.loss()});
                }
                if (finite && r.step() % evalEvery == 0 && r.step() < steps) {
                    eval.add(new double[] {r.step(), trainer.evaluate(data.validation(), EVAL_TOKENS)});
                }
            }
            if (finite) {
                loss = trainer.evaluate(data.validation(), data.validation().length());
            }
        }
        return new Recorded(
                recipe,
                n,
                (double) steps * batch * CONTEXT,
                steps,
                train.stream().mapToLong(p -> (long) p[0]).toArray(),
                train.stream().mapToDouble(p -> p[1]).toArray(),
                eval.stream().mapToLong(p -> (long) p[0]).toArray(),
                eval.stream().mapToDouble(p -> p[1]).toArray(),
                loss,
                (System.nanoTime() - begun) * 1e-9);
    }
}
