package dev.isoflop.runner.platform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.sun.net.httpserver.HttpServer;
import dev.isoflop.protocol.error.ErrorCode;
import dev.isoflop.protocol.runner.Heartbeat;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A page of a proxy, or of a server that is going down, refuses nothing for good: only the platform's own word does. */
class ForeignAnswerTests {

    private HttpServer server;
    private volatile int status = 400;
    private volatile String body = "";

    @BeforeEach
    void start() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
            exchange.getRequestBody().readAllBytes();
            exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
            exchange.getResponseBody().write(bytes);
            exchange.close();
        });
        server.start();
    }

    @AfterEach
    void stop() {
        server.stop(0);
    }

    private PlatformException refused() {
        try (PlatformClient client = new PlatformClient(
                URI.create("http://127.0.0.1:" + server.getAddress().getPort()), "isf_x", Duration.ofSeconds(5))) {
            return catchThrowableOfType(
                    PlatformException.class,
                    () -> client.api().heartbeat(1, new Heartbeat("1", 0, List.of(), List.of())));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "<html><h1>HTTP Status 400 – Bad Request</h1></html>", "{\"message\":\"no upstream\"}"})
    void aStrangersPageIsAskedAgain(String page) {
        body = page;
        assertThat(refused().isTransient()).isTrue();
        status = 404;
        assertThat(refused().isTransient()).isTrue();
    }

    @Test
    void whatAStrangerForbidsIsForbidden() {
        status = 403;
        body = "<html>Forbidden</html>";
        assertThat(refused().isTransient()).isFalse();
    }

    @Test
    void thePlatformsOwnRefusalIsFinal() {
        body = "{\"type\":\"/problems/invalid-request\",\"title\":\"t\",\"status\":400,\"code\":\"invalid-request\"}";
        PlatformException refused = refused();
        assertThat(refused.code()).isEqualTo(ErrorCode.INVALID_REQUEST);
        assertThat(refused.isTransient()).isFalse();
    }

    @Test
    void soIsOneOfAPlatformThatKnowsMoreCodes() {
        body = "{\"type\":\"/problems/new\",\"title\":\"t\",\"status\":400,\"code\":\"not-known-here\"}";
        assertThat(refused().isTransient()).isFalse();
    }
}
