package dev.isoflop.lm.checkpoint;

import dev.isoflop.lm.model.ModelSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** {@code config.json} as the transformers library reads it: LlamaForCausalLM, or Qwen3ForCausalLM when queries and keys are normalised. */
public final class HuggingFaceConfig {

    private static final JsonMapper JSON = JsonMapper.shared();

    private HuggingFaceConfig() {}

    /** The file's text. */
    public static String toJson(ModelSpec spec) {
        ObjectNode root = JSON.createObjectNode();
        root.putArray("architectures").add(spec.qkNorm() ? "Qwen3ForCausalLM" : "LlamaForCausalLM");
        root.put("model_type", spec.qkNorm() ? "qwen3" : "llama");
        root.put("vocab_size", spec.vocabSize());
        root.put("max_position_embeddings", spec.contextLength());
        root.put("hidden_size", spec.dModel());
        root.put("intermediate_size", spec.dFf());
        root.put("num_hidden_layers", spec.layers());
        root.put("num_attention_heads", spec.heads());
        root.put("num_key_value_heads", spec.kvHeads());
        root.put("head_dim", spec.headDim());
        root.put("hidden_act", "silu");
        root.put("rms_norm_eps", spec.normEps());
        root.put("rope_theta", spec.ropeTheta());
        root.put("attention_bias", false);
        root.put("attention_dropout", 0.0);
        if (!spec.qkNorm()) {
            root.put("mlp_bias", false);
        }
        root.put("tie_word_embeddings", spec.tiedEmbeddings());
        root.put("initializer_range", 0.02);
        root.put("use_cache", true);
        root.put("torch_dtype", "float32");
        return JSON.writerWithDefaultPrettyPrinter().writeValueAsString(root) + "\n";
    }

    /** @throws CorruptCheckpointException if the file is not a configuration this engine can run, saying which field */
    public static ModelSpec read(Path file) throws IOException {
        JsonNode root;
        try {
            root = JSON.readTree(Files.readString(file));
        } catch (JacksonException e) {
            throw new CorruptCheckpointException(file + " is not JSON", e);
        }
        String type = root.path("model_type").asString("");
        if (!type.equals("llama") && !type.equals("qwen3")) {
            throw new CorruptCheckpointException(file + ": model_type is '" + type + "'; llama and qwen3 can be read");
        }
        int heads = integer(root, "num_attention_heads", file);
        int hidden = integer(root, "hidden_size", file);
        if (root.path("head_dim").isNumber() && root.path("head_dim").asInt() * heads != hidden) {
            throw new CorruptCheckpointException(
                    file + ": head_dim times num_attention_heads is not hidden_size, which this engine needs");
        }
        if (root.path("attention_bias").asBoolean(false)
                || root.path("mlp_bias").asBoolean(false)) {
            throw new CorruptCheckpointException(file + ": biases are not supported");
        }
        try {
            return new ModelSpec(
                    integer(root, "vocab_size", file),
                    integer(root, "max_position_embeddings", file),
                    hidden,
                    integer(root, "num_hidden_layers", file),
                    heads,
                    root.path("num_key_value_heads").asInt(heads),
                    integer(root, "intermediate_size", file),
                    root.path("rope_theta").asDouble(10_000.0),
                    root.path("rms_norm_eps").asDouble(1e-6),
                    root.path("tie_word_embeddings").asBoolean(false),
                    type.equals("qwen3"));
        } catch (IllegalArgumentException e) {
            throw new CorruptCheckpointException(file + ": " + e.getMessage(), e);
        }
    }

    private static int integer(JsonNode root, String field, Path file) throws CorruptCheckpointException {
        JsonNode node = root.path(field);
        if (!node.isInt()) {
            throw new CorruptCheckpointException(file + ": " + field + " is missing or not a whole number");
        }
        return node.asInt();
    }
}
