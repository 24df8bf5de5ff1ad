package dev.isoflop.lm.bench;

import dev.isoflop.lm.cuda.driver.CudaDevice;
import dev.isoflop.lm.cuda.engine.CudaBackend;
import dev.isoflop.lm.cuda.engine.GpuPlan;
import dev.isoflop.lm.cuda.engine.GpuTokens;
import dev.isoflop.lm.cuda.engine.Precision;
import dev.isoflop.lm.cuda.engine.RunArray;
import dev.isoflop.lm.model.ModelSpec;
import dev.isoflop.lm.tokens.TokenSource;
import dev.isoflop.lm.train.Optimizer;
import dev.isoflop.lm.train.StepResult;
import dev.isoflop.lm.train.TrainingOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import tools.jackson.databind.json.JsonMapper;

/**
 * Training speed on a GPU, of one run or of several side by side, with the time of each kind of operation.
 *
 * <p>Usage: {@code GpuTrainBench [--models 0.85M,7.6M,...] [--lanes 1,16] [--seconds S] [--profile 0|1] [--peak TFLOPS] [--logits MiB]
 * [--cache DIR] [--report FILE]}. MFU is {@code tokens/s × trainingFlopsPerToken / peak}; the peak is the datasheet's dense bf16 figure of an
 * H100 SXM unless given.
 */
public final class GpuTrainBench {

    private static final double H100_TFLOPS = 989.4;

    private record Case(String name, int d, int layers, int heads, int vocab, int batch, int context) {
        ModelSpec spec() {
            return ModelSpec.llama(vocab, context, d, layers, heads).withDFf(Math.ceilDiv(8 * d, 3 * 128) * 128);
        }
    }

    /** The models that sweeps are made of, named by their parameters without the embedding; dFf is a multiple of 128. */
    private static final List<Case> CASES = List.of(
            new Case("0.85M", 128, 4, 4, 4096, 32, 256),
            new Case("7.6M", 320, 6, 5, 16_384, 32, 512),
            new Case("25.7M", 512, 8, 8, 16_384, 32, 512),
            new Case("85M", 768, 12, 12, 50_304, 32, 1024),
            new Case("308M", 1024, 24, 16, 50_304, 16, 1024),
            new Case("gpt2-124M", 768, 12, 12, 50_304, 64, 1024));

    /** One kind of operation in a step. */
    public record Operation(String name, int count, double micros, double teraflops, double gigabytesPerSecond) {}

    /**
     * One model and number of runs.
     *
     * @param newShapeSeconds from nothing of the shape to its first step's result: products timed, graph captured, weights drawn
     * @param knownShapeMillis from the wish for another run of the shape to its first step's result
     */
    public record Row(
            String model,
            int lanes,
            long nonEmbeddingParameters,
            double tokensPerSecond,
            double millisPerStep,
            double mfu,
            double newShapeSeconds,
            double knownShapeMillis,
            long bytes,
            int graphNodes,
            double loss,
            List<Operation> operations) {}

    /** The whole report. */
    public record Report(String device, double peakTeraflops, List<Row> rows) {}

    /** Tokens of no meaning but with a realistic spread: few are frequent, most are rare. */
    private record Zipf(int vocabSize, long length) implements TokenSource {
        @Override
        public void read(long position, int[] target, int offset, int count) {
            SplittableRandom random = new SplittableRandom(position);
            for (int i = 0; i < count; i++) {
                target[offset + i] = (int) (Math.pow(vocabSize, random.nextDouble()) - 1);
            }
        }
    }

    private GpuTrainBench() {}

    public static void main(String[] args) throws IOException {
        Arguments arguments = Arguments.parse(
                args,
                List.of(
                        "--models",
                        "--lanes",
                        "--seconds",
                        "--profile",
                        "--peak",
                        "--logits",
                        "--cache",
                        "--report",
                        "--optimizer"));
        List<String> models = Arrays.asList(
                arguments.text("--models", "0.85M,7.6M,25.7M,85M,308M").split(","));
        int[] lanes = Arrays.stream(arguments.text("--lanes", "1").split(","))
                .mapToInt(Integer::parseInt)
                .toArray();
        double peak = arguments.number("--peak", H100_TFLOPS);
        List<Row> rows = new ArrayList<>();
        try (CudaBackend backend = CudaBackend.open(0, Path.of(arguments.text("--cache", "target/gpu-cache")))) {
            for (Case c : CASES) {
                for (int k : lanes) {
                    if (models.contains(c.name())) {
                        rows.add(measure(backend, c, k, arguments, peak));
                        print(rows.getLast(), arguments.integer("--profile", 1) == 1);
                    }
                }
            }
            String report = arguments.text("--report", "");
            if (!report.isEmpty()) {
                Files.writeString(
                        Path.of(report),
                        JsonMapper.shared()
                                .writerWithDefaultPrettyPrinter()
                                .writeValueAsString(new Report(backend.device().name(), peak, rows)));
            }
        }
    }

    private static Row measure(CudaBackend backend, Case c, int lanes, Arguments arguments, double peak) {
        CudaDevice device = backend.device();
        ModelSpec spec = c.spec();
        long logits = (long) arguments.integer("--logits", (int) (GpuPlan.LOGIT_BYTES >> 20)) << 20;
        Optimizer optimizer =
                Optimizer.valueOf(arguments.text("--optimizer", "adamw").toUpperCase(Locale.ROOT));
        GpuPlan plan =
                new GpuPlan(spec, Precision.BF16, lanes, c.batch(), c.context(), 1, logits).withOptimizer(optimizer);
        TrainingOptions options = TrainingOptions.defaults(c.batch(), c.context(), 1_000_000, 1e-3, 1)
                .withOptimizer(optimizer);
        try (GpuTokens tokens = GpuTokens.upload(device, new Zipf(c.vocab(), 1 << 22))) {
            long begin = System.nanoTime();
            try (RunArray array = RunArray.create(backend, plan, tokens, RunArray.Mode.GRAPH)) {
                array.start(0, options);
                StepResult[] last = new StepResult[1];
                array.step((lane, r) -> last[0] = r);
                double fresh = (System.nanoTime() - begin) * 1e-9;
                double known = Double.POSITIVE_INFINITY;
                for (int i = 0; i < 3; i++) {
                    begin = System.nanoTime();
                    array.start(0, options);
                    array.step((lane, r) -> last[0] = r);
                    known = Math.min(known, (System.nanoTime() - begin) * 1e-6);
                }
                for (int i = 1; i < lanes; i++) {
                    array.start(i, options);
                }
                double best = timed(array, 0.3, last);
                double seconds = arguments.number("--seconds", 2);
                double[] rounds = new double[3];
                for (int i = 0; i < rounds.length; i++) {
                    rounds[i] = timed(array, seconds / rounds.length, last);
                }
                Arrays.sort(rounds);
                best = rounds[rounds.length / 2];
                double tokensPerSecond = lanes * (double) c.batch() * c.context() / best;
                List<Operation> operations = array.profile(null, (lane, r) -> {}).stream()
                        .map(o -> new Operation(
                                o.name(),
                                o.count(),
                                o.micros(),
                                o.flops() / o.micros() * 1e-6,
                                o.bytes() / o.micros() * 1e-3))
                        .toList();
                return new Row(
                        c.name(),
                        lanes,
                        spec.nonEmbeddingParameters(),
                        tokensPerSecond,
                        best * 1e3,
                        tokensPerSecond * spec.trainingFlopsPerToken(c.context()) / (peak * 1e12),
                        fresh,
                        known,
                        plan.totalBytes(),
                        array.graphNodes(),
                        last[0].loss(),
                        operations);
            }
        }
    }

    /** Seconds a step, with the host ahead of the device. */
    private static double timed(RunArray array, double seconds, StepResult[] last) {
        RunArray.Listener keep = (lane, r) -> last[0] = r;
        int steps = 0;
        long begin = System.nanoTime();
        while ((System.nanoTime() - begin) * 1e-9 < seconds) {
            while (!array.canSubmit()) {
                array.await(keep);
            }
            array.submit();
            steps++;
        }
        while (array.inFlight() > 0) {
            array.await(keep);
        }
        return (System.nanoTime() - begin) * 1e-9 / steps;
    }

    private static void print(Row row, boolean operations) {
        System.out.printf(
                Locale.ROOT,
                "%-10s x %2d: %,12.0f tokens/s, %8.3f ms/step, MFU %.3f, %d nodes, %,d MiB, first step of a new shape %.2f s, of a known one %.0f ms, loss %.3f%n",
                row.model(),
                row.lanes(),
                row.tokensPerSecond(),
                row.millisPerStep(),
                row.mfu(),
                row.graphNodes(),
                row.bytes() >> 20,
                row.newShapeSeconds(),
                row.knownShapeMillis(),
                row.loss());
        if (operations) {
            double all =
                    row.operations().stream().mapToDouble(Operation::micros).sum();
            System.out.printf(Locale.ROOT, "    one stream, operation by operation: %.3f ms%n", all * 1e-3);
            for (Operation o : row.operations()) {
                System.out.printf(
                        Locale.ROOT,
                        "    %-24s %4d  %9.1f us  %5.1f %%  %6.0f TFLOP/s  %6.0f GB/s%n",
                        o.name(),
                        o.count(),
                        o.micros(),
                        100 * o.micros() / all,
                        o.teraflops(),
                        o.gigabytesPerSecond());
            }
        }
    }
}
