package dev.isoflop.lm.cuda.engine;

import dev.isoflop.lm.cuda.blas.MatmulPlan;
import dev.isoflop.lm.cuda.blas.MatmulProblem;
import dev.isoflop.lm.cuda.blas.MatrixType;
import dev.isoflop.lm.cuda.driver.Args;
import dev.isoflop.lm.cuda.driver.CudaEvent;
import dev.isoflop.lm.cuda.driver.CudaGraph;
import dev.isoflop.lm.cuda.driver.CudaStream;
import dev.isoflop.lm.cuda.driver.DeviceMemory;
import dev.isoflop.lm.cuda.driver.Kernel;
import dev.isoflop.lm.model.ModelSpec;
import java.util.SplittableRandom;

/**
 * What a device measures of itself in a tenth of a second, and what that says about how many runs of a shape to train side by side.
 *
 * <p>A step costs {@code nodes · launch} however little there is to do, and beyond that time in proportion to its lanes. So K lanes do
 * {@code K / (nodes · launch + K · work)} steps a second: with few lanes a small model waits for launches, and beyond some number more
 * lanes bring nothing.
 *
 * @param launchMicros from one node of a graph to the next
 * @param bytesPerSecond copying within device memory, read and written bytes counted
 * @param matmulFlops a large bf16 product, FLOP/s
 * @param fp32MatmulFlops a large product in exact fp32, FLOP/s
 */
public record LaneCalibration(double launchMicros, double bytesPerSecond, double matmulFlops, double fp32MatmulFlops) {

    private static final double ENOUGH = 0.9;

    /** What products of a training step reach of the large one, and how much of the launches' time the side stream hides. */
    private static final double MATMUL_SHARE = 0.7;

    private static final double LAUNCH_SHARE = 0.8;

    /** Measures. */
    public static LaneCalibration measure(CudaBackend backend) {
        try (CudaStream stream = CudaStream.create(backend.device());
                CudaEvent from = CudaEvent.create(backend.device());
                CudaEvent to = CudaEvent.create(backend.device());
                Args args = new Args()) {
            backend.blas().prepare(stream);
            return new LaneCalibration(
                    launchMicros(backend, stream, from, to, args),
                    copySpeed(backend, stream, from, to),
                    matmulSpeed(backend, stream, from, to, 8192, MatrixType.BF16),
                    matmulSpeed(backend, stream, from, to, 4096, MatrixType.FP32));
        }
    }

    /** The measured peak of products in a precision, FLOP/s. */
    public double matmulFlops(Precision precision) {
        return switch (precision) {
            case BF16 -> matmulFlops;
            case FP32 -> fp32MatmulFlops;
        };
    }

    private static double launchMicros(
            CudaBackend backend, CudaStream stream, CudaEvent from, CudaEvent to, Args args) {
        int nodes = 256;
        Kernel kernel = backend.kernel("step.cu", "to_bf16");
        try (DeviceMemory memory = DeviceMemory.allocate(backend.device(), 64)) {
            Runnable one = () -> kernel.launch(
                    stream,
                    1,
                    1,
                    1,
                    32,
                    0,
                    args.reset().address(memory).address(memory.address(32)).int64(1));
            one.run();
            try (CudaGraph graph = CudaGraph.capture(stream, () -> {
                for (int i = 0; i < nodes; i++) {
                    one.run();
                }
            })) {
                return 1e3 * best(stream, from, to, () -> graph.launch(stream)) / nodes;
            }
        }
    }

    private static double copySpeed(CudaBackend backend, CudaStream stream, CudaEvent from, CudaEvent to) {
        long bytes = 256L << 20;
        try (DeviceMemory a = DeviceMemory.allocate(backend.device(), bytes);
                DeviceMemory b = DeviceMemory.allocate(backend.device(), bytes)) {
            double millis = best(stream, from, to, () -> b.copyFrom(stream, 0, a.address(), bytes));
            return 2.0 * bytes / (millis * 1e-3);
        }
    }

    private static double matmulSpeed(
            CudaBackend backend, CudaStream stream, CudaEvent from, CudaEvent to, int n, MatrixType type) {
        long bytes = (long) type.bytes() * n * n;
        MatmulProblem problem = MatmulProblem.of(n, n, n, type).transposed(false, true);
        try (DeviceMemory a = DeviceMemory.allocate(backend.device(), bytes);
                DeviceMemory b = DeviceMemory.allocate(backend.device(), bytes);
                DeviceMemory c = DeviceMemory.allocate(backend.device(), bytes);
                MatmulPlan plan = backend.blas().plan(problem)) {
            random(stream, a);
            b.copyFrom(stream, 0, a.address(), bytes);
            double millis = best(stream, from, to, () -> plan.run(stream, a.address(), b.address(), c.address()));
            return problem.flops() / (millis * 1e-3);
        }
    }

    /** Numbers about 1 of either sign and type: a product of zeros draws little power, and so runs at a clock that no real one has. */
    private static void random(CudaStream stream, DeviceMemory memory) {
        long tile = Math.min(memory.bytes(), RANDOM_BYTES);
        short[] values = new short[(int) (tile / 2)];
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < values.length; i++) {
            // the upper half of a float, or a bf16: sign, the exponent of numbers from 1 to 2, a random mantissa
            values[i] = (short) (0x3f80 | (random.nextInt() & 0x807f));
        }
        memory.upload(values, 0, values.length, 0);
        for (long at = tile; at < memory.bytes(); at += tile) {
            memory.copyFrom(stream, at, memory.address(), Math.min(tile, memory.bytes() - at));
        }
    }

    private static final long RANDOM_BYTES = 4L << 20;

    private static double best(CudaStream stream, CudaEvent from, CudaEvent to, Runnable work) {
        double best = Double.POSITIVE_INFINITY;
        work.run();
        for (int i = 0; i < 4; i++) {
            from.record(stream);
            work.run();
            to.record(stream);
            to.synchronize();
            best = Math.min(best, to.millisSince(from));
        }
        return best;
    }

    /** Estimated seconds of a step. */
    public double stepSeconds(GpuPlan plan) {
        return overhead(plan) + work(plan);
    }

    /** The least number of lanes that reaches nine tenths of what any number could, at most {@link GpuPlan#MOST_LANES}. */
    public int lanes(GpuPlan one) {
        double ratio = ENOUGH / (1 - ENOUGH) * overhead(one) / work(one.withLanes(1));
        return (int) Math.clamp(Math.ceil(ratio), 1, GpuPlan.MOST_LANES);
    }

    private double overhead(GpuPlan plan) {
        ModelSpec spec = plan.spec();
        double pass = 26.0 * spec.layers() + 4.0 * Math.ceilDiv(plan.rows, plan.chunkRows) + 20;
        int update = 5 + (plan.muon == null ? 0 : plan.muon.launches());
        return (pass * plan.accumulation() + update) * LAUNCH_SHARE * launchMicros * 1e-6;
    }

    private double work(GpuPlan plan) {
        ModelSpec spec = plan.spec();
        double rows = (double) plan.lanes() * plan.rows * plan.accumulation();
        double flops = rows * spec.trainingFlopsPerToken(plan.context()) + (plan.muon == null ? 0 : plan.muon.flops());
        // elements a row moves in a layer outside products, and those of the logits
        double elements = spec.layers() * (24.0 * spec.dModel() + 4.0 * spec.qkvWidth() + 8.0 * spec.dFf())
                + 4.0 * spec.vocabSize();
        double bytes = rows * elements * plan.precision().bytes() + 34.0 * plan.lanes() * plan.stride();
        double speed =
                plan.precision() == Precision.BF16 ? matmulFlops * MATMUL_SHARE : matmulFlops * MATMUL_SHARE / 16;
        return flops / speed + bytes / bytesPerSecond;
    }
}
