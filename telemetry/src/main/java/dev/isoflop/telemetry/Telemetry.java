package dev.isoflop.telemetry;

import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.api.trace.TracerProvider;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.autoconfigure.AutoConfiguredOpenTelemetrySdk;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Where this process's traces go: to the OTLP endpoint that is configured, by OpenTelemetry's standard variables, or nowhere.
 *
 * <p>Concurrency: spans are exported by a thread of its own; a collector that is slow or away costs spans, never time.
 */
public final class Telemetry implements AutoCloseable {

    /** OpenTelemetry's own settings, as properties; the variable is the same in capitals with underscores. */
    private static final String ENDPOINT = "otel.exporter.otlp.endpoint";

    private static final String TRACES_ENDPOINT = "otel.exporter.otlp.traces.endpoint";
    private static final String DISABLED = "otel.sdk.disabled";
    private static final String NAME = "dev.isoflop";
    private static final long FLUSH_SECONDS = 5;

    private final @Nullable OpenTelemetrySdk sdk;
    private final Tracer tracer;

    private Telemetry(@Nullable OpenTelemetrySdk sdk) {
        this.sdk = sdk;
        this.tracer = (sdk == null ? TracerProvider.noop() : sdk.getTracerProvider()).get(NAME);
    }

    /** Goes nowhere. */
    public static Telemetry none() {
        return new Telemetry(null);
    }

    /**
     * @param service name of this process among others, unless {@code OTEL_SERVICE_NAME} has one
     * @param settings looks up OpenTelemetry's properties, such as {@code otel.exporter.otlp.endpoint}
     * @return one that goes nowhere if no endpoint is set
     */
    public static Telemetry start(String service, Function<String, @Nullable String> settings) {
        String endpoint = settings.apply(ENDPOINT);
        if ((blank(endpoint) && blank(settings.apply(TRACES_ENDPOINT)))
                || Boolean.parseBoolean(settings.apply(DISABLED))) {
            return none();
        }
        return new Telemetry(AutoConfiguredOpenTelemetrySdk.builder()
                // traces alone: metrics are Prometheus's, and logs go where they are written
                .addPropertiesSupplier(() -> Map.of(
                        "otel.service.name", service,
                        "otel.exporter.otlp.protocol", "http/protobuf",
                        "otel.metrics.exporter", "none",
                        "otel.logs.exporter", "none"))
                .addPropertiesCustomizer(
                        config -> endpoint == null || endpoint.isBlank() ? Map.of() : Map.of(ENDPOINT, endpoint))
                .disableShutdownHook()
                .build()
                .getOpenTelemetrySdk());
    }

    /** As {@link #start(String, Function)} from the environment and Java's system properties. */
    public static Telemetry start(String service) {
        return start(service, property -> {
            String set = System.getProperty(property);
            return set == null ? System.getenv(property.toUpperCase(Locale.ROOT).replace('.', '_')) : set;
        });
    }

    private static boolean blank(@Nullable String text) {
        return text == null || text.isBlank();
    }

    /** Whether spans go anywhere, so that it is worth making them. */
    public boolean isOn() {
        return sdk != null;
    }

    public Tracer tracer() {
        return tracer;
    }

    /** Sends what has ended, for a few seconds at most. May be repeated. */
    @Override
    public void close() {
        if (sdk != null) {
            sdk.getSdkTracerProvider().shutdown().join(FLUSH_SECONDS, TimeUnit.SECONDS);
        }
    }
}
