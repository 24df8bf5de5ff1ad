package dev.isoflop.db.run;

import org.jspecify.annotations.Nullable;

/**
 * What a succeeded run leaves in its typed columns. Absent values leave the column as it is.
 *
 * @param resultJson a {@link dev.isoflop.protocol.job.JobResult} as JSON
 * @param steps optimizer steps done
 * @param finalLoss held-out loss, nats per token; absent when it is not finite
 * @param bitsPerByte the same per byte; absent when it is not finite
 * @param tokensPerSecond training tokens per second of training
 * @param diverged whether the loss stopped being finite
 */
public record RunOutcome(
        String resultJson,
        @Nullable Long steps,
        @Nullable Double finalLoss,
        @Nullable Double bitsPerByte,
        @Nullable Double tokensPerSecond,
        boolean diverged) {}
