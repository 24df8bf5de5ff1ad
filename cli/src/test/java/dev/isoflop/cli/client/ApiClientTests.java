package dev.isoflop.cli.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import dev.isoflop.protocol.api.Page;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.core.type.TypeReference;

class ApiClientTests {

    private final AtomicInteger requests = new AtomicInteger();
    private HttpServer server;
    private volatile int refusals;

    @BeforeEach
    void start() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            boolean refused = requests.incrementAndGet() <= refusals;
            byte[] body = (refused ? "{\"status\":429,\"code\":\"too-many-requests\"}" : "{}")
                    .getBytes(StandardCharsets.UTF_8);
            if (refused) {
                exchange.getResponseHeaders().set("Retry-After", "1");
            }
            exchange.sendResponseHeaders(refused ? 429 : 200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
    }

    @AfterEach
    void stop() {
        server.stop(0);
    }

    private ApiClient client() {
        return new ApiClient(
                URI.create("http://127.0.0.1:" + server.getAddress().getPort()), "isf_x");
    }

    @Test
    void whoIsTurnedAwayComesBackWhenItWasTold() {
        refusals = 2;
        long began = System.nanoTime();
        assertThat(client().post("/x", Map.of(), "key", Map.class)).isEmpty();
        assertThat(Duration.ofNanos(System.nanoTime() - began))
                .isBetween(Duration.ofSeconds(2), Duration.ofSeconds(10));
        assertThat(requests).hasValue(3);
    }

    @Test
    void itIsToldInTheEnd() {
        refusals = Integer.MAX_VALUE;
        assertThatThrownBy(() -> client().get("/x", Map.class)).isInstanceOf(ApiException.class);
        assertThat(requests).hasValue(5);
    }

    @Test
    void aListIsFetchedPageByPageAndNoFurtherThanItIsRead() {
        List<String> asked = new CopyOnWriteArrayList<>();
        server.createContext("/api/v1/letters", exchange -> {
            String query = exchange.getRequestURI().getRawQuery();
            asked.add(query);
            String page =
                    query.endsWith("after=b%2B") ? "{\"items\":[\"c\"]}" : "{\"items\":[\"a\",\"b\"],\"next\":\"b+\"}";
            byte[] body = page.getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        TypeReference<Page<String>> letters = new TypeReference<>() {};
        assertThat(client().all("/letters?limit=2", letters)).containsExactly("a", "b", "c");
        assertThat(asked).containsExactly("limit=2", "limit=2&after=b%2B");
        asked.clear();
        assertThat(client().all("/letters?limit=2", letters).limit(2)).containsExactly("a", "b");
        assertThat(asked).containsExactly("limit=2");
    }
}
