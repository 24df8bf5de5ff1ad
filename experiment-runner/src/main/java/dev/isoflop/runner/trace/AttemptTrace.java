package dev.isoflop.runner.trace;

import dev.isoflop.protocol.runner.ClaimGrant;
import dev.isoflop.telemetry.Telemetry;
import dev.isoflop.telemetry.TraceParent;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanBuilder;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.Scope;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The span of one attempt, a child of its claim, and those of its phases and requests. Where nothing is traced every method does nothing.
 *
 * <p>Concurrency: safe for any number of threads.
 */
public final class AttemptTrace {

    private final Telemetry telemetry;
    private final Span attempt;
    private final Context inside;
    private final Thinning thinning = new Thinning(System::nanoTime);

    private AttemptTrace(Telemetry telemetry, Span attempt) {
        this.telemetry = telemetry;
        this.attempt = attempt;
        this.inside = Context.root().with(attempt);
    }

    public static AttemptTrace begin(Telemetry telemetry, ClaimGrant.Assignment assignment) {
        if (!telemetry.isOn()) {
            return new AttemptTrace(telemetry, Span.getInvalid());
        }
        Span span = telemetry
                .tracer()
                .spanBuilder("attempt")
                .setParent(TraceParent.context(assignment.traceParent()))
                .setAttribute("isoflop.run", assignment.runId())
                .setAttribute("isoflop.run.name", assignment.name())
                .setAttribute("isoflop.attempt", assignment.attempt())
                .startSpan();
        return new AttemptTrace(telemetry, span);
    }

    /** @param name one of a few, such as {@code evaluate}: of each there may be many, of which only some are kept */
    public Phase phase(String name) {
        return telemetry.isOn() && thinning.keeps(name)
                ? new Recorded(span(name, SpanKind.INTERNAL).startSpan())
                : Phase.NONE;
    }

    /** How long a phase that goes on and on should be before another takes its place. */
    public long cutNanos() {
        return thinning.cutNanos();
    }

    /** A request to the platform, which learns what it belongs to. */
    public <T> T request(String name, Supplier<T> call) {
        if (!telemetry.isOn() || !thinning.keeps(name)) {
            return call.get();
        }
        Span span = span(name, SpanKind.CLIENT).startSpan();
        try (Scope _ = span.makeCurrent()) {
            return call.get();
        } catch (RuntimeException e) {
            span.recordException(e).setStatus(StatusCode.ERROR);
            throw e;
        } finally {
            span.end();
        }
    }

    /** As {@link #request(String, Supplier)} for one without an answer. */
    public void request(String name, Runnable call) {
        request(name, () -> {
            call.run();
            return Boolean.TRUE;
        });
    }

    /**
     * The attempt is over.
     *
     * @param outcome in a word
     * @param failure what it failed of, if it did
     */
    public void end(String outcome, @Nullable String failure) {
        attempt.setAttribute("isoflop.outcome", outcome);
        if (failure != null) {
            attempt.setStatus(StatusCode.ERROR, failure);
        }
        attempt.end();
    }

    private SpanBuilder span(String name, SpanKind kind) {
        return telemetry.tracer().spanBuilder(name).setParent(inside).setSpanKind(kind);
    }

    private record Recorded(Span span) implements Phase {

        @Override
        public Phase with(String name, long value) {
            span.setAttribute("isoflop." + name, value);
            return this;
        }

        @Override
        public void close() {
            span.end();
        }
    }
}
