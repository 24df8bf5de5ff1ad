package dev.isoflop.scaling.table;

import java.util.List;
import java.util.Locale;

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
    WEIGHT("weight", List.of("weight"));

    private final String meaning;
    private final List<String> names;

    Column(String meaning, List<String> names) {
        this.meaning = meaning;
        this.names = names;
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
