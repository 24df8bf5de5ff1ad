package dev.isoflop.db.run;

import org.jspecify.annotations.Nullable;

/**
 * A run to be queued. The units are those of {@link dev.isoflop.protocol.api.Views.Run}.
 *
 * @param sweepId sweep it belongs to; absent for data runs
 * @param name unique within the sweep
 * @param kind such as {@code pretrain}
 * @param specJson a {@link dev.isoflop.protocol.job.JobSpec} as JSON
 * @param pool runners that may execute it
 * @param priority larger goes first
 * @param waitsFor run that has to succeed before
 * @param memoryBytes estimate of what it needs, matched against a runner's free memory; 0 when unknown
 * @param size what it costs, all zeros where the kind has no such thing
 * @param seed seed of the run
 * @param learningRate peak learning rate
 * @param comparability hash of tokenizer, data, evaluation and precision
 * @param retries the three budgets
 */
public record NewRun(
        @Nullable Long sweepId,
        String name,
        String kind,
        String specJson,
        String pool,
        int priority,
        @Nullable Long waitsFor,
        long memoryBytes,
        Size size,
        @Nullable Long seed,
        @Nullable Double learningRate,
        @Nullable String comparability,
        Retries retries) {

    /**
     * @param parameters N with embeddings
     * @param nonEmbeddingParameters N without them
     * @param tokens D
     * @param flops C by the sweep's convention
     * @param flopsExact C counted matrix by matrix
     * @param budget compute budget it belongs to
     * @param tokensPerStep tokens of one optimizer step
     * @param steps optimizer steps
     */
    public record Size(
            long parameters,
            long nonEmbeddingParameters,
            long tokens,
            double flops,
            double flopsExact,
            double budget,
            long tokensPerStep,
            long steps) {

        public static final Size NONE = new Size(0, 0, 0, 0, 0, 0, 0, 0);
    }

    public record Retries(int failures, int preemptions, int infrastructure) {

        public static final Retries DEFAULT = new Retries(2, 100, 10);
    }
}
