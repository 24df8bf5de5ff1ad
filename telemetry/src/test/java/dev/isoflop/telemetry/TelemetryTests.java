package dev.isoflop.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.context.Context;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TelemetryTests {

    @Test
    void withoutAnEndpointNothingIsMade() {
        for (Map<String, String> settings : List.of(
                Map.<String, String>of(),
                Map.of("otel.exporter.otlp.endpoint", " "),
                Map.of("otel.exporter.otlp.endpoint", "http://127.0.0.1:1", "otel.sdk.disabled", "true"))) {
            try (Telemetry telemetry = Telemetry.start("test", settings::get)) {
                Span span = telemetry.tracer().spanBuilder("x").startSpan();
                assertThat(telemetry.isOn()).isFalse();
                assertThat(TraceParent.of(span)).isNull();
                assertThat(span.isRecording()).isFalse();
            }
        }
    }

    @Test
    void aSpanIsSentToTheEndpointAndNamedAcrossProcesses() throws Exception {
        List<String> paths = new CopyOnWriteArrayList<>();
        HttpServer collector = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        collector.createContext("/", exchange -> {
            exchange.getRequestBody().readAllBytes();
            paths.add(exchange.getRequestMethod() + " " + exchange.getRequestURI());
            exchange.sendResponseHeaders(200, -1);
            exchange.close();
        });
        collector.start();
        String endpoint = "http://127.0.0.1:" + collector.getAddress().getPort();
        try (Telemetry telemetry = Telemetry.start("test", Map.of("otel.exporter.otlp.endpoint", endpoint)::get)) {
            Span parent = telemetry.tracer().spanBuilder("parent").startSpan();
            String name = TraceParent.of(parent);
            assertThat(name).matches("00-[0-9a-f]{32}-[0-9a-f]{16}-0[13]");
            Span child = telemetry
                    .tracer()
                    .spanBuilder("child")
                    .setParent(TraceParent.context(name))
                    .startSpan();
            assertThat(child.getSpanContext().getTraceId())
                    .isEqualTo(parent.getSpanContext().getTraceId());
            try (var scope = child.makeCurrent()) {
                assertThat(scope).isNotNull();
                assertThat(TraceParent.current()).isEqualTo(TraceParent.of(child));
            }
            assertThat(TraceParent.current()).isNull();
            child.end();
            parent.end();
        } finally {
            collector.stop(0);
        }
        assertThat(paths).containsExactly("POST /v1/traces");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "nonsense", "00-0-0-01", "00-00000000000000000000000000000000-0000000000000000-01"})
    void whatIsNoParentIsNone(String text) {
        assertThat(Span.fromContext(TraceParent.context(text)).getSpanContext().isValid())
                .isFalse();
        assertThat(TraceParent.context(null)).isEqualTo(Context.root());
    }
}
