package dev.isoflop.platform.predictions;

import dev.isoflop.protocol.api.RunState;
import org.jspecify.annotations.Nullable;

/**
 * A run as predictions see it.
 *
 * @param experimentId absent for a run of no experiment
 * @param parameters with embeddings
 * @param nonEmbedding without
 * @param d tokens
 * @param flops C, as its sweep's budgets count it
 * @param begun whether an attempt has ever begun
 */
record PlannedRun(
        long id,
        @Nullable Long experimentId,
        String kind,
        RunState state,
        boolean begun,
        double parameters,
        double nonEmbedding,
        double d,
        double flops,
        @Nullable String comparability) {

    double n(boolean countEmbeddings) {
        return countEmbeddings ? parameters : nonEmbedding;
    }
}
