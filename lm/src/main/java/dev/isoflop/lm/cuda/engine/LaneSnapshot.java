package dev.isoflop.lm.cuda.engine;

import dev.isoflop.lm.checkpoint.AtomicDirectory;
import dev.isoflop.lm.model.ParameterLayout;
import dev.isoflop.lm.train.TrainerState;
import java.io.IOException;
import java.nio.file.Path;

/**
 * A lane's state copied to the host.
 *
 * @param layout of the tensors
 * @param products how the run's products were computed, JSON of a {@link dev.isoflop.lm.cuda.blas.TuningCache}
 */
public record LaneSnapshot(TrainerState state, ParameterLayout layout, TrainerState.Tensors tensors, String products) {

    /** File of a checkpoint that holds the products. */
    static final String PRODUCTS = "products.json";

    /** Writes it as a checkpoint, whole or not at all; by any thread, while training goes on. */
    public void write(Path dir) throws IOException {
        AtomicDirectory.write(dir, fresh -> {
            state.write(fresh, layout, tensors);
            AtomicDirectory.writeText(fresh.resolve(PRODUCTS), products);
        });
    }
}
