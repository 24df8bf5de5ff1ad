package dev.isoflop.lm.cuda.engine;

import dev.isoflop.lm.cuda.blas.MatmulPlan;
import dev.isoflop.lm.cuda.blas.MatmulProblem;
import dev.isoflop.lm.cuda.blas.MatrixType;
import dev.isoflop.lm.cuda.driver.Args;
import dev.isoflop.lm.cuda.driver.CudaStream;
import dev.isoflop.lm.cuda.driver.Kernel;
import dev.isoflop.lm.model.ModelSpec;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The operations of a block on all lanes of a plan, each a kernel or product with its launch shape and its cost. Addresses are of the
 * first lane. Methods that begin an operation's name return what launches it; {@link CudaModel} puts them in order.
 *
 * <p>Concurrency: one thread's, since launches share their arguments' memory.
 */
final class Operations implements AutoCloseable {

    private static final int WARPS = 4;
    private static final int ROPE_BLOCK = 128;

    private final CudaBackend backend;
    private final CudaStream stream;
    private final GpuPlan plan;
    private final ModelSpec spec;
    private final String suffix;
    private final int lanes;
    private final int multiprocessors;
    private final Map<MatmulProblem, MatmulPlan> products = new HashMap<>();
    private final Args args = new Args();
    private final AttentionKernels attention;
    private final PanelKernels panels;

    /** @param stream where products are timed before they are used */
    Operations(CudaBackend backend, CudaStream stream, GpuPlan plan) {
        this.backend = backend;
        this.stream = stream;
        this.plan = plan;
        this.spec = plan.spec();
        this.suffix = plan.precision().suffix();
        this.lanes = plan.lanes();
        this.multiprocessors = backend.device().multiprocessors();
        this.attention = new AttentionKernels(backend, plan, args);
        this.panels = new PanelKernels(backend, plan, args);
    }

    AttentionKernels attention() {
        return attention;
    }

    PanelKernels panels() {
        return panels;
    }

    // ---- products. Weights are [out][in]; a lane's are a stride of the arena further than the one before's.

    /** {@code y[rows][out] = x[rows][in] · Wᵀ}. */
    Program.Launch forward(int rows, int out, int in, long y, int ldy, long yStride, long x, long xStride, long w) {
        return product(forwardProblem(rows, out, in, ldy, yStride, xStride), x, w, y);
    }

    /** {@code y[rows][out] = x[rows][in] · Wᵀ + residual[rows][out]}, all rows one after the other. */
    Program.Launch forwardAdd(int rows, int out, int in, long y, long residual, long x, long w) {
        MatmulProblem problem = forwardProblem(rows, out, in, out, (long) rows * out, (long) rows * in);
        return product(problem.withScale(1, 1), x, w, residual, y);
    }

    private MatmulProblem forwardProblem(int rows, int out, int in, int ldy, long yStride, long xStride) {
        return MatmulProblem.of(rows, out, in, plan.precision().type())
                .transposed(false, true)
                .withLeading(in, in, ldy)
                .batched(lanes, xStride, plan.stride(), yStride);
    }

    /** {@code dx[rows][in] = dy[rows][out] · W}. */
    Program.Launch inputGradient(
            int rows, int out, int in, long dx, long dxStride, long dy, int ldy, long dyStride, long w) {
        MatmulProblem problem = MatmulProblem.of(rows, in, out, plan.precision().type())
                .withLeading(ldy, in, in)
                .batched(lanes, dyStride, plan.stride(), dxStride);
        return product(problem, dy, w, dx);
    }

    /** {@code dW[out][in] (+)= dyᵀ · x}, in fp32. */
    Program.Launch weightGradient(
            int rows,
            int out,
            int in,
            long dw,
            long dy,
            int ldy,
            long dyStride,
            long x,
            long xStride,
            boolean accumulate) {
        MatmulProblem problem = MatmulProblem.of(out, in, rows, plan.precision().type())
                .transposed(true, false)
                .withOutput(MatrixType.FP32)
                .withLeading(ldy, in, in)
                .batched(lanes, dyStride, xStride, plan.stride())
                .withScale(1, accumulate ? 1 : 0);
        return product(problem, dy, x, dw);
    }

    /** Any product, timed on its first use; addresses are of the first of a batch. */
    Program.Launch product(MatmulProblem problem, long a, long b, long c) {
        return product(problem, a, b, c, c);
    }

    private Program.Launch product(MatmulProblem problem, long a, long b, long c, long d) {
        MatmulPlan known = products.get(problem);
        if (known == null) {
            known = backend.blas().plan(problem);
            known.autotune(stream, a, b, d, backend.tuning());
            products.put(problem, known);
        }
        MatmulPlan product = known;
        return s -> product.run(s, a, b, c, d);
    }

    /** What identifies the products used so far in the tuning. */
    Set<String> productKeys() {
        return products.values().stream().map(MatmulPlan::key).collect(Collectors.toSet());
    }

    // ---- embedding

    Program.Launch embedding(long out, long table, long ids) {
        Kernel kernel = backend.kernel("embedding.cu", "embedding_forward_" + suffix);
        int rows = plan.rows;
        return s -> kernel.launch(
                s,
                Math.ceilDiv(rows, WARPS),
                lanes,
                1,
                32 * WARPS,
                0,
                args.reset()
                        .address(out)
                        .address(table)
                        .address(ids)
                        .int32(rows)
                        .int32(spec.dModel())
                        .int32(spec.vocabSize())
                        .int64(plan.stride()));
    }

    /** Token positions by id, in order: what {@link #embeddingGradient} reads. */
    Program.Launch embeddingIndex(long ids, long[] keys, long[] order, long counts) {
        Kernel count = backend.kernel("embedding.cu", "embedding_sort_count");
        Kernel scatter = backend.kernel("embedding.cu", "embedding_sort_scatter");
        int rows = plan.rows;
        int vocab = spec.vocabSize();
        int chunks = Math.ceilDiv(rows, GpuPlan.SORT_CHUNK);
        int passes = sortPasses();
        return s -> {
            for (int pass = 0; pass < passes; pass++) {
                long in = pass == 0 ? ids : keys[(pass - 1) & 1];
                args.reset()
                        .address(counts)
                        .address(in)
                        .int32(rows)
                        .int32(vocab)
                        .int32(8 * pass);
                count.launch(s, chunks, lanes, 1, GpuPlan.SORT_CHUNK, 0, args);
                args.reset().address(keys[pass & 1]).address(order[pass & 1]).address(in);
                args.address(pass == 0 ? 0 : order[(pass - 1) & 1]).address(counts);
                args.int32(rows).int32(vocab).int32(8 * pass);
                scatter.launch(s, chunks, lanes, 1, GpuPlan.SORT_CHUNK, 0, args);
            }
        };
    }

    /** Bytes of the largest key, which is the vocabulary's size. */
    private int sortPasses() {
        return Math.ceilDiv(32 - Integer.numberOfLeadingZeros(spec.vocabSize()), 8);
    }

    /** @param partial sums of ids that several spans of sorted tokens share */
    Program.Launch embeddingGradient(
            long dTable, long partial, long dx, long[] keys, long[] order, boolean accumulate) {
        Kernel sum = backend.kernel("embedding.cu", "embedding_backward_" + suffix);
        Kernel join = backend.kernel("embedding.cu", "embedding_borders_" + suffix);
        int last = (sortPasses() - 1) & 1;
        int spans = Math.ceilDiv(plan.rows, GpuPlan.EMBEDDING_SPAN);
        int clearing = accumulate ? 0 : Math.ceilDiv(spec.vocabSize(), 32);
        int block = Math.clamp(Math.ceilDiv(spec.dModel(), 4 * 32) * 32L, 32, 256);
        return s -> {
            args.reset().address(dTable).address(partial).address(dx).address(keys[last]);
            args.address(order[last]).int32(plan.rows).int32(spec.dModel()).int32(spec.vocabSize());
            args.int64(plan.stride()).int32(accumulate ? 1 : 0);
            sum.launch(s, spans + clearing, lanes, 1, block, 0, args);
            args.reset().address(dTable).address(partial).address(keys[last]);
            args.int32(plan.rows).int32(spec.dModel()).int32(spec.vocabSize());
            args.int64(plan.stride()).int32(accumulate ? 1 : 0);
            join.launch(s, spans, lanes, 1, block, 0, args);
        };
    }

    // ---- norms

    /** A warp takes a row, or two short ones. */
    private int normBlocks() {
        boolean isShort = spec.dModel() * plan.precision().bytes() <= 32 * 16;
        return Math.ceilDiv(plan.rows, isShort ? 2 * WARPS : WARPS);
    }

    Program.Launch norm(long y, long rstd, long x, long gain) {
        Kernel kernel = backend.kernel("rmsnorm.cu", "rmsnorm_forward_" + suffix);
        return s -> {
            args.reset().address(y).address(rstd).address(x).address(gain);
            args.int64(plan.stride()).int32(plan.rows).int32(spec.dModel()).float32((float) spec.normEps());
            kernel.launch(s, normBlocks(), lanes, 1, 32 * WARPS, 0, args);
        };
    }

    /** @param residual gradient that reaches x past the norm, or 0 */
    Program.Launch normGradient(long dx, long partial, long dy, long x, long gain, long rstd, long residual) {
        int warps = spec.dModel() <= 1536 ? 8 : 4;
        int shared = 4 * warps * spec.dModel();
        Kernel kernel =
                backend.kernel("rmsnorm.cu", "rmsnorm_backward_" + suffix).maxDynamicShared(shared);
        return s -> {
            args.reset().address(dx).address(partial).address(dy).address(x).address(gain);
            args.int64(plan.stride()).address(rstd).address(residual);
            args.int32(plan.rows).int32(spec.dModel());
            kernel.launch(s, plan.normParts, lanes, 1, 32 * warps, shared, args);
        };
    }

    /** Sums of all norms' partial gains. */
    Program.Launch gainGradients(long gradients, long partials, long offsets, int norms, boolean accumulate) {
        Kernel kernel = backend.kernel("rmsnorm.cu", "rmsnorm_reduce_all_f32");
        return s -> {
            args.reset().address(gradients).address(partials).address(offsets).int64(plan.stride());
            args.int32(plan.normParts).int32(spec.dModel()).int32(accumulate ? 1 : 0);
            kernel.launch(s, Math.ceilDiv(spec.dModel(), 32), lanes, norms, 256, 0, args);
        };
    }

    // ---- rotary positions, with QK-norm where the model has it

    /** Fills the table of angles; not part of a step. */
    void ropeTable(CudaStream s, long table) {
        args.reset().address(table).int32(plan.context()).int32(spec.headDim()).float64(spec.ropeTheta());
        backend.kernel("rope.cu", "rope_table").launch(s, 64, 1, 1, 128, 0, args);
    }

    private int ropeBlocks() {
        return Math.max(1, 8 * multiprocessors / Math.min(lanes, 8));
    }

    Program.Launch rope(long qkv, long table, boolean backward) {
        Kernel kernel = backend.kernel("rope.cu", "rope_" + suffix);
        return s -> {
            args.reset().address(qkv).address(table).int32(plan.rows).int32(plan.context());
            args.int32(spec.heads()).int32(spec.kvHeads()).int32(spec.headDim()).float32(backward ? -1 : 1);
            kernel.launch(s, ropeBlocks(), lanes, 1, ROPE_BLOCK, 0, args);
        };
    }

    Program.Launch normRope(long qkv, long raw, long rstd, long table, long qGain, long kGain) {
        Kernel kernel = backend.kernel("rope.cu", "rope_norm_forward_" + suffix);
        return s -> {
            args.reset().address(qkv).address(raw).address(rstd).address(table);
            args.address(qGain).address(kGain).int64(plan.stride());
            heads().float32((float) spec.normEps());
            kernel.launch(s, ropeBlocks(), lanes, 1, ROPE_BLOCK, 0, args);
        };
    }

    Program.Launch normRopeGradient(long dQkv, long partial, long raw, long rstd, long table, long qGain, long kGain) {
        Kernel kernel = backend.kernel("rope.cu", "rope_norm_backward_" + suffix);
        return s -> {
            args.reset()
                    .address(dQkv)
                    .address(partial)
                    .address(raw)
                    .address(rstd)
                    .address(table);
            args.address(qGain).address(kGain).int64(plan.stride());
            heads();
            kernel.launch(s, plan.normParts, lanes, 1, ROPE_BLOCK, 0, args);
        };
    }

    private Args heads() {
        return args.int32(plan.rows)
                .int32(plan.context())
                .int32(spec.heads())
                .int32(spec.kvHeads())
                .int32(spec.headDim());
    }

    Program.Launch headGainGradients(long dQ, long dK, long partial, boolean accumulate) {
        Kernel kernel = backend.kernel("rope.cu", "rope_gain_reduce_f32");
        return s -> {
            args.reset().address(dQ).address(dK).address(partial).int64(plan.stride());
            args.int32(plan.normParts).int32(spec.headDim()).int32(accumulate ? 1 : 0);
            kernel.launch(s, Math.ceilDiv(spec.headDim(), 32), lanes, 2, 256, 0, args);
        };
    }

    // ---- feed-forward

    Program.Launch swiglu(long act, long gateUp) {
        Kernel kernel = backend.kernel("swiglu.cu", "swiglu_forward_" + suffix);
        long rows = (long) lanes * plan.rows;
        return s -> kernel.launch(
                s,
                (int) Math.min(rows, 1 << 20),
                1,
                1,
                threads(plan.ff, 256),
                0,
                args.reset().address(act).address(gateUp).int64(rows).int32(plan.ff));
    }

    /** In place in {@code gateUp}. */
    Program.Launch swigluGradient(long gateUp, long dAct) {
        Kernel kernel = backend.kernel("swiglu.cu", "swiglu_backward_" + suffix);
        long rows = (long) lanes * plan.rows;
        return s -> {
            args.reset().address(gateUp).address(0).address(dAct).int64(rows).int32(plan.ff);
            kernel.launch(s, (int) Math.min(rows, 1 << 20), 1, 1, threads(plan.ff, 256), 0, args);
        };
    }

    // ---- loss

    /**
     * Loss of a chunk of rows, and its gradient in place of the logits.
     *
     * @param row the chunk's first row
     * @param scale what the gradient is multiplied by, one float a lane
     */
    Program.Launch crossEntropy(
            long logits, int row, int rows, long targets, long losses, long scale, boolean gradient) {
        Kernel kernel = backend.kernel("crossentropy.cu", "crossentropy_" + suffix);
        int block = threads(Math.ceilDiv(spec.vocabSize(), 8), 1024); // eight vectors a thread
        return s -> {
            args.reset().address(logits).address(targets + 4L * row).address(losses + 4L * row);
            args.address(0)
                    .address(scale)
                    .int64((long) plan.chunkRows * plan.ldLogits)
                    .int64(plan.rows);
            args.int32(plan.ldLogits)
                    .int32(spec.vocabSize())
                    .float32(0)
                    .float32(0)
                    .int32(gradient ? 1 : 0);
            kernel.launch(s, rows, lanes, 1, block, 0, args);
        };
    }

    Program.Launch lossSum(long sums, long losses, int rows, boolean accumulate) {
        Kernel kernel = backend.kernel("step.cu", "loss_sum");
        return s -> {
            args.reset()
                    .address(sums)
                    .address(losses)
                    .int32(rows)
                    .int32(plan.rows)
                    .int32(accumulate ? 1 : 0);
            kernel.launch(s, 1, lanes, 1, 1024, 0, args);
        };
    }

    // ---- data

    /** Inputs and targets from windows of a token bin: {@code starts[lanes][batch]}. */
    Program.Launch gather(long inputs, long targets, GpuTokens tokens, long starts) {
        Kernel kernel = backend.kernel("batch.cu", tokens.wide() ? "batch_gather_u32" : "batch_gather_u16");
        return s -> {
            args.reset()
                    .address(inputs)
                    .address(targets)
                    .address(tokens.address())
                    .address(starts);
            args.int64(tokens.length()).int32(plan.context());
            kernel.launch(s, Math.ceilDiv(plan.context(), 256), plan.batch(), lanes, 256, 0, args);
        };
    }

    /** A block's threads for rows of {@code width} elements read 16 bytes at a time. */
    private int threads(int width, int most) {
        int vectors = Math.ceilDiv(width * plan.precision().bytes(), 16);
        return Math.clamp(Math.ceilDiv(vectors, 32) * 32L, 32, most);
    }

    Args args() {
        return args;
    }

    @Override
    public void close() {
        products.values().forEach(MatmulPlan::close);
        panels.close();
        args.close();
    }
}
