package dev.isoflop.platform.metrics;

import dev.isoflop.db.metric.AppendOutcome;
import dev.isoflop.db.metric.MetricStore;
import dev.isoflop.platform.orchestration.AttemptFence;
import dev.isoflop.platform.orchestration.MetricIngest;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.protocol.error.ErrorCode;
import dev.isoflop.protocol.error.Problem;
import dev.isoflop.protocol.runner.MetricAck;
import dev.isoflop.protocol.runner.MetricBatch;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.List;
import org.springframework.context.ApplicationEventPublisher;
import org.springframework.stereotype.Service;

/** Stores batches behind the fence and passes the progress on to whoever watches. */
@Service
class MetricIngestService implements MetricIngest {

    private final MetricStore store;
    private final AttemptFence fence;
    private final ApplicationEventPublisher events;
    private final Counter points;

    MetricIngestService(
            MetricStore store, AttemptFence fence, ApplicationEventPublisher events, MeterRegistry registry) {
        this.store = store;
        this.fence = fence;
        this.events = events;
        this.points = Counter.builder("isoflop.metric.points")
                .description("Points of metrics stored; repeated batches do not count")
                .register(registry);
    }

    @Override
    public MetricAck ingest(long runId, int attempt, MetricBatch batch) {
        return switch (store.append(runId, attempt, batch, () -> fence.lock(runId, attempt))) {
            case AppendOutcome.Appended(long nextSeq, int accepted, AppendOutcome.Progress progress) -> {
                points.increment(accepted);
                events.publishEvent(
                        new RunProgressed(runId, progress.step(), progress.trainLoss(), progress.tokensPerSecond()));
                yield new MetricAck(nextSeq, accepted);
            }
            case AppendOutcome.Repeated(long nextSeq) -> new MetricAck(nextSeq, 0);
            case AppendOutcome.Gap(long expectedSeq) ->
                throw new ProblemException(
                        ErrorCode.BATCH_GAP,
                        "Batch %d of attempt %d cannot be stored before batch %d."
                                .formatted(batch.seq(), attempt, expectedSeq),
                        List.of(),
                        expectedSeq);
            case AppendOutcome.Invalid(String pointer, String message) ->
                throw new ProblemException(
                        ErrorCode.INVALID_REQUEST,
                        pointer + ": " + message + ".",
                        List.of(new Problem.FieldError(pointer, message, null, null)));
            case AppendOutcome.UnknownAttempt() ->
                throw new ProblemException(ErrorCode.NOT_FOUND, "Run %d has no attempt %d.".formatted(runId, attempt));
        };
    }
}
