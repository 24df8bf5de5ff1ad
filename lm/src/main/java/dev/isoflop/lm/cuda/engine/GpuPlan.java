package dev.isoflop.lm.cuda.engine;

import dev.isoflop.lm.model.ModelSpec;
import dev.isoflop.lm.model.ParameterLayout;
import dev.isoflop.lm.train.Optimizer;
import java.util.Collections;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Where everything lies on a GPU that trains some models of one shape side by side, and so what it takes: a dry run that needs no GPU.
 *
 * <p>A lane is one model. Every buffer has all lanes' parts one after the other, so that one batched product or launch serves them all.
 * {@code M = batch * context} rows are the tokens of a lane's pass. Offsets are bytes in the arena of activations, multiples of 256;
 * lengths in the comments are those of a lane.
 */
public final class GpuPlan {

    /** Most bytes of logits held at once, all lanes together, unless asked otherwise. */
    public static final long LOGIT_BYTES = 1L << 30;

    /** Most models side by side. */
    public static final int MOST_LANES = 64;

    /** Head sizes of the bf16 attention kernels. */
    public static final Set<Integer> HEAD_SIZES =
            Collections.unmodifiableSet(new TreeSet<>(Set.of(16, 24, 32, 64, 96, 128)));

    private static final int MAX_FP32_HEAD = 128;
    private static final int ALIGN = 256;
    private static final int FF_MULTIPLE = 16;

    /** Blocks whose partial sums of a norm's gain are added up afterwards. */
    static final int NORM_PARTS = 264;

    /** Tokens of a block that sorts them. */
    static final int SORT_CHUNK = 1024;

    /** Sorted tokens of a block that adds up their gradients. */
    static final int EMBEDDING_SPAN = 32;

    private final ModelSpec spec;
    private final Precision precision;
    private final int lanes;
    private final int batch;
    private final int context;
    private final int accumulation;
    private final long logitBytes;
    private final Optimizer optimizer;
    private final ParameterLayout layout;
    private final ParameterLayout deviceLayout;

    /** Muon's workspace, which lies over the activations from the arena's beginning: an update needs none of them. */
    final @Nullable MuonPlan muon;

    final int rows; // M
    final int ff; // columns of gate, of up and of act: dFf and zeros
    final int normParts;
    final int ldLogits;
    final int chunkRows;

    final long[] x; // [layers + 1] residual stream [M][d]
    final long[] middle; // [layers] after attention [M][d]
    final long[] norm1;
    final long[] norm2;
    final long[] rstd1; // float [M]
    final long[] rstd2;
    final long[] qkv; // [M][qkvWidth]
    final long[] qkRaw; // [M][(heads + kvHeads) headDim], with QK-norm
    final long[] qkRstd; // float [M][heads + kvHeads], with QK-norm
    final long[] attention; // [M][d]
    final long[] lse; // float [batch][heads][context]
    final long[] gateUp; // [M][2 dFf]
    final long[] act; // [M][dFf]
    final long finalNorm;
    final long finalRstd;
    final long dNorm; // [M][d]: gradient at a norm's output
    final long dX; // [M][d]: gradient of the residual stream, one of two that take turns
    final long dMiddle;
    final long dAttention; // [M][d]
    final long dQkv; // [M][qkvWidth]
    final long dAct; // [M][dFf]
    final long attentionDelta; // float [batch][heads][context]
    final long normPartials; // float [2 layers + 1][lanes][normParts][d]
    final long[] qkPartials; // float [lanes][normParts][2][headDim]
    final long[] logits; // [2]: [chunkRows][ldLogits]
    final long losses; // float [M]
    final long inputs; // int [M]
    final long targets; // int [M]
    final long[] sortKeys; // [2]: int [M]
    final long[] sortOrder; // [2]: int [M]
    final long sortCounts; // int [chunks][256]
    final long spanPartials; // float [spans][2][d]
    final long ropeTable; // float [context][headDim], shared by all lanes
    private long end;

    /**
     * @param lanes models side by side
     * @param batch sequences of a lane in one pass
     * @param context tokens in a sequence, at most the model's
     * @param accumulation passes in an optimizer step
     * @throws IllegalArgumentException naming what is wrong and what would be right
     */
    public GpuPlan(ModelSpec spec, Precision precision, int lanes, int batch, int context, int accumulation) {
        this(spec, precision, lanes, batch, context, accumulation, LOGIT_BYTES);
    }

    /** @param logitBytes most bytes of logits held at once */
    public GpuPlan(
            ModelSpec spec, Precision precision, int lanes, int batch, int context, int accumulation, long logitBytes) {
        this(spec, precision, lanes, batch, context, accumulation, logitBytes, Optimizer.ADAMW);
    }

    private GpuPlan(
            ModelSpec spec,
            Precision precision,
            int lanes,
            int batch,
            int context,
            int accumulation,
            long logitBytes,
            Optimizer optimizer) {
        require(lanes >= 1 && lanes <= MOST_LANES, "lanes", lanes, "in 1.." + MOST_LANES);
        require(batch >= 1, "batchSequences", batch, "at least 1");
        require(accumulation >= 1, "gradientAccumulation", accumulation, "at least 1");
        require(
                context >= 1 && context <= spec.contextLength(),
                "contextLength",
                context,
                "in 1.." + spec.contextLength() + ", the model's contextLength");
        requireHeads(spec, precision);
        this.spec = spec;
        this.precision = precision;
        this.lanes = lanes;
        this.batch = batch;
        this.context = context;
        this.accumulation = accumulation;
        this.logitBytes = logitBytes;
        this.optimizer = optimizer;
        // in bf16, rows that end amid a sector of 32 bytes make whoever writes them twice as slow
        this.ff = precision == Precision.BF16 ? Math.ceilDiv(spec.dFf(), FF_MULTIPLE) * FF_MULTIPLE : spec.dFf();
        this.layout = new ParameterLayout(spec);
        this.deviceLayout = ff == spec.dFf() ? layout : new ParameterLayout(spec.withDFf(ff));
        this.muon = optimizer == Optimizer.MUON ? new MuonPlan(layout, deviceLayout, lanes, precision.bytes()) : null;
        this.rows = Math.multiplyExact(batch, context);
        require(
                (long) lanes * batch <= 65_535,
                "batchSequences",
                batch,
                "at most " + 65_535 / lanes + " with " + lanes + " lanes");
        int d = spec.dModel();
        int f = ff;
        int layers = spec.layers();
        long bytes = precision.bytes();
        long m = (long) lanes * rows;
        this.normParts = Math.max(1, Math.min(Math.ceilDiv(rows, 8), NORM_PARTS));
        this.ldLogits = Math.ceilDiv(spec.vocabSize(), 64) * 64;
        long fit = logitBytes / (lanes * ldLogits * bytes) / 256 * 256;
        this.chunkRows = (int) Math.clamp(fit, Math.min(rows, 256), rows);
        this.x = each(layers + 1, m * d * bytes);
        this.middle = each(layers, m * d * bytes);
        this.norm1 = each(layers, m * d * bytes);
        this.norm2 = each(layers, m * d * bytes);
        this.rstd1 = each(layers, 4 * m);
        this.rstd2 = each(layers, 4 * m);
        this.qkv = each(layers, m * spec.qkvWidth() * bytes);
        int normed = spec.qkNorm() ? spec.heads() + spec.kvHeads() : 0;
        this.qkRaw = each(layers, m * normed * spec.headDim() * bytes);
        this.qkRstd = each(layers, 4 * m * normed);
        this.attention = each(layers, m * d * bytes);
        this.lse = each(layers, 4 * m * spec.heads());
        this.gateUp = each(layers, m * 2 * f * bytes);
        this.act = each(layers, m * f * bytes);
        this.finalNorm = take(m * d * bytes);
        this.finalRstd = take(4 * m);
        this.dNorm = take(m * d * bytes);
        this.dX = take(m * d * bytes);
        this.dMiddle = take(m * d * bytes);
        this.dAttention = take(m * d * bytes);
        this.dQkv = take(m * spec.qkvWidth() * bytes);
        this.dAct = take(m * f * bytes);
        this.attentionDelta = take(4 * m * spec.heads());
        this.normPartials = take(4L * (2 * layers + 1) * lanes * normParts * d);
        this.qkPartials = each(spec.qkNorm() ? layers : 0, 8L * lanes * normParts * spec.headDim());
        this.logits = each(chunkRows < rows ? 2 : 1, (long) lanes * chunkRows * ldLogits * bytes);
        this.end = Math.max(end, muon == null ? 0 : muon.bytes()); // what follows outlives an update
        this.losses = take(4 * m);
        this.inputs = take(4 * m);
        this.targets = take(4 * m);
        this.sortKeys = each(2, 4 * m);
        this.sortOrder = each(2, 4 * m);
        this.sortCounts = take(4L * 256 * lanes * Math.ceilDiv(rows, SORT_CHUNK));
        this.spanPartials = take(8L * lanes * Math.ceilDiv(rows, EMBEDDING_SPAN) * d);
        this.ropeTable = take(4L * context * spec.headDim());
    }

    private static void requireHeads(ModelSpec spec, Precision precision) {
        int head = spec.headDim();
        switch (precision) {
            case BF16 ->
                require(
                        HEAD_SIZES.contains(head),
                        "dModel / heads",
                        head,
                        "one of " + HEAD_SIZES + " on a GPU in bf16");
            case FP32 ->
                require(
                        head % 4 == 0 && head <= MAX_FP32_HEAD,
                        "dModel / heads",
                        head,
                        "a multiple of 4 up to " + MAX_FP32_HEAD + " on a GPU in fp32");
        }
    }

    private static void require(boolean right, String name, Object value, String wanted) {
        if (!right) {
            throw new IllegalArgumentException(name + " = " + value + " must be " + wanted);
        }
    }

    private long[] each(int count, long bytes) {
        long[] offsets = new long[count];
        for (int i = 0; i < count; i++) {
            offsets[i] = take(bytes);
        }
        return offsets;
    }

    private long take(long bytes) {
        long offset = end;
        end += Math.ceilDiv(bytes, ALIGN) * ALIGN;
        return offset;
    }

    /** The same with another number of lanes. */
    public GpuPlan withLanes(int count) {
        return new GpuPlan(spec, precision, count, batch, context, accumulation, logitBytes, optimizer);
    }

    /** The same with another optimizer. */
    public GpuPlan withOptimizer(Optimizer other) {
        return new GpuPlan(spec, precision, lanes, batch, context, accumulation, logitBytes, other);
    }

    public ModelSpec spec() {
        return spec;
    }

    public Precision precision() {
        return precision;
    }

    /** Models side by side. */
    public int lanes() {
        return lanes;
    }

    /** Sequences of a lane in one pass. */
    public int batch() {
        return batch;
    }

    /** Tokens in a sequence. */
    public int context() {
        return context;
    }

    /** Passes in an optimizer step. */
    public int accumulation() {
        return accumulation;
    }

    /** What updates the parameters, of all lanes. */
    public Optimizer optimizer() {
        return optimizer;
    }

    /**
     * Offsets of a lane's parameters on the device, in elements, the same in the arenas of gradients and moments. Gate, up and down
     * projections may be wider than the model's, by rows and columns that are zero and stay so.
     */
    ParameterLayout deviceLayout() {
        return deviceLayout;
    }

    /** The model's own layout, that of checkpoints. */
    public ParameterLayout layout() {
        return layout;
    }

    /** Numbers in the model's layout as they lie on the device; the same array if that is no different. */
    float[] toDevice(float[] values) {
        if (deviceLayout == layout) {
            return values;
        }
        float[] wide = new float[deviceLayout.length()];
        eachRow((from, to, length) -> System.arraycopy(values, from, wide, to, length));
        return wide;
    }

    /** The reverse of {@link #toDevice}: fills {@code values} from numbers as they lie on the device. */
    void fromDevice(float[] wide, float[] values) {
        eachRow((from, to, length) -> System.arraycopy(wide, to, values, from, length));
    }

    private interface Copy {
        /** So many elements from one place of the model's layout to one of the device's. */
        void row(int model, int device, int length);
    }

    private void eachRow(Copy copy) {
        for (int i = 0; i < layout.tensors().size(); i++) {
            ParameterLayout.Tensor t = layout.tensors().get(i);
            ParameterLayout.Tensor wide = deviceLayout.tensors().get(i);
            if (wide.columns() == t.columns()) {
                copy.row(t.offset(), wide.offset(), t.length());
                continue;
            }
            for (int row = 0; row < t.rows(); row++) {
                copy.row(t.offset() + row * t.columns(), wide.offset() + row * wide.columns(), t.columns());
            }
        }
    }

    /** Elements from one lane's parameters to the next one's. */
    public long stride() {
        return deviceLayout.length();
    }

    /** Bytes of the parameters, master copy and working copy. */
    public long parameterBytes() {
        return lanes * stride() * (precision == Precision.FP32 ? 4 : 6);
    }

    /** Bytes of the gradients. */
    public long gradientBytes() {
        return lanes * stride() * 4;
    }

    /** Bytes of the optimizer's two moments. */
    public long optimizerBytes() {
        return lanes * stride() * 8;
    }

    /** Bytes of activations, their gradients, logits and scratch; the optimizer's workspace is part of it. */
    public long activationBytes() {
        return end;
    }

    /** Bytes of the four arenas together. */
    public long totalBytes() {
        return parameterBytes() + gradientBytes() + optimizerBytes() + activationBytes();
    }
}
