package dev.isoflop.platform.tracing;

import dev.isoflop.telemetry.Telemetry;
import dev.isoflop.telemetry.TraceParent;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.Scope;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.regex.Pattern;
import org.slf4j.MDC;
import org.springframework.core.annotation.Order;
import org.springframework.stereotype.Component;
import org.springframework.web.filter.OncePerRequestFilter;
import org.springframework.web.servlet.HandlerMapping;

/**
 * A span for each request that belongs to a trace already, as its {@code traceparent} says, and for each that submits work. Heartbeats, claims
 * and what the dashboard asks have none of their own: there are many, and each by itself says nothing.
 *
 * <p>It comes after the security filters (whose order is -100), so that strangers cannot make traces.
 */
@Component
@Order(0)
class TraceFilter extends OncePerRequestFilter {

    private static final Pattern SUBMITS = Pattern.compile("/api/v1/(sweeps|datasets|schedules/\\d+/fires)");

    private final Telemetry telemetry;

    TraceFilter(Telemetry telemetry) {
        this.telemetry = telemetry;
    }

    @Override
    protected boolean shouldNotFilter(HttpServletRequest request) {
        return !telemetry.isOn();
    }

    @Override
    protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        Context parent = TraceParent.context(request.getHeader(TraceParent.HEADER));
        boolean belongs = Span.fromContext(parent).getSpanContext().isValid();
        if (!belongs
                && !("POST".equals(request.getMethod())
                        && SUBMITS.matcher(request.getRequestURI()).matches())) {
            chain.doFilter(request, response);
            return;
        }
        Span span = telemetry
                .tracer()
                .spanBuilder(request.getMethod())
                .setParent(parent)
                .setSpanKind(SpanKind.SERVER)
                .setAttribute("http.request.method", request.getMethod())
                .setAttribute("url.path", request.getRequestURI())
                .startSpan();
        MDC.put("trace", span.getSpanContext().getTraceId());
        try (Scope _ = span.makeCurrent()) {
            chain.doFilter(request, response);
            span.setAttribute("http.response.status_code", response.getStatus());
            if (response.getStatus() >= 500) {
                span.setStatus(StatusCode.ERROR);
            }
        } catch (ServletException | IOException | RuntimeException e) {
            span.recordException(e).setStatus(StatusCode.ERROR);
            throw e;
        } finally {
            MDC.remove("trace");
            if (request.getAttribute(HandlerMapping.BEST_MATCHING_PATTERN_ATTRIBUTE) instanceof String route) {
                span.setAttribute("http.route", route).updateName(request.getMethod() + " " + route);
            }
            span.end();
        }
    }
}
