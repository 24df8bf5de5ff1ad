package dev.isoflop.lm.cpu;

import dev.isoflop.lm.model.ModelSpec;
import dev.isoflop.lm.model.ParameterLayout;

/**
 * The phases that treat each token alone, fused over blocks of rows: everything between two attentions.
 *
 * <p>Concurrency: as {@link CpuModel}. Sums over rows (gradients of norm gains) are kept per block and added in block order.
 */
final class RowPhases {

    private final ModelSpec spec;
    private final MemoryPlan plan;
    private final WorkerPoolRef pool;
    private final float[] w;
    private final float[] a;
    private final float[] gradients;
    private final int[] inputs;
    private final int d;
    private final int f;
    private final int width;
    private final int headDim;
    private final float eps;
    final int embedding;
    final int[] ln1;
    final int[] q;
    final int[] qNorm;
    final int[] kNorm;
    final int[] o;
    final int[] ln2;
    final int[] gate;
    final int[] down;
    final int finalLn;
    private int rows;
    private int layer;

    private final WorkerPool.Work embedAndFirst = this::embedAndFirstTask;
    private final WorkerPool.Work afterAttention = this::afterAttentionTask;
    private final WorkerPool.Work beforeAttentionBackward = this::beforeAttentionBackwardTask;
    private final WorkerPool.Work lastBackward = this::lastBackwardTask;

    /** The pool is made last by the model, so it is reached through it. */
    private record WorkerPoolRef(CpuModel model) {
        void run(WorkerPool.Work work, int tasks) {
            model.pool.run(work, tasks);
        }
    }

    RowPhases(CpuModel model, int[] inputs) {
        this.plan = model.plan;
        this.spec = plan.spec();
        this.pool = new WorkerPoolRef(model);
        this.w = model.parameters;
        this.a = model.act;
        this.gradients = model.gradients;
        this.inputs = inputs;
        this.d = spec.dModel();
        this.f = spec.dFf();
        this.width = spec.qkvWidth();
        this.headDim = spec.headDim();
        this.eps = (float) spec.normEps();
        ParameterLayout layout = plan.layout();
        this.embedding = layout.tensor("model.embed_tokens.weight").offset();
        this.finalLn = layout.tensor("model.norm.weight").offset();
        this.ln1 = offsets(layout, "input_layernorm");
        this.q = offsets(layout, "self_attn.q_proj");
        this.qNorm = spec.qkNorm() ? offsets(layout, "self_attn.q_norm") : new int[0];
        this.kNorm = spec.qkNorm() ? offsets(layout, "self_attn.k_norm") : new int[0];
        this.o = offsets(layout, "self_attn.o_proj");
        this.ln2 = offsets(layout, "post_attention_layernorm");
        this.gate = offsets(layout, "mlp.gate_proj");
        this.down = offsets(layout, "mlp.down_proj");
    }

    private int[] offsets(ParameterLayout layout, String part) {
        int[] offsets = new int[spec.layers()];
        for (int l = 0; l < offsets.length; l++) {
            offsets[l] =
                    layout.tensor("model.layers." + l + "." + part + ".weight").offset();
        }
        return offsets;
    }

    void setRows(int rows) {
        this.rows = rows;
    }

    int blocks() {
        return Math.ceilDiv(rows, plan.rowBlock);
    }

    void embedAndFirst() {
        pool.run(embedAndFirst, blocks());
    }

    /** From attention's result of a layer to the next layer's queries, or to the final norm. */
    void afterAttention(int layer) {
        this.layer = layer;
        pool.run(afterAttention, blocks());
    }

    /** From the gradient over a layer's output back to that over its attention's result; first what is left of the layer above. */
    void beforeAttentionBackward(int layer) {
        this.layer = layer;
        pool.run(beforeAttentionBackward, blocks());
    }

    /** Back from the first layer's queries to the embedding's output. */
    void lastBackward() {
        pool.run(lastBackward, blocks());
    }

    private void embedAndFirstTask(int block, int worker) {
        int r0 = block * plan.rowBlock;
        int n = Math.min(plan.rowBlock, rows - r0);
        for (int r = r0; r < r0 + n; r++) {
            System.arraycopy(w, embedding + inputs[r] * d, a, plan.x[0] + r * d, d);
        }
        queries(0, r0, n);
    }

    private void queries(int l, int r0, int n) {
        Elementwise.rmsNorm(
                a, plan.x[l] + r0 * d, w, ln1[l], a, plan.norm1[l] + r0 * d, a, plan.rstd1[l] + r0, n, d, eps);
        int qkv = plan.qkv[l] + r0 * width;
        Gemm.packed(n, width, d, a, plan.norm1[l] + r0 * d, d, 1, a, plan.packQkv[l], a, qkv, width, false);
        if (spec.qkNorm()) {
            QkNorm.forward(
                    a,
                    qkv,
                    width,
                    spec.heads(),
                    spec.kvHeads(),
                    headDim,
                    w,
                    qNorm[l],
                    kNorm[l],
                    eps,
                    plan.qkRaw[l] + r0 * (spec.heads() + spec.kvHeads()) * headDim,
                    n);
        }
        Elementwise.rotate(
                a,
                qkv,
                width,
                spec.heads() + spec.kvHeads(),
                headDim / 2,
                a,
                plan.cos,
                plan.sin,
                r0,
                plan.context(),
                n,
                1f);
    }

    private void afterAttentionTask(int block, int worker) {
        int l = layer;
        int r0 = block * plan.rowBlock;
        int n = Math.min(plan.rowBlock, rows - r0);
        int at = r0 * d;
        System.arraycopy(a, plan.x[l] + at, a, plan.middle[l] + at, n * d);
        Gemm.packed(n, d, d, a, plan.attention[l] + at, d, 1, a, plan.packOut[l], a, plan.middle[l] + at, d, true);
        Elementwise.rmsNorm(a, plan.middle[l] + at, w, ln2[l], a, plan.norm2[l] + at, a, plan.rstd2[l] + r0, n, d, eps);
        Gemm.packed(
                n,
                2 * f,
                d,
                a,
                plan.norm2[l] + at,
                d,
                1,
                a,
                plan.packGateUp[l],
                a,
                plan.gateUp[l] + r0 * 2 * f,
                2 * f,
                false);
        Elementwise.swiGlu(a, plan.gateUp[l] + r0 * 2 * f, a, plan.act[l] + r0 * f, n, f);
        System.arraycopy(a, plan.middle[l] + at, a, plan.x[l + 1] + at, n * d);
        Gemm.packed(n, d, f, a, plan.act[l] + r0 * f, f, 1, a, plan.packDown[l], a, plan.x[l + 1] + at, d, true);
        if (l + 1 < spec.layers()) {
            queries(l + 1, r0, n);
        } else {
            Elementwise.rmsNorm(
                    a, plan.x[l + 1] + at, w, finalLn, a, plan.finalNorm + at, a, plan.finalRstd + r0, n, d, eps);
        }
    }

    private int partial(int norm, int block) {
        return plan.normPartials + (norm * plan.rowBlocks + block) * d;
    }

    private void beforeAttentionBackwardTask(int block, int worker) {
        int l = layer;
        int r0 = block * plan.rowBlock;
        int n = Math.min(plan.rowBlock, rows - r0);
        int at = r0 * d;
        int s = plan.scratch + worker * plan.scratchLength;
        int dn = s + plan.rowBlock * f;
        if (l == spec.layers() - 1) {
            // the head left the gradient over the final norm's result in dOut; no residual branch goes past the norm,
            // so its base is zero
            java.util.Arrays.fill(a, plan.dMiddle + at, plan.dMiddle + at + n * d, 0f);
            Elementwise.rmsNormBackward(
                    a,
                    plan.dOut + at,
                    a,
                    plan.x[l + 1] + at,
                    w,
                    finalLn,
                    a,
                    plan.finalRstd + r0,
                    a,
                    plan.dMiddle + at,
                    a,
                    plan.dOut + at,
                    a,
                    partial(2 * spec.layers(), block),
                    n,
                    d);
        } else {
            queriesBackward(l + 1, block, r0, n, dn);
        }
        Gemm.packed(n, f, d, a, plan.dOut + at, d, 1, a, plan.backDown[l], a, s, f, false);
        Elementwise.swiGluBackward(a, s, a, plan.gateUp[l] + r0 * 2 * f, n, f);
        Gemm.packed(n, d, 2 * f, a, plan.gateUp[l] + r0 * 2 * f, 2 * f, 1, a, plan.backGateUp[l], a, dn, d, false);
        Elementwise.rmsNormBackward(
                a,
                dn,
                a,
                plan.middle[l] + at,
                w,
                ln2[l],
                a,
                plan.rstd2[l] + r0,
                a,
                plan.dOut + at,
                a,
                plan.dMiddle + at,
                a,
                partial(2 * l + 1, block),
                n,
                d);
        Gemm.packed(n, d, d, a, plan.dMiddle + at, d, 1, a, plan.backOut[l], a, plan.dAttention + at, d, false);
    }

    private void lastBackwardTask(int block, int worker) {
        int r0 = block * plan.rowBlock;
        int n = Math.min(plan.rowBlock, rows - r0);
        queriesBackward(0, block, r0, n, plan.scratch + worker * plan.scratchLength + plan.rowBlock * f);
    }

    /** From gradients over rotated queries, keys and values to that over the layer's input, in dOut. */
    private void queriesBackward(int l, int block, int r0, int n, int dn) {
        int at = r0 * d;
        int qkv = plan.qkv[l] + r0 * width;
        Elementwise.rotate(
                a,
                qkv,
                width,
                spec.heads() + spec.kvHeads(),
                headDim / 2,
                a,
                plan.cos,
                plan.sin,
                r0,
                plan.context(),
                n,
                -1f);
        if (spec.qkNorm()) {
            QkNorm.backward(
                    a,
                    qkv,
                    width,
                    spec.heads(),
                    spec.kvHeads(),
                    headDim,
                    w,
                    qNorm[l],
                    kNorm[l],
                    eps,
                    plan.qkRaw[l] + r0 * (spec.heads() + spec.kvHeads()) * headDim,
                    plan.qkPartials + (2 * l * plan.rowBlocks + block) * headDim,
                    plan.qkPartials + ((2 * l + 1) * plan.rowBlocks + block) * headDim,
                    n);
        }
        Gemm.packed(n, d, width, a, qkv, width, 1, a, plan.backQkv[l], a, dn, d, false);
        Elementwise.rmsNormBackward(
                a,
                dn,
                a,
                plan.x[l] + at,
                w,
                ln1[l],
                a,
                plan.rstd1[l] + r0,
                a,
                plan.dMiddle + at,
                a,
                plan.dOut + at,
                a,
                partial(2 * l, block),
                n,
                d);
    }

    /** Adds up the blocks' partial gradients of norm gain {@code norm} ({@code 2 l} and {@code 2 l + 1} of layer l, then the final one). */
    void reduceNorm(int norm, boolean accumulate) {
        int l = norm / 2;
        int to = norm == 2 * spec.layers() ? finalLn : norm % 2 == 0 ? ln1[l] : ln2[l];
        reduce(partial(norm, 0), to, d, accumulate);
        if (spec.qkNorm() && norm < 2 * spec.layers()) {
            reduce(
                    plan.qkPartials + norm * plan.rowBlocks * headDim,
                    norm % 2 == 0 ? qNorm[l] : kNorm[l],
                    headDim,
                    accumulate);
        }
    }

    private void reduce(int from, int to, int n, boolean accumulate) {
        if (!accumulate) {
            java.util.Arrays.fill(gradients, to, to + n, 0f);
        }
        for (int b = 0; b < blocks(); b++) {
            Elementwise.add(a, from + b * n, gradients, to, n);
        }
    }
}
