package dev.isoflop.cli;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A platform on loopback that answers as a test says. */
final class FakePlatform implements AutoCloseable {

    /** @param path with its query, below /api/v1 */
    record Asked(String method, String path, String body, HttpExchange exchange) {

        @Nullable
        String header(String name) {
            return exchange.getRequestHeaders().getFirst(name);
        }
    }

    record Answer(int status, String body) {}

    private final HttpServer server;

    private FakePlatform(HttpServer server) {
        this.server = server;
    }

    static FakePlatform answering(Function<Asked, Answer> answers) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            Answer answer = answers.apply(new Asked(
                    exchange.getRequestMethod(),
                    exchange.getRequestURI().toString().replace("/api/v1", ""),
                    new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8),
                    exchange));
            byte[] bytes = answer.body.getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(answer.status, bytes.length);
            exchange.getResponseBody().write(bytes);
            exchange.close();
        });
        server.start();
        return new FakePlatform(server);
    }

    String url() {
        return "http://" + server.getAddress().getHostString() + ":"
                + server.getAddress().getPort();
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
