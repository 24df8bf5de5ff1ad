package dev.isoflop.platform.tracing;

import dev.isoflop.telemetry.Telemetry;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.Environment;

/** Traces go where {@code OTEL_EXPORTER_OTLP_ENDPOINT} says, and nowhere without it. */
@Configuration(proxyBeanMethods = false)
class TracingConfiguration {

    @Bean(destroyMethod = "close")
    Telemetry telemetry(Environment environment) {
        return Telemetry.start("isoflop-platform", environment::getProperty);
    }
}
