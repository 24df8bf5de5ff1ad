package dev.isoflop.lm.cpu;

import dev.isoflop.lm.model.ModelSpec;
import dev.isoflop.lm.model.ParameterLayout;

/**
 * A model with its buffers: forward, loss, and all gradients, in fp32.
 *
 * <p>A pass is a fixed list of parallel phases. What concerns a token alone is fused: from an attention result to the next attention's
 * queries is one phase over blocks of rows, in cache, so a layer costs two phases forward and two backward. Weight gradients sum over
 * all tokens inside one task per tile of the weight, in order. Nothing is allocated after construction.
 *
 * <p>Concurrency: used by one thread at a time; phases run on the {@link WorkerPool}. Each task writes its own outputs and every sum has
 * an order that depends on the shape only, so results are bitwise the same for any number of threads.
 */
public final class CpuModel implements AutoCloseable {

    private final ModelSpec spec;
    final MemoryPlan plan;
    final float[] parameters;
    final float[] gradients;
    final float[] act;
    final WorkerPool pool;
    private final RowPhases rows;
    private final WeightGradients weightGradients;
    private final Head head;
    private final Attention attention;
    private final int[] inputs;
    private final int[] targets;
    private boolean packed;
    private int sequences;
    private int layer;

    private final WorkerPool.Work pack = this::packTask;
    private final WorkerPool.Work attentionForward = this::attentionForwardTask;
    private final WorkerPool.Work attentionBackward = this::attentionBackwardTask;

    /** Makes the buffers of {@code plan}; parameters are zero. */
    public CpuModel(MemoryPlan plan) {
        this.plan = plan;
        this.spec = plan.spec();
        ParameterLayout layout = plan.layout();
        this.parameters = new float[layout.length()];
        this.gradients = new float[layout.length()];
        this.act = new float[plan.activationLength];
        this.inputs = new int[plan.batch() * plan.context()];
        this.targets = new int[plan.batch() * plan.context()];
        fillAngles();
        this.attention = new Attention(plan.context(), spec.heads(), spec.kvHeads(), spec.headDim());
        this.rows = new RowPhases(this, inputs);
        this.weightGradients = new WeightGradients(this);
        this.head = new Head(this, inputs, targets);
        this.pool = new WorkerPool(plan.threads());
    }

    /** The plan the buffers follow. */
    public MemoryPlan plan() {
        return plan;
    }

    /** The parameter arena; call {@link #parametersChanged} after writing to it. */
    public float[] parameters() {
        return parameters;
    }

    /** The gradient arena, laid out as the parameters. */
    public float[] gradients() {
        return gradients;
    }

    /** Says that parameters were written: weights are packed anew before the next pass. */
    public void parametersChanged() {
        packed = false;
    }

    /**
     * Copies token ids in.
     *
     * @param sequence which sequence of the batch
     * @param tokens {@code context + 1} ids from {@code offset}: inputs are all but the last, targets all but the first
     * @throws IllegalArgumentException if an id is outside the vocabulary
     */
    public void setSequence(int sequence, int[] tokens, int offset) {
        int t = plan.context();
        for (int i = 0; i <= t; i++) {
            int id = tokens[offset + i];
            if (id < 0 || id >= spec.vocabSize()) {
                throw new IllegalArgumentException("token id " + id + " is outside the model's vocabulary of "
                        + spec.vocabSize() + "; was the text tokenised with another tokenizer?");
            }
        }
        System.arraycopy(tokens, offset, inputs, sequence * t, t);
        System.arraycopy(tokens, offset + 1, targets, sequence * t, t);
    }

    /** Sets inputs and targets of the first {@code count} sequences apart, for tests. */
    void setBatch(int[] in, int[] out, int count) {
        System.arraycopy(in, 0, inputs, 0, count * plan.context());
        System.arraycopy(out, 0, targets, 0, count * plan.context());
    }

    /**
     * Sum of the loss in nats over all targets of the first {@code count} sequences; no gradients.
     */
    public double loss(int count) {
        forward(count);
        head.run(count * plan.context(), false, 0f, false);
        return head.lossSum();
    }

    /**
     * The same, and gradients of {@code factor} times that sum.
     *
     * @param accumulate whether to add to the gradients instead of replacing them
     */
    public double lossAndGradients(int count, float factor, boolean accumulate) {
        forward(count);
        head.run(count * plan.context(), true, factor, accumulate);
        double loss = head.lossSum();
        backward(accumulate);
        return loss;
    }

    /** Logits {@code [count * context][vocabSize]} of the first {@code count} sequences, for tests and small uses: allocates. */
    public float[] logits(int count) {
        forward(count);
        int m = count * plan.context();
        float[] out = new float[Math.multiplyExact(m, spec.vocabSize())];
        Gemm.packed(
                m,
                spec.vocabSize(),
                spec.dModel(),
                act,
                plan.finalNorm,
                spec.dModel(),
                1,
                act,
                plan.packHead,
                out,
                0,
                spec.vocabSize(),
                false);
        return out;
    }

    RowPhases rows() {
        return rows;
    }

    private void forward(int count) {
        if (count < 1 || count > plan.batch()) {
            throw new IllegalArgumentException(
                    "count = " + count + " must lie in 1.." + plan.batch() + ", the planned batch");
        }
        sequences = count;
        if (!packed) {
            pool.run(pack, spec.layers() + headPackTasks());
            packed = true;
        }
        rows.setRows(count * plan.context());
        rows.embedAndFirst();
        for (layer = 0; layer < spec.layers(); layer++) {
            pool.run(attentionForward, count * spec.kvHeads());
            rows.afterAttention(layer);
        }
    }

    private void backward(boolean accumulate) {
        int m = sequences * plan.context();
        weightGradients.start(m, accumulate);
        for (layer = spec.layers() - 1; layer >= 0; layer--) {
            rows.beforeAttentionBackward(layer);
            weightGradients.setLayer(layer);
            pool.run(attentionBackward, sequences * spec.kvHeads() + weightGradients.tasks());
        }
        rows.lastBackward();
        weightGradients.finish();
        head.embeddingGradient();
    }

    private void attentionForwardTask(int task, int worker) {
        int b = task / spec.kvHeads();
        int t = plan.context();
        attention.forward(
                act,
                plan.qkv[layer] + b * t * spec.qkvWidth(),
                act,
                plan.attention[layer] + b * t * spec.dModel(),
                act,
                plan.lse[layer] + b * t * spec.heads(),
                task % spec.kvHeads(),
                act,
                plan.scratch + worker * plan.scratchLength);
    }

    private void attentionBackwardTask(int task, int worker) {
        // the large tasks first: what is left at the end, with a worker idle, is then small
        int tiles = weightGradients.tasks();
        if (task < tiles) {
            weightGradients.run(task, worker);
            return;
        }
        int pair = task - tiles;
        int b = pair / spec.kvHeads();
        int t = plan.context();
        attention.backward(
                act,
                plan.qkv[layer] + b * t * spec.qkvWidth(),
                act,
                plan.attention[layer] + b * t * spec.dModel(),
                act,
                plan.dAttention + b * t * spec.dModel(),
                act,
                plan.lse[layer] + b * t * spec.heads(),
                pair % spec.kvHeads(),
                act,
                plan.scratch + worker * plan.scratchLength);
    }

    private static final int HEAD_PACK_COLUMNS = 4096;

    private int headPackTasks() {
        return Math.ceilDiv(spec.vocabSize(), HEAD_PACK_COLUMNS) + 1;
    }

    private void packTask(int task, int worker) {
        int d = spec.dModel();
        int f = spec.dFf();
        if (task < spec.layers()) {
            packBoth(rows.q[task], spec.qkvWidth(), d, plan.packQkv[task], plan.backQkv[task]);
            packBoth(rows.o[task], d, d, plan.packOut[task], plan.backOut[task]);
            packBoth(rows.gate[task], 2 * f, d, plan.packGateUp[task], plan.backGateUp[task]);
            packBoth(rows.down[task], d, f, plan.packDown[task], plan.backDown[task]);
            return;
        }
        int v = spec.vocabSize();
        int part = task - spec.layers();
        if (part == 0) {
            Gemm.pack(parameters, head.weight, d, 1, v, d, act, plan.backHead, 0, d);
        } else {
            Gemm.pack(
                    parameters,
                    head.weight,
                    1,
                    d,
                    d,
                    v,
                    act,
                    plan.packHead,
                    (part - 1) * HEAD_PACK_COLUMNS,
                    part * HEAD_PACK_COLUMNS);
        }
    }

    /** Packs {@code W[out][in]} transposed for the forward product and as it is for the gradient over inputs. */
    private void packBoth(int weight, int out, int in, int forward, int backward) {
        Gemm.pack(parameters, weight, 1, in, in, out, act, forward, 0, out);
        Gemm.pack(parameters, weight, in, 1, out, in, act, backward, 0, in);
    }

    private void fillAngles() {
        int half = spec.headDim() / 2;
        for (int t = 0; t < plan.context(); t++) {
            for (int i = 0; i < half; i++) {
                double angle = t * Math.pow(spec.ropeTheta(), -2.0 * i / spec.headDim());
                act[plan.cos + t * half + i] = (float) Math.cos(angle);
                act[plan.sin + t * half + i] = (float) Math.sin(angle);
            }
        }
    }

    @Override
    public void close() {
        pool.close();
    }
}
