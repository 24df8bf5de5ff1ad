package dev.isoflop.scaling.table;

import dev.isoflop.scaling.law.Law;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What a fit can use of a table, and the names that people give it. */
public enum Column {
    N("parameters", List.of("n", "params", "parameters", "n_params", "num_params", "model_size", "size")),
    D("training tokens", List.of("d", "tokens", "n_tokens", "num_tokens", "train_tokens", "training_tokens")),
    C(
            "training FLOPs",
            List.of(
                    "c",
                    "flops",
                    "flop",
                    "train_flops",
                    "training_flop",
                    "training_flops",
                    "compute",
                    "compute_budget",
                    "budget")),
    LOSS("loss in nats", List.of("loss", "final_loss", "val_loss", "eval_loss", "validation_loss", "test_loss")),
    GROUP("run that a checkpoint is of", List.of("run", "run_id", "group", "series")),
    WEIGHT("weight", List.of("weight")),
    U("distinct training tokens", Law.Input.U, List.of("u", "unique_tokens", "distinct_tokens", "unique")),
    ACTIVE(
            "active parameters",
            Law.Input.ACTIVE,
            List.of("active", "na", "n_active", "active_params", "active_parameters", "params_active")),
    WIDTH("width", Law.Input.WIDTH, List.of("width", "d_model", "hidden_size", "n_embd")),
    DEPTH("layers", Law.Input.DEPTH, List.of("depth", "layers", "n_layers", "num_layers", "n_layer")),
    RATE("peak learning rate", Law.Input.RATE, List.of("rate", "lr", "learning_rate", "peak_lr", "lr_peak", "max_lr")),
    BATCH("tokens a step", Law.Input.BATCH, List.of("batch", "batch_tokens", "batch_size_tokens", "tokens_per_step")),

    // what no law uses, and what can be said against a fit by it
    N_TOTAL(
            "parameters with embeddings",
            true,
            List.of("n_total", "total_params", "total_parameters", "params_total", "parameters_total")),
    N_NON_EMBEDDING(
            "parameters without embeddings",
            true,
            List.of(
                    "n_non_embedding",
                    "n_nonembedding",
                    "n_non_emb",
                    "non_embedding_params",
                    "non_embedding_parameters",
                    "params_non_embedding",
                    "parameters_non_embedding")),
    VOCABULARY("size of the vocabulary", true, List.of("vocabulary", "vocab", "vocab_size", "vocabulary_size")),
    WARMUP_TOKENS("tokens of warm-up", true, List.of("warmup_tokens", "tokens_warmup", "lr_warmup_tokens")),
    WARMUP_STEPS("steps of warm-up", true, List.of("warmup_steps", "num_warmup_steps", "lr_warmup_steps")),
    STEPS("steps of training", true, List.of("steps", "n_steps", "num_steps", "train_steps", "max_steps")),
    WARMUP_SHARE(
            "share of training that is warm-up",
            true,
            List.of("warmup_share", "warmup_ratio", "warmup_fraction", "warmup_frac")),
    SCHEDULE("learning rate schedule", true, List.of("schedule", "lr_schedule", "scheduler", "lr_scheduler")),
    SCHEDULE_TOKENS(
            "tokens that the schedule was made for",
            true,
            List.of("schedule_tokens", "lr_schedule_tokens", "decay_tokens", "planned_tokens")),
    LR_FINAL("learning rate at the end", true, List.of("lr_final", "final_lr", "lr_end", "end_lr")),
    COMPARABILITY(
            "hash of all that must agree", true, List.of("comparability", "comparability_hash", "hash", "fit_hash")),
    TOKENIZER("tokenizer", true, List.of("tokenizer", "tokenizer_hash", "tokenizer_name")),
    DATASET("training data", true, List.of("dataset", "data", "dataset_id", "corpus", "train_data")),
    EVAL_SET("evaluation data", true, List.of("eval_set", "eval_data", "eval_dataset", "validation_set", "test_set")),
    PRECISION("precision", true, List.of("precision", "dtype")),
    SEQ_LEN("context", true, List.of("seq_len", "context", "context_length", "sequence_length", "block_size"));

    private final String meaning;
    private final Law.@Nullable Input further;
    private final boolean note;
    private final List<String> names;

    Column(String meaning, List<String> names) {
        this(meaning, null, false, names);
    }

    Column(String meaning, boolean note, List<String> names) {
        this(meaning, null, note, names);
    }

    Column(String meaning, Law.@Nullable Input further, List<String> names) {
        this(meaning, further, false, names);
    }

    Column(String meaning, Law.@Nullable Input further, boolean note, List<String> names) {
        this.meaning = meaning;
        this.further = further;
        this.note = note;
        this.names = names;
    }

    /** Whether it says of a run what no law uses: text that {@link Notes} has, and that may be missing. */
    public boolean isNote() {
        return note;
    }

    /** The input of some laws that it is, beside N, D and C; empty for a column that every law uses alike. */
    public Optional<Law.Input> further() {
        return Optional.ofNullable(further);
    }

    /** Columns that a law needs beside those of every table. */
    public static List<Column> of(Law law) {
        return Arrays.stream(values())
                .filter(column -> column.further != null && law.inputs().contains(column.further))
                .toList();
    }

    public String meaning() {
        return meaning;
    }

    /** Names that are understood, the usual one first. */
    public List<String> names() {
        return names;
    }

    boolean isNamed(String header) {
        String plain = header.strip().toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "_");
        return names.contains(plain);
    }
}
