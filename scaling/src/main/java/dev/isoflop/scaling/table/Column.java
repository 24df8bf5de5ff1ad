package dev.isoflop.scaling.table;

import dev.isoflop.scaling.law.Law;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What a fit can use of a table, and the names that people give it. */
public enum Column {
    N("parameters", List.of("n", "params", "parameters", "n_params", "num_params", "model_size", "size")),
    D("training tokens", List.of("d", "tokens", "n_tokens", "num_tokens", "train_tokens", "training_tokens")),
    C(
            "training FLOPs",
            List.of("c", "flops", "flop", "train_flops", "training_flop", "training_flops", "compute"),
            // what a run was planned with, which it need not have spent to the last FLOP
            List.of("compute_budget", "budget")),
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

    // what is measured of a task instead of the loss
    BPB("bits per byte", Use.ASKED, List.of("bpb", "bits_per_byte", "task_bpb")),
    ACCURACY("accuracy, a share", Use.ASKED, List.of("accuracy", "acc", "task_accuracy")),

    // what no law uses, and what can be said against a fit by it
    N_TOTAL(
            "parameters with embeddings",
            Use.NOTE,
            List.of("n_total", "total_params", "total_parameters", "params_total", "parameters_total")),
    N_NON_EMBEDDING(
            "parameters without embeddings",
            Use.NOTE,
            List.of(
                    "n_non_embedding",
                    "n_nonembedding",
                    "n_non_emb",
                    "non_embedding_params",
                    "non_embedding_parameters",
                    "params_non_embedding",
                    "parameters_non_embedding")),
    VOCABULARY("size of the vocabulary", Use.NOTE, List.of("vocabulary", "vocab", "vocab_size", "vocabulary_size")),
    WARMUP_TOKENS("tokens of warm-up", Use.NOTE, List.of("warmup_tokens", "tokens_warmup", "lr_warmup_tokens")),
    WARMUP_STEPS("steps of warm-up", Use.NOTE, List.of("warmup_steps", "num_warmup_steps", "lr_warmup_steps")),
    STEPS("steps of training", Use.NOTE, List.of("steps", "n_steps", "num_steps", "train_steps", "max_steps")),
    WARMUP_SHARE(
            "share of training that is warm-up",
            Use.NOTE,
            List.of("warmup_share", "warmup_ratio", "warmup_fraction", "warmup_frac")),
    SCHEDULE("learning rate schedule", Use.NOTE, List.of("schedule", "lr_schedule", "scheduler", "lr_scheduler")),
    SCHEDULE_TOKENS(
            "tokens that the schedule was made for",
            Use.NOTE,
            List.of("schedule_tokens", "lr_schedule_tokens", "decay_tokens", "planned_tokens")),
    LR_FINAL("learning rate at the end", Use.NOTE, List.of("lr_final", "final_lr", "lr_end", "end_lr")),
    COMPARABILITY(
            "hash of all that must agree",
            Use.NOTE,
            List.of("comparability", "comparability_hash", "hash", "fit_hash")),
    TOKENIZER("tokenizer", Use.NOTE, List.of("tokenizer", "tokenizer_hash", "tokenizer_name")),
    DATASET("training data", Use.NOTE, List.of("dataset", "data", "dataset_id", "corpus", "train_data")),
    EVAL_SET(
            "evaluation data",
            Use.NOTE,
            List.of("eval_set", "eval_data", "eval_dataset", "validation_set", "test_set")),
    PRECISION("precision", Use.NOTE, List.of("precision", "dtype")),
    SEQ_LEN("context", Use.NOTE, List.of("seq_len", "context", "context_length", "sequence_length", "block_size")),
    TASK("task", Use.NOTE, List.of("task", "task_name", "benchmark")),
    MODEL("model", Use.NOTE, List.of("model", "model_name")),
    DIVERGED("whether it diverged", Use.NOTE, List.of("diverged"));

    /** When a column is read. */
    private enum Use {
        /** Of every table that has it. */
        ALWAYS,
        /** By what asks for it. */
        ASKED,
        /** As text that may be missing. */
        NOTE
    }

    private final String meaning;
    private final Law.@Nullable Input further;
    private final Use use;
    private final List<String> names;
    private final List<String> lesserNames;

    Column(String meaning, List<String> names) {
        this(meaning, null, Use.ALWAYS, names, List.of());
    }

    Column(String meaning, List<String> names, List<String> lesserNames) {
        this(meaning, null, Use.ALWAYS, names, lesserNames);
    }

    Column(String meaning, Use use, List<String> names) {
        this(meaning, null, use, names, List.of());
    }

    Column(String meaning, Law.Input further, List<String> names) {
        this(meaning, further, Use.ASKED, names, List.of());
    }

    Column(String meaning, Law.@Nullable Input further, Use use, List<String> names, List<String> lesserNames) {
        this.meaning = meaning;
        this.further = further;
        this.use = use;
        this.names = names;
        this.lesserNames = lesserNames;
    }

    /** Whether it says of a run what no law uses: text that {@link Notes} has, and that may be missing. */
    public boolean isNote() {
        return use == Use.NOTE;
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
        return Stream.concat(names.stream(), lesserNames.stream()).toList();
    }

    /** Those of a header that may be it. A lesser name counts only where there is no other: what was planned, where nothing says what was done. */
    List<String> among(List<String> header) {
        List<String> found =
                header.stream().filter(name -> names.contains(plain(name))).toList();
        return found.isEmpty()
                ? header.stream()
                        .filter(name -> lesserNames.contains(plain(name)))
                        .toList()
                : found;
    }

    boolean isNamed(String header) {
        return names().contains(plain(header));
    }

    private static String plain(String header) {
        return header.strip().toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "_");
    }
}
