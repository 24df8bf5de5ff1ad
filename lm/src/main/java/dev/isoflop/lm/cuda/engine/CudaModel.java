package dev.isoflop.lm.cuda.engine;

import dev.isoflop.lm.cuda.driver.Args;
import dev.isoflop.lm.cuda.driver.CudaStream;
import dev.isoflop.lm.cuda.driver.Kernel;
import dev.isoflop.lm.model.ModelSpec;
import dev.isoflop.lm.model.ParameterLayout;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Models of one shape side by side on a GPU, as programs over the arenas: a pass forward and backward, a pass that only takes the loss,
 * and the optimizer's update.
 *
 * <p>The residual stream of a layer is read where it was written, so a pass keeps what its gradient needs and computes nothing twice. Two
 * buffers take turns for the gradient of the residual stream; before one is written again, the weight gradients that read it, in the side
 * stream, have ended.
 *
 * <p>Concurrency: one thread's. Same inputs give the same bits, whether or not there is a side stream: no sum depends on timing.
 */
final class CudaModel implements AutoCloseable {

    private final CudaBackend backend;
    private final GpuPlan plan;
    private final ModelSpec spec;
    private final ParameterLayout layout;
    private final Arenas arenas;
    private final Operations ops;
    private final CudaHead head;
    private final @Nullable MuonUpdate muon;
    private final int rows;
    private final int d;
    private final int f;
    private final int width;
    private final int lanes;
    private final int unit;
    private final double m; // rows of all lanes

    CudaModel(CudaBackend backend, CudaStream stream, GpuPlan plan, Arenas arenas) {
        this.backend = backend;
        this.plan = plan;
        this.spec = plan.spec();
        this.layout = plan.deviceLayout();
        this.arenas = arenas;
        this.rows = plan.rows;
        this.d = spec.dModel();
        this.f = plan.ff;
        this.width = spec.qkvWidth();
        this.lanes = plan.lanes();
        this.unit = plan.precision().bytes();
        this.m = (double) lanes * rows;
        this.ops = new Operations(backend, stream, plan);
        this.head = new CudaHead(plan, arenas, ops);
        ops.ropeTable(stream, act(plan.ropeTable));
        this.muon = plan.muon == null ? null : new MuonUpdate(backend, plan, plan.muon, arenas, ops);
    }

    /** For launches between programs. */
    Args args() {
        return ops.args();
    }

    /** What identifies its products in the tuning. */
    Set<String> productKeys() {
        return ops.productKeys();
    }

    private long act(long offset) {
        return arenas.activations.address(offset);
    }

    private ParameterLayout.Tensor tensor(int layer, String name) {
        return layout.tensor("model.layers." + layer + "." + name + ".weight");
    }

    private long weight(ParameterLayout.Tensor t) {
        return arenas.weights.address((long) unit * t.offset());
    }

    private long gradient(ParameterLayout.Tensor t) {
        return arenas.gradients.address(4L * t.offset());
    }

    private ParameterLayout.Tensor embeddingTable() {
        return layout.tensor("model.embed_tokens.weight");
    }

    // ---- programs

    /** Adds a pass over windows of the data: gradients of its part of the mean loss, added to earlier ones unless it is the first. */
    void trainingPass(Program p, GpuTokens tokens, int pass) {
        boolean accumulate = pass > 0;
        p.main("batch", 0, m * 10, ops.gather(act(plan.inputs), act(plan.targets), tokens, arenas.starts(plan, pass)));
        p.side(
                "embedding index",
                0,
                m * 24,
                ops.embeddingIndex(act(plan.inputs), both(plan.sortKeys), both(plan.sortOrder), act(plan.sortCounts)));
        forward(p);
        head.training(p, accumulate);
        p.side("loss", 0, m * 4, ops.lossSum(arenas.lossSums.address(), act(plan.losses), rows, accumulate));
        backward(p, accumulate);
    }

    /** Adds a pass over the next windows of an evaluation, whose losses it adds to the lanes' sums. */
    void evaluationPass(Program p, GpuTokens tokens) {
        Kernel windows = backend.kernel("step.cu", "evaluation_windows");
        p.main("windows", 0, 8.0 * lanes * plan.batch(), s -> {
            ops.args().reset().address(arenas.evalStarts).address(arenas.evalWindows);
            ops.args().int32(lanes).int32(plan.batch()).int32(plan.context());
            windows.launch(s, 1, 1, 1, 256, 0, ops.args());
        });
        p.main(
                "batch",
                0,
                m * 10,
                ops.gather(act(plan.inputs), act(plan.targets), tokens, arenas.evalStarts.address()));
        forward(p);
        head.evaluation(p);
        p.main("loss", 0, m * 4, ops.lossSum(arenas.evalSums.address(), act(plan.losses), rows, true));
    }

    /** Adds the update of all lanes from their gradients. */
    void update(Program p) {
        Kernel squares = backend.kernel("adamw.cu", "gradient_squares_f32");
        Kernel norm = backend.kernel("adamw.cu", "gradient_norm");
        Kernel adamw = backend.kernel("adamw.cu", "adamw_f32");
        double n = (double) lanes * plan.stride();
        p.main("gradient norm", 2 * n, 4 * n, s -> {
            ops.args().reset().address(arenas.squares).address(arenas.gradients);
            ops.args().int64(plan.stride()).int64(plan.stride());
            squares.launch(s, arenas.squareBlocks, lanes, 1, 256, 0, ops.args());
            ops.args().reset().address(arenas.state).address(arenas.squares);
            ops.args().address(arenas.hyper()).int32(arenas.squareBlocks);
            norm.launch(s, 1, lanes, 1, 32, 0, ops.args());
        });
        if (muon != null) {
            muon.add(p);
        }
        double rest = n - (plan.muon == null ? 0 : (double) lanes * plan.muon.elements);
        boolean copies = plan.precision() == Precision.BF16;
        p.main("adamw", 12 * rest, (copies ? 30 : 28) * rest, s -> {
            ops.args()
                    .reset()
                    .address(arenas.parameters)
                    .address(arenas.first)
                    .address(arenas.second)
                    .address(arenas.gradients);
            ops.args()
                    .address(copies ? arenas.weights.address() : 0)
                    .address(arenas.pieces)
                    .address(arenas.hyper())
                    .address(arenas.state)
                    .int64(plan.stride());
            adamw.launch(s, arenas.pieceCount, lanes, 1, 256, 0, ops.args());
        });
    }

    /** Logits of all rows, {@code [lanes][rows][ldLogits]} in the activations' type, to look at: needs a plan with one chunk. */
    void logitsPass(Program p, GpuTokens tokens) {
        p.main("batch", 0, 0, ops.gather(act(plan.inputs), act(plan.targets), tokens, arenas.evalStarts.address()));
        forward(p);
        p.main("head", 0, 0, head.logits(0, rows, act(plan.logits[0])));
    }

    // ---- forward

    private void forward(Program p) {
        double row = m * d * unit;
        p.main("embedding", 0, 2 * row, ops.embedding(act(plan.x[0]), weight(embeddingTable()), act(plan.inputs)));
        for (int l = 0; l < spec.layers(); l++) {
            long gain1 = weight(tensor(l, "input_layernorm"));
            norm(p, plan.norm1[l], plan.rstd1[l], plan.x[l], gain1);
            queriesKeysAndValues(p, l);
            p.main(
                    "attention",
                    attentionFlops(),
                    m * (width + d) * unit,
                    ops.attention().forward(act(plan.qkv[l]), act(plan.attention[l]), act(plan.lse[l])));
            long attention = plan.attention[l];
            extend(p, "attention out", d, plan.middle[l], plan.x[l], attention, tensor(l, "self_attn.o_proj"));
            norm(p, plan.norm2[l], plan.rstd2[l], plan.middle[l], weight(tensor(l, "post_attention_layernorm")));
            gateAndUp(p, l);
            extend(p, "down", f, plan.x[l + 1], plan.middle[l], plan.act[l], tensor(l, "mlp.down_proj"));
        }
        norm(p, plan.finalNorm, plan.finalRstd, plan.x[spec.layers()], weight(layout.tensor("model.norm.weight")));
    }

    private void norm(Program p, long y, long rstd, long x, long gain) {
        p.main("norm", 4 * m * d, 2 * m * d * unit, ops.norm(act(y), act(rstd), act(x), gain));
    }

    /** What a sublayer adds to the residual stream, added in the product itself. */
    private void extend(Program p, String name, int in, long out, long residual, long x, ParameterLayout.Tensor w) {
        p.main(
                name,
                2 * m * d * in,
                (m * (2 * d + in) + (double) lanes * d * in) * unit,
                ops.forwardAdd(rows, d, in, act(out), act(residual), act(x), weight(w)));
    }

    private void project(Program p, String name, int out, int in, long y, long x, ParameterLayout.Tensor w) {
        long yStride = (long) rows * out;
        long xStride = (long) rows * in;
        p.main(
                name,
                2 * m * out * in,
                (m * (out + in) + (double) lanes * out * in) * unit,
                ops.forward(rows, out, in, act(y), out, yStride, act(x), xStride, weight(w)));
    }

    private void queriesKeysAndValues(Program p, int l) {
        ParameterLayout.Tensor w = tensor(l, "self_attn.q_proj");
        if (!ops.panels().turns()) {
            project(p, "qkv", width, d, plan.qkv[l], plan.norm1[l], w);
            rope(p, l);
            return;
        }
        p.main(
                "qkv and rope",
                2 * m * width * d,
                (m * (width + d) + (double) lanes * width * d) * unit,
                ops.panels().project(act(plan.qkv[l]), act(plan.norm1[l]), weight(w), act(plan.ropeTable)));
    }

    private void gateAndUp(Program p, int l) {
        ParameterLayout.Tensor w = tensor(l, "mlp.gate_proj");
        if (!ops.panels().gates()) {
            project(p, "gate and up", 2 * f, d, plan.gateUp[l], plan.norm2[l], w);
            p.main("swiglu", 5 * m * f, 3 * m * f * unit, ops.swiglu(act(plan.act[l]), act(plan.gateUp[l])));
            return;
        }
        p.main(
                "gate, up and swiglu",
                4 * m * f * d,
                (m * (3 * f + d) + 2.0 * lanes * f * d) * unit,
                ops.panels().swiglu(act(plan.gateUp[l]), act(plan.act[l]), act(plan.norm2[l]), weight(w)));
    }

    private void rope(Program p, int l) {
        double bytes = 2 * m * (spec.heads() + spec.kvHeads()) * spec.headDim() * unit;
        if (spec.qkNorm()) {
            long q = weight(tensor(l, "self_attn.q_norm"));
            long k = weight(tensor(l, "self_attn.k_norm"));
            p.main(
                    "norm and rope",
                    0,
                    bytes * 1.5,
                    ops.normRope(act(plan.qkv[l]), act(plan.qkRaw[l]), act(plan.qkRstd[l]), act(plan.ropeTable), q, k));
        } else {
            p.main("rope", 0, bytes, ops.rope(act(plan.qkv[l]), act(plan.ropeTable), false));
        }
    }

    /** Two products over the causal half. */
    private double attentionFlops() {
        return 2.0 * m * d * (plan.context() + 1.0);
    }

    // ---- backward

    private void backward(Program p, boolean accumulate) {
        int norms = 2 * spec.layers() + 1;
        long dx = plan.dX;
        long dMiddle = plan.dMiddle;
        long finalGain = weight(layout.tensor("model.norm.weight"));
        normGradient(p, norms - 1, dx, plan.x[spec.layers()], finalGain, plan.finalRstd, 0);
        Program.Mark attentionOut = null;
        Program.Mark queries = null;
        for (int l = spec.layers() - 1; l >= 0; l--) {
            ParameterLayout.Tensor down = tensor(l, "mlp.down_proj");
            weigh(p, "down dW", d, f, down, dx, plan.act[l], accumulate);
            final Program.Mark downDone = p.mark();
            gateAndUpGradient(p, l, dx);
            ParameterLayout.Tensor gate = tensor(l, "mlp.gate_proj");
            back(p, "gate and up dx", 2 * f, d, plan.dNorm, plan.gateUp[l], gate);
            weigh(p, "gate and up dW", 2 * f, d, gate, plan.gateUp[l], plan.norm2[l], accumulate);
            p.await(attentionOut);
            long gain2 = weight(tensor(l, "post_attention_layernorm"));
            normGradient(p, 2 * l + 1, dMiddle, plan.middle[l], gain2, plan.rstd2[l], dx);

            ParameterLayout.Tensor out = tensor(l, "self_attn.o_proj");
            back(p, "attention out dx", d, d, plan.dAttention, dMiddle, out);
            weigh(p, "attention out dW", d, d, out, dMiddle, plan.attention[l], accumulate);
            attentionOut = p.mark();
            p.await(queries);
            p.main(
                    "attention backward",
                    2.5 * attentionFlops(),
                    m * (2 * width + 2 * d) * unit,
                    ops.attention()
                            .backward(
                                    act(plan.qkv[l]),
                                    act(plan.attention[l]),
                                    act(plan.dAttention),
                                    act(plan.lse[l]),
                                    act(plan.attentionDelta),
                                    act(plan.dQkv),
                                    attentionTurnsBack() ? act(plan.ropeTable) : 0));
            ropeGradient(p, l, accumulate);
            ParameterLayout.Tensor query = tensor(l, "self_attn.q_proj");
            back(p, "qkv dx", width, d, plan.dNorm, plan.dQkv, query);
            weigh(p, "qkv dW", width, d, query, plan.dQkv, plan.norm1[l], accumulate);
            queries = p.mark();
            p.await(downDone);
            long gain1 = weight(tensor(l, "input_layernorm"));
            normGradient(p, 2 * l, dx, plan.x[l], gain1, plan.rstd1[l], dMiddle);
        }
        p.side(
                "norm dW",
                0,
                4.0 * norms * lanes * plan.normParts * d,
                ops.gainGradients(
                        arenas.gradients.address(),
                        act(plan.normPartials),
                        arenas.gainOffsets.address(),
                        norms,
                        accumulate));
        p.await(p.mark());
        p.main(
                "embedding dW",
                m * d,
                m * d * unit + 4.0 * lanes * spec.vocabSize() * d,
                ops.embeddingGradient(
                        gradient(embeddingTable()),
                        act(plan.spanPartials),
                        act(dx),
                        both(plan.sortKeys),
                        both(plan.sortOrder),
                        accumulate || spec.tiedEmbeddings()));
    }

    /** In the place of gate and up. */
    private void gateAndUpGradient(Program p, int l, long dx) {
        ParameterLayout.Tensor down = tensor(l, "mlp.down_proj");
        if (!ops.panels().gates()) {
            back(p, "down dx", d, f, plan.dAct, dx, down);
            p.main(
                    "swiglu backward",
                    10 * m * f,
                    5 * m * f * unit,
                    ops.swigluGradient(act(plan.gateUp[l]), act(plan.dAct)));
            return;
        }
        p.main(
                "down dx and swiglu",
                2 * m * f * d,
                (m * (4 * f + d) + (double) lanes * f * d) * unit,
                ops.panels().swigluGradient(act(plan.gateUp[l]), act(dx), weight(down)));
    }

    private void back(Program p, String name, int out, int in, long dx, long dy, ParameterLayout.Tensor w) {
        long xStride = (long) rows * in;
        long yStride = (long) rows * out;
        p.main(
                name,
                2 * m * out * in,
                (m * (out + in) + (double) lanes * out * in) * unit,
                ops.inputGradient(rows, out, in, act(dx), xStride, act(dy), out, yStride, weight(w)));
    }

    private void weigh(
            Program p, String name, int out, int in, ParameterLayout.Tensor w, long dy, long x, boolean accumulate) {
        long xStride = (long) rows * in;
        long yStride = (long) rows * out;
        p.side(
                name,
                2 * m * out * in,
                m * (out + in) * unit + 4.0 * lanes * out * in,
                ops.weightGradient(rows, out, in, gradient(w), act(dy), out, yStride, act(x), xStride, accumulate));
    }

    private void normGradient(Program p, int norm, long dx, long x, long gain, long rstd, long residual) {
        long partial = act(plan.normPartials) + 4L * norm * lanes * plan.normParts * d;
        p.main(
                "norm backward",
                8 * m * d,
                (residual == 0 ? 3 : 4) * m * d * unit,
                ops.normGradient(
                        act(dx), partial, act(plan.dNorm), act(x), gain, act(rstd), residual == 0 ? 0 : act(residual)));
    }

    /** Whether the attention's gradient is that before the rotation; a norm in between needs it after. */
    private boolean attentionTurnsBack() {
        return !spec.qkNorm() && ops.attention().turnsBack();
    }

    private void ropeGradient(Program p, int l, boolean accumulate) {
        if (attentionTurnsBack()) {
            return;
        }
        double bytes = 2 * m * (spec.heads() + spec.kvHeads()) * spec.headDim() * unit;
        if (!spec.qkNorm()) {
            p.main("rope backward", 0, bytes, ops.rope(act(plan.dQkv), act(plan.ropeTable), true));
            return;
        }
        ParameterLayout.Tensor q = tensor(l, "self_attn.q_norm");
        ParameterLayout.Tensor k = tensor(l, "self_attn.k_norm");
        long partial = act(plan.qkPartials[l]);
        p.main(
                "norm and rope backward",
                0,
                bytes * 1.5,
                ops.normRopeGradient(
                        act(plan.dQkv),
                        partial,
                        act(plan.qkRaw[l]),
                        act(plan.qkRstd[l]),
                        act(plan.ropeTable),
                        weight(q),
                        weight(k)));
        p.side(
                "head norm dW",
                0,
                8.0 * lanes * plan.normParts * spec.headDim(),
                ops.headGainGradients(gradient(q), gradient(k), partial, accumulate));
    }

    private long[] both(long[] offsets) {
        return new long[] {act(offsets[0]), act(offsets[1])};
    }

    @Override
    public void close() {
        if (muon != null) {
            muon.close();
        }
        ops.close();
    }
}
