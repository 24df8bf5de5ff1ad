package dev.isoflop.lm.cpu;

import dev.isoflop.lm.model.ModelSpec;
import dev.isoflop.lm.model.ParameterLayout;
import dev.isoflop.lm.support.Npy;
import dev.isoflop.lm.support.Shared;
import java.nio.file.Path;
import java.util.Map;

/**
 * The CS336 substitute model: names of the course mapped to ours. The course rotates interleaved pairs (2i, 2i + 1), we rotate
 * (i, i + half); so rows of q and k are permuted within each head on the way in, and gradients on the way out.
 */
final class SubstituteModel {

    static final ModelSpec SPEC = new ModelSpec(512, 16, 64, 3, 4, 4, 128, 10_000, 1e-5, false, false);
    static final int BATCH = 4;
    static final int CONTEXT = 12;

    final Path dir = Shared.require("cs336/assignment1-basics/substitute-lm");
    final CpuModel model;

    SubstituteModel(int threads) {
        model = new CpuModel(new MemoryPlan(SPEC, BATCH, CONTEXT, threads));
        for (ParameterLayout.Tensor t : model.plan().layout().tensors()) {
            float[] values = expected("weights", t);
            System.arraycopy(values, 0, model.parameters(), t.offset(), t.length());
        }
        model.parametersChanged();
        int[] in = Npy.read(dir.resolve("input_ids.npy")).ints();
        int[] out = Npy.read(dir.resolve("targets.npy")).ints();
        model.setBatch(in, out, BATCH);
    }

    /** The golden tensor in our row order. */
    float[] expected(String folder, ParameterLayout.Tensor t) {
        float[] values = Npy.read(dir.resolve(folder).resolve(courseName(t.name()) + ".npy"))
                .floats();
        if (t.name().contains("q_proj") || t.name().contains("k_proj")) {
            return halfSplit(values, t.rows(), t.columns(), SPEC.headDim());
        }
        return values;
    }

    static float[] halfSplit(float[] w, int rows, int columns, int headDim) {
        float[] out = new float[w.length];
        for (int r = 0; r < rows; r++) {
            int within = r % headDim;
            int from = r - within + (within < headDim / 2 ? 2 * within : 2 * (within - headDim / 2) + 1);
            System.arraycopy(w, from * columns, out, r * columns, columns);
        }
        return out;
    }

    private static String courseName(String name) {
        String s = name;
        for (Map.Entry<String, String> e : Map.ofEntries(
                        Map.entry("model.embed_tokens", "token_embeddings"),
                        Map.entry("model.norm", "ln_final"),
                        Map.entry("model.layers", "layers"),
                        Map.entry("input_layernorm", "ln1"),
                        Map.entry("post_attention_layernorm", "ln2"),
                        Map.entry("self_attn.o_proj", "attn.output_proj"),
                        Map.entry("self_attn", "attn"),
                        Map.entry("mlp.gate_proj", "ffn.w1"),
                        Map.entry("mlp.down_proj", "ffn.w2"),
                        Map.entry("mlp.up_proj", "ffn.w3"))
                .entrySet()
                .stream()
                .sorted((a, b) -> b.getKey().length() - a.getKey().length())
                .toList()) {
            s = s.replace(e.getKey(), e.getValue());
        }
        return s;
    }
}
