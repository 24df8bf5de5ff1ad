package dev.isoflop.lm.cuda.engine;

import dev.isoflop.lm.model.ModelSpec;
import dev.isoflop.lm.model.ParameterLayout;

/** The head and its cross-entropy, in chunks of rows, so that logits of few rows are held at a time. */
final class CudaHead {

    private final GpuPlan plan;
    private final Arenas arenas;
    private final Operations ops;
    private final ModelSpec spec;
    private final ParameterLayout.Tensor table;
    private final int rows;
    private final int d;
    private final int lanes;
    private final int unit;

    CudaHead(GpuPlan plan, Arenas arenas, Operations ops) {
        this.plan = plan;
        this.arenas = arenas;
        this.ops = ops;
        this.spec = plan.spec();
        this.table = plan.deviceLayout().tensor(spec.tiedEmbeddings() ? "model.embed_tokens.weight" : "lm_head.weight");
        this.rows = plan.rows;
        this.d = spec.dModel();
        this.lanes = plan.lanes();
        this.unit = plan.precision().bytes();
    }

    private long act(long offset) {
        return arenas.activations.address(offset);
    }

    /** Logits of some rows of each lane. */
    Program.Launch logits(int row, int count, long logits) {
        return ops.forward(
                count,
                spec.vocabSize(),
                d,
                logits,
                plan.ldLogits,
                (long) plan.chunkRows * plan.ldLogits,
                act(plan.finalNorm) + (long) row * d * unit,
                (long) rows * d,
                arenas.weights.address((long) unit * table.offset()));
    }

    /** Adds losses, the gradient of the final norm's output in {@code dNorm}, and that of the table. */
    void training(Program p, boolean accumulate) {
        pass(p, true, accumulate);
    }

    /** Adds the losses alone. */
    void evaluation(Program p) {
        pass(p, false, false);
    }

    private void pass(Program p, boolean train, boolean accumulate) {
        int vocab = spec.vocabSize();
        int ld = plan.ldLogits;
        long logitStride = (long) plan.chunkRows * ld;
        Program.Mark[] free = new Program.Mark[2];
        int chunk = 0;
        for (int row = 0; row < rows; row += plan.chunkRows, chunk++) {
            int count = Math.min(plan.chunkRows, rows - row);
            int turn = chunk % plan.logits.length;
            long logits = act(plan.logits[turn]);
            double part = (double) lanes * count;
            double flops = 2 * part * vocab * d;
            double bytes = (part * (vocab + d) + (double) lanes * vocab * d) * unit;
            p.await(free[turn]);
            loss(p, row, count, logits, train);
            if (!train) {
                continue;
            }
            long normed = act(plan.finalNorm) + (long) row * d * unit;
            p.side(
                    "head dW",
                    flops,
                    bytes + 2.0 * lanes * vocab * d,
                    ops.weightGradient(
                            count,
                            vocab,
                            d,
                            arenas.gradients.address(4L * table.offset()),
                            logits,
                            ld,
                            logitStride,
                            normed,
                            (long) rows * d,
                            accumulate || row > 0));
            free[turn] = p.mark();
            p.main(
                    "head dx",
                    flops,
                    bytes,
                    ops.inputGradient(
                            count,
                            vocab,
                            d,
                            act(plan.dNorm) + (long) row * d * unit,
                            (long) rows * d,
                            logits,
                            ld,
                            logitStride,
                            arenas.weights.address((long) unit * table.offset())));
        }
    }

    /** Losses of some rows and, in training, the gradient of their logits. */
    private void loss(Program p, int row, int count, long logits, boolean train) {
        int vocab = spec.vocabSize();
        double part = (double) lanes * count;
        double flops = 2 * part * vocab * d;
        double bytes = (part * d + (double) lanes * vocab * d) * unit;
        long targets = act(plan.targets);
        long losses = act(plan.losses);
        long scale = arenas.lossScale.address();
        if (ops.panels().losses(count)) {
            p.main(
                    "head and loss",
                    train ? 2 * flops : flops,
                    bytes + (train ? part * vocab * unit : 0),
                    ops.panels()
                            .loss(
                                    row,
                                    count,
                                    logits,
                                    act(plan.finalNorm),
                                    arenas.weights.address((long) unit * table.offset()),
                                    targets,
                                    losses,
                                    scale,
                                    train));
            return;
        }
        p.main("head", flops, bytes + part * vocab * unit, logits(row, count, logits));
        p.main(
                "cross-entropy",
                0,
                part * vocab * unit * (train ? 2 : 1),
                ops.crossEntropy(logits, row, count, targets, losses, scale, train));
    }
}
