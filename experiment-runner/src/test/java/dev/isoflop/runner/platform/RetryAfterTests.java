package dev.isoflop.runner.platform;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import dev.isoflop.protocol.runner.Directives;
import dev.isoflop.protocol.runner.Heartbeat;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A platform that has too many requests says when to come back, and is left alone until then. */
@Timeout(30)
class RetryAfterTests {

    private final AtomicInteger requests = new AtomicInteger();
    private HttpServer server;
    private volatile String retryAfter = "2";

    @BeforeEach
    void start() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            boolean first = requests.incrementAndGet() == 1;
            byte[] body = (first
                            ? "{\"type\":\"/problems/too-many-requests\",\"title\":\"t\",\"status\":429,\"code\":\"too-many-requests\"}"
                            : "{\"desired\":[]}")
                    .getBytes(StandardCharsets.UTF_8);
            exchange.getRequestBody().readAllBytes();
            exchange.getResponseHeaders().set("Content-Type", first ? "application/problem+json" : "application/json");
            if (first) {
                exchange.getResponseHeaders().set("Retry-After", retryAfter);
            }
            exchange.sendResponseHeaders(first ? 429 : 200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
    }

    @AfterEach
    void stop() {
        server.stop(0);
    }

    private Duration heartbeat() {
        PlatformClient client = new PlatformClient(
                URI.create("http://127.0.0.1:" + server.getAddress().getPort()), "isf_x", Duration.ofSeconds(5));
        Retry retry = new Retry(Duration.ofMillis(10), Duration.ofMillis(20));
        long began = System.nanoTime();
        Directives answer = retry.untilAnswered(
                        "heartbeat",
                        () -> false,
                        () -> client.api().heartbeat(1, new Heartbeat("1", 0, List.of(), List.of())))
                .orElseThrow();
        assertThat(answer).isNotNull();
        return Duration.ofNanos(System.nanoTime() - began);
    }

    @Test
    void aRunnerComesBackWhenItWasTold() {
        assertThat(heartbeat()).isBetween(Duration.ofSeconds(2), Duration.ofSeconds(5));
        assertThat(requests).hasValue(2);
    }

    @Test
    void whatIsNoNumberOfSecondsIsNotWaitedFor() {
        retryAfter = "Wed, 21 Oct 2099 07:28:00 GMT";
        assertThat(heartbeat()).isLessThan(Duration.ofSeconds(2));
    }
}
