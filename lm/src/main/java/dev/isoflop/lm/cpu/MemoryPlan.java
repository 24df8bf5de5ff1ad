package dev.isoflop.lm.cpu;

import dev.isoflop.lm.model.ModelSpec;
import dev.isoflop.lm.model.ParameterLayout;

/**
 * Where everything lies that training needs, and so what it takes: a dry run that makes no buffer.
 *
 * <p>Four arenas of floats: parameters, gradients, optimizer state (two moments) and activations, which include packed weights, the
 * chunk of logits and the scratch of each worker. Rows are tokens, {@code M = batch * context}. Offsets are in floats.
 */
public final class MemoryPlan {

    /** Most floats of logits held at once: 1 MiB, which stays in a second-level cache. */
    private static final int LOGIT_FLOATS = 1 << 18;

    private static final int ALIGN = 16;

    private final ModelSpec spec;
    private final int batch;
    private final int context;
    private final int threads;
    private final ParameterLayout layout;

    /** Rows one task of a row-wise phase takes; a function of the shape alone, so that sums over rows never depend on threads. */
    final int rowBlock;

    final int rowBlocks;
    final int chunkRows;
    final int ldLogits;

    final int[] x; // [layers + 1] residual stream [M][d]
    final int[] middle; // residual after attention [M][d]
    final int[] norm1;
    final int[] norm2;
    final int[] rstd1;
    final int[] rstd2;
    final int[] qkv;
    final int[] qkRaw; // queries and keys before QK-norm [M][(heads + kvHeads) headDim]
    final int[] attention;
    final int[] lse;
    final int[] gateUp;
    final int[] act;
    final int finalNorm;
    final int finalRstd;
    final int dOut;
    final int dMiddle;
    final int dAttention;
    final int normPartials; // [2 layers + 1][rowBlocks][d]
    final int qkPartials; // [layers][2][rowBlocks][headDim]
    final int logits;
    final int factors;
    final int losses;
    final int cos;
    final int sin;
    final int[] packQkv;
    final int[] packOut;
    final int[] packGateUp;
    final int[] packDown;
    final int[] backQkv;
    final int[] backOut;
    final int[] backGateUp;
    final int[] backDown;
    final int packHead;
    final int backHead;
    final int scratch;
    final int scratchLength;
    final int activationLength;

    private long end;

    /**
     * @param batch sequences in one pass
     * @param context tokens in a sequence, at most the model's
     * @param threads workers
     * @throws IllegalArgumentException if an arena would not fit in one array (8 GiB), with what to lower
     */
    public MemoryPlan(ModelSpec spec, int batch, int context, int threads) {
        if (batch < 1) {
            throw new IllegalArgumentException("batch = " + batch + " must be at least 1 sequence");
        }
        if (context < 1 || context > spec.contextLength()) {
            throw new IllegalArgumentException(
                    "context = " + context + " must lie in 1.." + spec.contextLength() + ", the model's contextLength");
        }
        this.spec = spec;
        this.batch = batch;
        this.context = context;
        this.threads = threads;
        this.layout = new ParameterLayout(spec);
        long rows = (long) batch * context;
        int d = spec.dModel();
        int f = spec.dFf();
        int width = spec.qkvWidth();
        int layers = spec.layers();
        this.rowBlock = rows >= 1024 ? 64 : 32;
        this.rowBlocks = Math.toIntExact(Math.ceilDiv(rows, rowBlock));
        this.ldLogits = Math.ceilDiv(spec.vocabSize(), ALIGN) * ALIGN + ALIGN;
        int fit = Math.max(rowBlock, LOGIT_FLOATS / ldLogits / rowBlock * rowBlock);
        this.chunkRows = (int) Math.min(fit, (long) rowBlocks * rowBlock);

        this.x = each(layers + 1, rows * d);
        this.middle = each(layers, rows * d);
        this.norm1 = each(layers, rows * d);
        this.norm2 = each(layers, rows * d);
        this.rstd1 = each(layers, rows);
        this.rstd2 = each(layers, rows);
        this.qkv = each(layers, rows * width);
        this.qkRaw = each(layers, spec.qkNorm() ? rows * (spec.heads() + spec.kvHeads()) * spec.headDim() : 0);
        this.attention = each(layers, rows * d);
        this.lse = each(layers, rows * spec.heads());
        this.gateUp = each(layers, rows * 2 * f);
        this.act = each(layers, rows * f);
        this.finalNorm = take(rows * d);
        this.finalRstd = take(rows);
        this.dOut = take(rows * d);
        this.dMiddle = take(rows * d);
        this.dAttention = take(rows * d);
        this.normPartials = take((2L * layers + 1) * rowBlocks * d);
        this.qkPartials = take(spec.qkNorm() ? 2L * layers * rowBlocks * spec.headDim() : 0);
        this.logits = take((long) chunkRows * ldLogits);
        this.factors = take(rows);
        this.losses = take(rows);
        this.cos = take((long) context * spec.headDim() / 2);
        this.sin = take((long) context * spec.headDim() / 2);
        this.packQkv = each(layers, Gemm.packedLength(d, width));
        this.packOut = each(layers, Gemm.packedLength(d, d));
        this.packGateUp = each(layers, Gemm.packedLength(d, 2 * f));
        this.packDown = each(layers, Gemm.packedLength(f, d));
        this.backQkv = each(layers, Gemm.packedLength(width, d));
        this.backOut = each(layers, Gemm.packedLength(d, d));
        this.backGateUp = each(layers, Gemm.packedLength(2 * f, d));
        this.backDown = each(layers, Gemm.packedLength(d, f));
        this.packHead = take(Gemm.packedLength(d, spec.vocabSize()));
        this.backHead = take(Gemm.packedLength(spec.vocabSize(), d));
        long rowScratch = (long) rowBlock * (f + d);
        long attentionScratch = new Attention(context, spec.heads(), spec.kvHeads(), spec.headDim()).scratchLength();
        this.scratchLength = Math.toIntExact(Math.ceilDiv(Math.max(rowScratch, attentionScratch), ALIGN) * ALIGN);
        this.scratch = take((long) threads * scratchLength);
        take(64); // ragged tiles read up to a vector past a row's end
        this.activationLength = (int) end;
    }

    private int[] each(int count, long length) {
        int[] offsets = new int[count];
        for (int i = 0; i < count; i++) {
            offsets[i] = take(length);
        }
        return offsets;
    }

    private int take(long length) {
        long offset = end;
        end += Math.ceilDiv(length, ALIGN) * ALIGN;
        if (end > Integer.MAX_VALUE - 64) {
            throw new IllegalArgumentException(
                    "activations of batch " + batch + " × context " + context
                            + " take more than 8 GiB, the CPU backend's limit; lower batchSequences and raise gradientAccumulation");
        }
        return (int) offset;
    }

    /** The model planned for. */
    public ModelSpec spec() {
        return spec;
    }

    /** Sequences in one pass. */
    public int batch() {
        return batch;
    }

    /** Tokens in a sequence. */
    public int context() {
        return context;
    }

    /** Worker threads planned for. */
    public int threads() {
        return threads;
    }

    /** Offsets of the parameters, in the parameter and the gradient arena alike. */
    public ParameterLayout layout() {
        return layout;
    }

    /** Bytes of the parameter arena. */
    public long parameterBytes() {
        return 4L * layout.length();
    }

    /** Bytes of the gradient arena. */
    public long gradientBytes() {
        return 4L * layout.length();
    }

    /** Bytes of the optimizer's two moments. */
    public long optimizerBytes() {
        return 8L * layout.length();
    }

    /** Bytes of activations, packed weights and scratch. */
    public long activationBytes() {
        return 4L * activationLength;
    }

    /** Bytes of the four arenas together. */
    public long totalBytes() {
        return parameterBytes() + gradientBytes() + optimizerBytes() + activationBytes();
    }

    /** FLOPs of one pass forward and backward over the batch, by {@link ModelSpec#trainingFlopsPerToken}. */
    public double trainingFlops() {
        return spec.trainingFlopsPerToken(context) * batch * context;
    }
}
