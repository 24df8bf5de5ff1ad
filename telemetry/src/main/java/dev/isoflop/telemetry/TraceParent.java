package dev.isoflop.telemetry;

import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.TextMapGetter;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A span as others may name it as their parent: W3C's {@code traceparent}, such as {@code
 * 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01}.
 */
public final class TraceParent {

    /** The header it travels in. */
    public static final String HEADER = "traceparent";

    private static final TextMapGetter<String> ONE = new TextMapGetter<>() {
        @Override
        public Iterable<String> keys(String carrier) {
            return List.of(HEADER);
        }

        @Override
        public @Nullable String get(@Nullable String carrier, String key) {
            return HEADER.equals(key) ? carrier : null;
        }
    };

    private TraceParent() {}

    /** Of the span that this thread works for; null if it works for none. */
    public static @Nullable String current() {
        return of(Span.current());
    }

    /** Null if the span is none that others could name. */
    public static @Nullable String of(Span span) {
        if (!span.getSpanContext().isValid()) {
            return null;
        }
        Map<String, String> headers = new HashMap<>();
        W3CTraceContextPropagator.getInstance()
                .inject(Context.root().with(span), headers, (carrier, name, value) -> headers.put(name, value));
        return headers.get(HEADER);
    }

    /** What a span has for its parent; the root if the text is absent or no {@code traceparent}. */
    public static Context context(@Nullable String traceParent) {
        return traceParent == null
                ? Context.root()
                : W3CTraceContextPropagator.getInstance().extract(Context.root(), traceParent, ONE);
    }
}
