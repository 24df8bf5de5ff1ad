package dev.isoflop.lm.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.isoflop.lm.model.ModelSpec;
import dev.isoflop.lm.model.ParameterLayout;
import dev.isoflop.lm.support.Npy;
import dev.isoflop.lm.support.Shared;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/**
 * Single layers through the kernels that training uses, against PyTorch.
 *
 * <p>Two sets of goldens. CS336's own snapshots, where their inputs and weights can be had: RMSNorm, RoPE, embedding, both scaled
 * dot-product attentions, AdamW. And the substitute model's, whose layers take {@code residual_after_0} as it is and the weights of
 * layer 0: linear, SwiGLU, attention without and with rotation, a block.
 *
 * <p>Not checked, because their weights are those of a trained model that the fixture does not hold ({@code ts_tests/model.pt}): the
 * snapshots {@code linear}, {@code swiglu} and {@code positionwise_feedforward} (the same test under two names),
 * {@code multihead_self_attention}, {@code multihead_self_attention_with_rope}, {@code transformer_block}, {@code transformer_lm} and
 * {@code transformer_lm_truncated_input}. For each of them the substitute model has the same layer at the same sizes, and what the last
 * one asserts, that a shorter input gives the same first rows, is asserted of the substitute model here.
 */
class LayerGoldenTests {

    private static final int SEQUENCES = 4;
    private static final int CONTEXT = 12;
    private static final int ROWS = SEQUENCES * CONTEXT;
    private static final int D = 64;
    private static final int F = 128;
    private static final int HEADS = 4;
    private static final int HEAD_DIM = D / HEADS;
    private static final float EPS = 1e-5f;
    /** Forward tolerance that the fixture suggests: absolute, fp32 against fp32. */
    private static final float FORWARD = 1e-5f;
    /** Ragged tiles read up to a vector past a row's end. */
    private static final int SLACK = 64;

    private final Path dir = Shared.require("cs336/assignment1-basics/golden");
    private final Path substitute = Shared.require("cs336/assignment1-basics/substitute-lm");

    @Test
    void rmsNormAgrees() {
        float[] x = Npy.read(dir.resolve("inputs/in_embeddings.npy")).floats();
        float[] gain =
                Npy.read(dir.resolve("inputs/rmsnorm_weight_recovered.npy")).floats();
        float[] expected = Npy.read(dir.resolve("snapshots/test_rmsnorm.npy")).floats();
        float[] y = new float[x.length];
        Elementwise.rmsNorm(x, 0, gain, 0, y, 0, new float[ROWS], 0, ROWS, D, EPS);
        for (int i = 0; i < y.length; i++) {
            assertThat(y[i]).isCloseTo(expected[i], within(1e-6f * (1 + Math.abs(expected[i]))));
        }
    }

    @Test
    void rotationAgreesOnceInterleavedPairsAreSplitInHalves() {
        float[] x = Npy.read(dir.resolve("inputs/in_embeddings.npy")).floats();
        float[] expected = Npy.read(dir.resolve("snapshots/test_rope.npy")).floats();
        int half = D / 2;
        float[] angles = angles(CONTEXT, D);
        float[] y = Arrays.copyOf(halves(x), x.length + SLACK);
        Elementwise.rotate(y, 0, D, 1, half, angles, 0, CONTEXT * half, 0, CONTEXT, ROWS, 1f);
        float[] wanted = halves(expected);
        for (int i = 0; i < wanted.length; i++) {
            assertThat(y[i]).isCloseTo(wanted[i], within(1e-6f * (1 + Math.abs(wanted[i]))));
        }
        Elementwise.rotate(y, 0, D, 1, half, angles, 0, CONTEXT * half, 0, CONTEXT, ROWS, -1f);
        float[] back = halves(x);
        for (int i = 0; i < back.length; i++) {
            assertThat(y[i]).isCloseTo(back[i], within(2e-6f * (1 + Math.abs(back[i]))));
        }
    }

    @Test
    void embeddingAgrees() throws java.io.IOException {
        JsonNode rows = new ObjectMapper()
                .readTree(dir.resolve("inputs/embedding_rows_recovered.json").toFile())
                .get("rows");
        ModelSpec spec = new ModelSpec(10_000, CONTEXT, D, 1, HEADS, HEADS, F, 10_000, 1e-5, false, false);
        try (CpuModel model = new CpuModel(new MemoryPlan(spec, SEQUENCES, CONTEXT, 1))) {
            int table =
                    model.plan().layout().tensor("model.embed_tokens.weight").offset();
            // every row that no index names is set to what no golden row holds
            Arrays.fill(model.parameters(), table, table + 10_000 * D, 1_000f);
            rows.forEachEntry((id, row) -> {
                for (int c = 0; c < D; c++) {
                    model.parameters()[table + Integer.parseInt(id) * D + c] =
                            (float) row.get(c).asDouble();
                }
            });
            model.parametersChanged();
            int[] ids = Npy.read(dir.resolve("inputs/in_indices.npy")).ints();
            model.setBatch(ids, ids, SEQUENCES);
            model.loss(SEQUENCES);
            float[] actual = Arrays.copyOfRange(model.act, model.plan.x[0], model.plan.x[0] + ROWS * D);
            assertThat(actual)
                    .containsExactly(Npy.read(dir.resolve("snapshots/test_embedding.npy"))
                            .floats());
        }
    }

    @Test
    void linearAgrees() {
        float[] y = linear(golden("residual_after_0"), ROWS, weight("layers.0.ffn.w1"), F);
        assertClose(y, golden("linear_w1"));
    }

    @Test
    void swiGluAgrees() {
        assertClose(feedForward(golden("residual_after_0")), golden("swiglu"));
    }

    @Test
    void attentionAgreesWithoutRotation() {
        float[] qkv = queriesKeysValues(
                golden("residual_after_0"), weight("layers.0.attn.q_proj"), weight("layers.0.attn.k_proj"));
        assertClose(attend(qkv), golden("mha_norope"));
    }

    @Test
    void attentionAgreesWithRotation() {
        assertClose(rotatedAttention(golden("residual_after_0")), golden("mha_rope"));
    }

    @Test
    void blockAgrees() {
        float[] x = golden("residual_after_0");
        float[] middle = rotatedAttention(norm(x, weight("layers.0.ln1")));
        Elementwise.add(x, 0, middle, 0, x.length);
        float[] y = feedForward(norm(middle, weight("layers.0.ln2")));
        Elementwise.add(middle, 0, y, 0, x.length);
        assertClose(y, golden("block0"));
    }

    /** As CS336's 3-dimensional case: four batches of one head of 64. */
    @Test
    void maskedAttentionAgrees() {
        assertClose(
                masked(1),
                Npy.read(dir.resolve("snapshots/test_scaled_dot_product_attention.npy"))
                        .floats());
    }

    /** As CS336's 4-dimensional case: two batches of two heads. */
    @Test
    void maskedAttentionAgreesWithHeadsSideBySide() {
        assertClose(
                masked(2),
                Npy.read(dir.resolve("snapshots/test_4d_scaled_dot_product_attention.npy"))
                        .floats());
    }

    @Test
    void aShorterInputGivesTheSameFirstRows() {
        int kept = 6;
        float[] whole = golden("logits");
        SubstituteModel full = new SubstituteModel(1);
        full.model.close();
        try (CpuModel model = new CpuModel(new MemoryPlan(SubstituteModel.SPEC, SEQUENCES, kept, 1))) {
            System.arraycopy(full.model.parameters(), 0, model.parameters(), 0, model.parameters().length);
            model.parametersChanged();
            int[] all = Npy.read(substitute.resolve("input_ids.npy")).ints();
            int[] ids = new int[SEQUENCES * kept];
            for (int b = 0; b < SEQUENCES; b++) {
                System.arraycopy(all, b * CONTEXT, ids, b * kept, kept);
            }
            model.setBatch(ids, ids, SEQUENCES);
            float[] actual = model.logits(SEQUENCES);
            int row = SubstituteModel.SPEC.vocabSize() * kept;
            for (int b = 0; b < SEQUENCES; b++) {
                int from = b * CONTEXT * SubstituteModel.SPEC.vocabSize();
                assertClose(
                        Arrays.copyOfRange(actual, b * row, (b + 1) * row),
                        Arrays.copyOfRange(whole, from, from + row));
            }
        }
    }

    /**
     * 1,000 steps on a 2×3 weight with PyTorch's defaults, at the start of a tensor of the smallest model. Tight against PyTorch; the
     * course's own algorithm puts ε elsewhere, so its snapshot is met within the course's tolerance only.
     */
    @Test
    void adamWAgreesOverAThousandSteps() throws java.io.IOException {
        JsonNode golden = new ObjectMapper().readTree(dir.resolve("adamw.json").toFile());
        float[] stream = Npy.read(dir.resolve("inputs/adamw_x_stream.npy")).floats();
        ModelSpec spec = new ModelSpec(8, 2, 4, 1, 1, 1, 4, 10_000, 1e-5, false, false);
        try (CpuModel model = new CpuModel(new MemoryPlan(spec, 1, 2, 1))) {
            ParameterLayout.Tensor t = model.plan().layout().tensor("model.embed_tokens.weight");
            float[] w = model.parameters();
            float[] g = model.gradients();
            float[] start = matrix(golden.get("w0"));
            System.arraycopy(start, 0, w, t.offset(), start.length);
            AdamW adam = new AdamW(model, kind -> true);
            for (int step = 1; step <= 1_000; step++) {
                // L = |y − W x|², y = (x0 + x1, −x2): dL/dW = −2 (y − W x) xᵀ
                int x = 3 * (step - 1);
                for (int r = 0; r < 2; r++) {
                    float y = r == 0 ? stream[x] + stream[x + 1] : -stream[x + 2];
                    int row = t.offset() + 3 * r;
                    float miss = y - (w[row] * stream[x] + w[row + 1] * stream[x + 1] + w[row + 2] * stream[x + 2]);
                    for (int c = 0; c < 3; c++) {
                        g[row + c] = -2 * miss * stream[x + c];
                    }
                }
                adam.step(
                        step,
                        golden.get("lr").asDouble(),
                        golden.get("betas").get(0).asDouble(),
                        golden.get("betas").get(1).asDouble(),
                        golden.get("eps").asDouble(),
                        golden.get("weight_decay").asDouble(),
                        1.0);
                JsonNode after = golden.get("torch_weights_after").get(Integer.toString(step));
                if (after != null) {
                    assertClose(Arrays.copyOfRange(w, t.offset(), t.offset() + 6), matrix(after), 5e-6f);
                }
            }
            float[] snapshot = Npy.read(dir.resolve("snapshots/test_adamw.npy")).floats();
            assertClose(Arrays.copyOfRange(w, t.offset(), t.offset() + 6), snapshot, 1e-4f);
        }
    }

    private float[] golden(String name) {
        return Npy.read(substitute.resolve(name + ".npy")).floats();
    }

    private float[] weight(String name) {
        return Npy.read(substitute.resolve("weights/" + name + ".weight.npy")).floats();
    }

    private static void assertClose(float[] actual, float[] expected) {
        assertClose(actual, expected, FORWARD);
    }

    private static void assertClose(float[] actual, float[] expected, float tolerance) {
        assertThat(actual).hasSameSizeAs(expected);
        for (int i = 0; i < expected.length; i++) {
            assertThat(actual[i]).as("element %d", i).isCloseTo(expected[i], within(tolerance));
        }
    }

    private static float[] matrix(JsonNode rows) {
        float[] out = new float[rows.size() * rows.get(0).size()];
        int i = 0;
        for (JsonNode row : rows) {
            for (JsonNode value : row) {
                out[i++] = (float) value.asDouble();
            }
        }
        return out;
    }

    /** {@code x [rows][in]} times the transpose of {@code w [out][in]}, packed as a weight is. */
    private static float[] linear(float[] x, int rows, float[] w, int out) {
        int in = w.length / out;
        float[] packed = new float[Gemm.packedLength(in, out) + SLACK];
        Gemm.pack(w, 0, 1, in, in, out, packed, 0, 0, out);
        float[] y = new float[rows * out];
        Gemm.packed(rows, out, in, x, 0, in, 1, packed, 0, y, 0, out, false);
        return y;
    }

    private static float[] norm(float[] x, float[] gain) {
        float[] y = new float[x.length];
        Elementwise.rmsNorm(x, 0, gain, 0, y, 0, new float[ROWS], 0, ROWS, D, EPS);
        return y;
    }

    /** Gate and up as one matrix, as training has them. */
    private float[] feedForward(float[] x) {
        float[] gateUp = linear(x, ROWS, concat(weight("layers.0.ffn.w1"), weight("layers.0.ffn.w3")), 2 * F);
        float[] act = new float[ROWS * F];
        Elementwise.swiGlu(gateUp, 0, act, 0, ROWS, F);
        return linear(act, ROWS, weight("layers.0.ffn.w2"), D);
    }

    private float[] rotatedAttention(float[] x) {
        float[] qkv = queriesKeysValues(
                x,
                SubstituteModel.halfSplit(weight("layers.0.attn.q_proj"), D, D, HEAD_DIM),
                SubstituteModel.halfSplit(weight("layers.0.attn.k_proj"), D, D, HEAD_DIM));
        int half = HEAD_DIM / 2;
        Elementwise.rotate(
                qkv, 0, 3 * D, 2 * HEADS, half, angles(CONTEXT, HEAD_DIM), 0, CONTEXT * half, 0, CONTEXT, ROWS, 1f);
        return attend(qkv);
    }

    /** {@code [ROWS][3 D]} rows of queries, keys and values by one fused product. */
    private float[] queriesKeysValues(float[] x, float[] q, float[] k) {
        float[] qkv = linear(x, ROWS, concat(concat(q, k), weight("layers.0.attn.v_proj")), 3 * D);
        return Arrays.copyOf(qkv, qkv.length + SLACK);
    }

    private float[] attend(float[] qkv) {
        Attention attention = new Attention(CONTEXT, HEADS, HEADS, HEAD_DIM);
        float[] scratch = new float[attention.scratchLength() + SLACK];
        float[] o = new float[ROWS * D + SLACK];
        float[] lse = new float[ROWS * HEADS];
        for (int b = 0; b < SEQUENCES; b++) {
            for (int h = 0; h < HEADS; h++) {
                attention.forward(
                        qkv, b * CONTEXT * 3 * D, o, b * CONTEXT * D, lse, b * CONTEXT * HEADS, h, scratch, 0);
            }
        }
        return linear(o, ROWS, weight("layers.0.attn.output_proj"), D);
    }

    /**
     * Attention under CS336's random mask through a kernel that knows causal masks only: for one query, the keys that the mask lets it
     * see are laid out first, in order, and the query at the last of them, so that it sees these and no other.
     *
     * @param heads how many of the four matrices lie side by side as heads of one sequence
     */
    private float[] masked(int heads) {
        float[] q = Npy.read(dir.resolve("inputs/q.npy")).floats();
        float[] k = Npy.read(dir.resolve("inputs/k.npy")).floats();
        float[] v = Npy.read(dir.resolve("inputs/v.npy")).floats();
        int[] mask = Npy.read(dir.resolve("inputs/mask.npy")).ints();
        int keys = 16;
        int width = 3 * heads * D;
        Attention attention = new Attention(keys, heads, heads, D);
        float[] scratch = new float[attention.scratchLength() + SLACK];
        float[] out = new float[q.length];
        for (int batch = 0; batch < 4 / heads; batch++) {
            for (int i = 0; i < CONTEXT; i++) {
                float[] qkv = new float[keys * width + SLACK];
                int[] last = new int[heads];
                for (int h = 0; h < heads; h++) {
                    int matrix = batch * heads + h;
                    int seen = 0;
                    for (int j = 0; j < keys; j++) {
                        if (mask[(matrix * CONTEXT + i) * keys + j] != 0) {
                            int row = seen * width;
                            System.arraycopy(k, (matrix * keys + j) * D, qkv, row + (heads + h) * D, D);
                            System.arraycopy(v, (matrix * keys + j) * D, qkv, row + (2 * heads + h) * D, D);
                            seen++;
                        }
                    }
                    assertThat(seen)
                            .as("keys that query %d of matrix %d sees", i, matrix)
                            .isPositive();
                    last[h] = seen - 1;
                    System.arraycopy(q, (matrix * CONTEXT + i) * D, qkv, last[h] * width + h * D, D);
                }
                float[] o = new float[keys * heads * D + SLACK];
                for (int h = 0; h < heads; h++) {
                    attention.forward(qkv, 0, o, 0, new float[keys * heads], 0, h, scratch, 0);
                    System.arraycopy(o, (last[h] * heads + h) * D, out, ((batch * heads + h) * CONTEXT + i) * D, D);
                }
            }
        }
        return out;
    }

    private static float[] concat(float[] a, float[] b) {
        float[] out = Arrays.copyOf(a, a.length + b.length);
        System.arraycopy(b, 0, out, a.length, b.length);
        return out;
    }

    /** {@code [context][half]} cosines, then as many sines, θ = 10,000. */
    private static float[] angles(int context, int width) {
        int half = width / 2;
        float[] angles = new float[2 * context * half + SLACK];
        for (int t = 0; t < context; t++) {
            for (int i = 0; i < half; i++) {
                double angle = t * Math.pow(10_000, -2.0 * i / width);
                angles[t * half + i] = (float) Math.cos(angle);
                angles[context * half + t * half + i] = (float) Math.sin(angle);
            }
        }
        return angles;
    }

    private static float[] halves(float[] rows) {
        float[] out = new float[rows.length];
        for (int i = 0; i < rows.length; i++) {
            int c = i % D;
            out[i - c + (c % 2 == 0 ? c / 2 : D / 2 + c / 2)] = rows[i];
        }
        return out;
    }
}
