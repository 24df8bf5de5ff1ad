package dev.isoflop.lm.cpu;

import dev.isoflop.lm.model.ModelSpec;

/**
 * Gradients of the projection matrices: {@code dW[out][in] = Σ_tokens dY[t][out] X[t][in]}.
 *
 * <p>A task owns a tile of outputs of one matrix and sums over all tokens in chunks, in order, so no partial sums meet and threads do not
 * matter. Tasks of a layer run beside that layer's attention gradient; the fused query, key and value matrix waits for it and runs one
 * layer later.
 */
final class WeightGradients {

    /** Outputs in a tile. */
    private static final int TILE = 32;
    /** Tokens per pass: a chunk of inputs stays in cache while all rows of the tile use it. */
    private static final int CHUNK = 256;

    private final CpuModel model;
    private final ModelSpec spec;
    private final MemoryPlan plan;
    private final float[] a;
    private final float[] gradients;
    private final int d;
    private final int f;
    private final int width;
    private int rows;
    private boolean accumulate;
    private int layer;
    private final WorkerPool.Work finish = this::finishTask;

    WeightGradients(CpuModel model) {
        this.model = model;
        this.plan = model.plan;
        this.spec = plan.spec();
        this.a = model.act;
        this.gradients = model.gradients;
        this.d = spec.dModel();
        this.f = spec.dFf();
        this.width = spec.qkvWidth();
    }

    void start(int rows, boolean accumulate) {
        this.rows = rows;
        this.accumulate = accumulate;
    }

    void setLayer(int layer) {
        this.layer = layer;
    }

    static int tiles(int outputs) {
        return Math.ceilDiv(outputs, TILE);
    }

    /** Tasks beside the attention gradient of the current layer. */
    int tasks() {
        return tiles(2 * f) + 2 * tiles(d) + (layer + 1 < spec.layers() ? tiles(width) : 0);
    }

    void run(int task, int worker) {
        int t = task;
        if (t < tiles(2 * f)) {
            tile(t, 2 * f, d, plan.gateUp[layer], plan.norm2[layer], rowsOf().gate[layer]);
            return;
        }
        t -= tiles(2 * f);
        if (t < tiles(d)) {
            tile(t, d, f, plan.dOut, plan.act[layer], rowsOf().down[layer]);
            return;
        }
        t -= tiles(d);
        if (t < tiles(d)) {
            tile(t, d, d, plan.dMiddle, plan.attention[layer], rowsOf().o[layer]);
            return;
        }
        queries(t - tiles(d), layer + 1);
    }

    private void queries(int tile, int l) {
        tile(tile, width, d, plan.qkv[l], plan.norm1[l], rowsOf().q[l]);
    }

    /** The first layer's queries, keys and values, and all norm gains. */
    void finish() {
        model.pool.run(finish, tiles(width) + 2 * spec.layers() + 1);
    }

    private void finishTask(int task, int worker) {
        if (task < tiles(width)) {
            queries(task, 0);
        } else {
            rowsOf().reduceNorm(task - tiles(width), accumulate);
        }
    }

    private RowPhases rowsOf() {
        return model.rows();
    }

    private void tile(int tile, int outputs, int inputs, int dy, int x, int weight) {
        tile(tile, outputs, inputs, rows, a, dy, a, x, gradients, weight, accumulate);
    }

    static void tile(
            int tile,
            int outputs,
            int inputs,
            int rows,
            float[] dy,
            int dyo,
            float[] x,
            int xo,
            float[] dw,
            int dwo,
            boolean accumulate) {
        int from = tile * TILE;
        int n = Math.min(TILE, outputs - from);
        for (int t = 0; t < rows; t += CHUNK) {
            int chunk = Math.min(CHUNK, rows - t);
            Gemm.plain(
                    n,
                    inputs,
                    chunk,
                    dy,
                    dyo + t * outputs + from,
                    1,
                    outputs,
                    x,
                    xo + t * inputs,
                    inputs,
                    dw,
                    dwo + from * inputs,
                    inputs,
                    accumulate || t > 0);
        }
    }
}
