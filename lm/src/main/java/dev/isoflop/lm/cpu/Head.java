package dev.isoflop.lm.cpu;

import dev.isoflop.lm.model.ModelSpec;

/**
 * The output head and the loss, a chunk of tokens at a time, so that logits of the whole batch never exist.
 *
 * <p>For each chunk: logits, loss and the gradient over the head's input by blocks of rows; then the head's weight gradient by tiles of
 * the vocabulary. The logits become their own gradient in place, up to a factor per row, which goes into the narrow operands.
 *
 * <p>Concurrency: as {@link CpuModel}; weight gradients gain one chunk after the other, in order.
 */
final class Head {

    /** Vocabulary rows in a task of the weight gradient. */
    private static final int TILE = 64;

    private final CpuModel model;
    private final ModelSpec spec;
    private final MemoryPlan plan;
    private final float[] a;
    private final float[] gradients;
    private final int[] inputs;
    private final int[] targets;
    private final int d;
    private final int vocab;
    private final int embedding;
    final int weight;
    private int rows;
    private int chunk;
    private int chunkLength;
    private float factor;
    private boolean withGradient;
    private boolean accumulate;
    private final WorkerPool.Work forward = this::forwardTask;
    private final WorkerPool.Work weights = this::weightTask;
    private final WorkerPool.Work scatter = this::scatterTask;

    Head(CpuModel model, int[] inputs, int[] targets) {
        this.model = model;
        this.plan = model.plan;
        this.spec = plan.spec();
        this.a = model.act;
        this.gradients = model.gradients;
        this.inputs = inputs;
        this.targets = targets;
        this.d = spec.dModel();
        this.vocab = spec.vocabSize();
        this.embedding = plan.layout().tensor("model.embed_tokens.weight").offset();
        this.weight = spec.tiedEmbeddings()
                ? embedding
                : plan.layout().tensor("lm_head.weight").offset();
    }

    /** Fills the per-token losses and, if asked, dOut with the gradient over the final norm's result and the head's weight gradient. */
    void run(int rows, boolean withGradient, float factor, boolean accumulate) {
        this.rows = rows;
        this.withGradient = withGradient;
        this.factor = factor;
        this.accumulate = accumulate;
        for (chunk = 0; chunk < rows; chunk += plan.chunkRows) {
            chunkLength = Math.min(plan.chunkRows, rows - chunk);
            model.pool.run(forward, Math.ceilDiv(chunkLength, plan.rowBlock));
            if (withGradient) {
                model.pool.run(weights, Math.ceilDiv(vocab, TILE));
            }
        }
    }

    /** Σ of the losses in nats, in token order. */
    double lossSum() {
        double sum = 0;
        for (int r = 0; r < rows; r++) {
            sum += a[plan.losses + r];
        }
        return sum;
    }

    private void forwardTask(int block, int worker) {
        int r0 = block * plan.rowBlock;
        int n = Math.min(plan.rowBlock, chunkLength - r0);
        int ld = plan.ldLogits;
        int logits = plan.logits + r0 * ld;
        int row = chunk + r0;
        Gemm.packed(n, vocab, d, a, plan.finalNorm + row * d, d, 1, a, plan.packHead, a, logits, ld, false);
        for (int r = 0; r < n; r++) {
            int target = targets[row + r];
            a[plan.losses + row + r] = withGradient
                    ? CrossEntropy.lossAndGradient(a, logits + r * ld, vocab, target, a, plan.factors + row + r)
                    : CrossEntropy.loss(a, logits + r * ld, vocab, target);
        }
        if (withGradient) {
            Gemm.packed(n, d, vocab, a, logits, ld, 1, a, plan.backHead, a, plan.dOut + row * d, d, false);
            for (int r = 0; r < n; r++) {
                float scale = a[plan.factors + row + r] * factor;
                Elementwise.scale(a, plan.dOut + (row + r) * d, d, scale);
                // the final norm's result is needed no more but for the head's weight gradient, where the factor
                // belongs too
                Elementwise.scale(a, plan.finalNorm + (row + r) * d, d, scale);
            }
        }
    }

    private void weightTask(int tile, int worker) {
        int v0 = tile * TILE;
        int n = Math.min(TILE, vocab - v0);
        Gemm.plain(
                n,
                d,
                chunkLength,
                a,
                plan.logits + v0,
                1,
                plan.ldLogits,
                a,
                plan.finalNorm + chunk * d,
                d,
                gradients,
                weight + v0 * d,
                d,
                accumulate || chunk > 0);
    }

    private static final int SCATTER = 512;

    /** Adds dOut, now the gradient over the embedding's result, to the rows of the table that were looked up, in token order. */
    void embeddingGradient() {
        model.pool.run(scatter, Math.ceilDiv(vocab, SCATTER));
    }

    private void scatterTask(int part, int worker) {
        int from = part * SCATTER;
        int to = Math.min(vocab, from + SCATTER);
        if (!spec.tiedEmbeddings() && !accumulate) {
            java.util.Arrays.fill(gradients, embedding + from * d, embedding + to * d, 0f);
        }
        for (int r = 0; r < rows; r++) {
            int id = inputs[r];
            if (id >= from && id < to) {
                Elementwise.add(a, plan.dOut + r * d, gradients, embedding + id * d, d);
            }
        }
    }
}
