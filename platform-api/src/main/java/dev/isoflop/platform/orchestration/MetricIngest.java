package dev.isoflop.platform.orchestration;

import dev.isoflop.protocol.runner.MetricAck;
import dev.isoflop.protocol.runner.MetricBatch;

/** Where the points of an attempt go. */
public interface MetricIngest {

    /**
     * Stores a batch, all or nothing, in a transaction of its own that begins with {@link AttemptFence#lock}.
     *
     * @throws dev.isoflop.platform.shared.problem.ProblemException stale-attempt or batch-gap
     */
    MetricAck ingest(long runId, int attempt, MetricBatch batch);
}
