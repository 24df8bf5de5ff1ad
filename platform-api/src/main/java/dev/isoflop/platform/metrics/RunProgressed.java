package dev.isoflop.platform.metrics;

import org.jspecify.annotations.Nullable;

/**
 * A batch of a run's points has been committed. Published as an application event, on the thread of the runner's
 * request: listeners only take note.
 *
 * @param step last step of the batch, absent from an empty one
 * @param trainLoss newest training loss of the batch, nats per token, if it has a finite one
 * @param tokensPerSecond newest speed of the batch, if it has one
 */
public record RunProgressed(
        long runId,
        @Nullable Long step,
        @Nullable Double trainLoss,
        @Nullable Double tokensPerSecond) {}
