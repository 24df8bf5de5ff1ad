package dev.isoflop.platform.tracing;

import dev.isoflop.telemetry.Telemetry;
import dev.isoflop.telemetry.TraceParent;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.context.Scope;
import java.time.Instant;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;
import org.springframework.transaction.support.TransactionSynchronization;
import org.springframework.transaction.support.TransactionSynchronizationManager;

/** Spans of what the platform does for runs; nothing is done where traces go nowhere. */
@Component
public class Traces {

    private final Telemetry telemetry;

    Traces(Telemetry telemetry) {
        this.telemetry = telemetry;
    }

    /**
     * A run has been granted, if the surrounding transaction commits.
     *
     * @param submission traceparent of the run's submission; without one the claim begins a trace
     * @param begun when the claim came in
     * @return traceparent for the attempt
     */
    public @Nullable String granted(
            long runId, int attempt, long runnerId, @Nullable String submission, Instant begun) {
        if (!telemetry.isOn()) {
            return submission;
        }
        Span span = telemetry
                .tracer()
                .spanBuilder("claim")
                .setParent(TraceParent.context(submission))
                .setStartTimestamp(begun)
                .setAttribute("isoflop.run", runId)
                .setAttribute("isoflop.attempt", attempt)
                .setAttribute("isoflop.runner", runnerId)
                .startSpan();
        // a grant that is rolled back never was: its span is not ended, and so not exported
        TransactionSynchronizationManager.registerSynchronization(new TransactionSynchronization() {
            @Override
            public void afterCommit() {
                span.end();
            }
        });
        return TraceParent.of(span);
    }

    /** Begins a trace with work that nobody's request has asked for; runs that are queued within belong to it. */
    public <T> T root(String name, Supplier<T> work) {
        if (!telemetry.isOn()) {
            return work.get();
        }
        Span span = telemetry.tracer().spanBuilder(name).setNoParent().startSpan();
        try (Scope _ = span.makeCurrent()) {
            return work.get();
        } catch (RuntimeException e) {
            span.recordException(e).setStatus(StatusCode.ERROR);
            throw e;
        } finally {
            span.end();
        }
    }
}
