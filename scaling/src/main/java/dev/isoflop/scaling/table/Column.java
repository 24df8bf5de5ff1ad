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
    RATE("peak learning rate", Law.Input.RATE, List.of("rate", "lr", "learning_rate", "peak_lr", "max_lr")),
    BATCH("tokens a step", Law.Input.BATCH, List.of("batch", "batch_tokens", "batch_size_tokens", "tokens_per_step"));

    private final String meaning;
    private final Law.@Nullable Input further;
    private final List<String> names;

    Column(String meaning, List<String> names) {
        this(meaning, null, names);
    }

    Column(String meaning, Law.@Nullable Input further, List<String> names) {
        this.meaning = meaning;
        this.further = further;
        this.names = names;
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
