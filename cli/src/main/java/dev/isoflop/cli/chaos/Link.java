package dev.isoflop.cli.chaos;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.isoflop.cli.chaos.Disturbance.LineFault;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;

/**
 * The line between one runner and the platform: an HTTP proxy on the loopback address that can be bad in every way a network is, and
 * that writes down what passes.
 *
 * <p>Concurrency: a virtual thread for each request; faults may be set at any time and also hit what is under way. Several
 * faults may hold at once; each ends at its own time.
 */
final class Link implements AutoCloseable {

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final int MOST_DELAY_MILLIS = 1_500;
    private static final int MOST_LATE_MILLIS = 8_000;
    private static final List<String> CARRIED = List.of("authorization", "content-type", "accept", "idempotency-key");

    static {
        System.setProperty("sun.net.httpserver.nodelay", "true"); // or every answer waits 40 ms for an acknowledgement
    }

    private final String runner;
    private final URI platform;
    private final History history;
    private final Random random;
    private final HttpServer server;
    private final HttpClient http = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofSeconds(5))
            .build();
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    /** Until when each holds, by {@link System#nanoTime}. Guarded by itself. */
    private final Map<LineFault, Long> faults = new EnumMap<>(LineFault.class);

    Link(String runner, URI platform, History history, long seed) throws IOException {
        this.runner = runner;
        this.platform = platform;
        this.history = history;
        this.random = new Random(seed);
        this.server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 64);
        server.setExecutor(threads);
        server.createContext("/", this::handle);
        server.start();
    }

    String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    void fault(LineFault fault, int millis) {
        synchronized (faults) {
            faults.merge(fault, System.nanoTime() + millis * 1_000_000L, (a, b) -> a - b > 0 ? a : b);
        }
    }

    void heal() {
        synchronized (faults) {
            faults.clear();
        }
    }

    private boolean is(LineFault fault) {
        synchronized (faults) {
            Long until = faults.get(fault);
            return until != null && until - System.nanoTime() > 0;
        }
    }

    private int below(int bound) {
        synchronized (random) {
            return random.nextInt(bound);
        }
    }

    private record Request(String method, String target, String path, Map<String, String> headers, byte[] body) {

        @Nullable
        String key() {
            return headers.get("idempotency-key");
        }
    }

    private record Answer(int status, @Nullable String type, byte[] body) {}

    private void handle(HttpExchange exchange) throws IOException {
        try (exchange) { // closed without an answer, the connection is, too
            Request request = request(exchange);
            if (is(LineFault.CUT)) {
                return;
            }
            if (is(LineFault.SILENT)) {
                awaitEnd(LineFault.SILENT);
                return;
            }
            if (is(LineFault.DELAY)) {
                Thread.sleep(below(MOST_DELAY_MILLIS));
            }
            if (is(LineFault.REPEAT_LATE) && History.mayComeLate(request.path)) {
                int later = 200 + below(MOST_LATE_MILLIS);
                threads.execute(() -> again(request, later));
            }
            if (is(LineFault.DUPLICATE)) {
                threads.execute(() -> again(request, 0));
            }
            Answer answer = pass(request);
            if (answer == null || is(LineFault.CUT) || is(LineFault.LOSE_ANSWERS)) {
                return;
            }
            if (is(LineFault.SILENT)) {
                awaitEnd(LineFault.SILENT);
                return;
            }
            reply(exchange, request, answer);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static Request request(HttpExchange exchange) throws IOException {
        byte[] body = exchange.getRequestBody().readAllBytes();
        Map<String, String> headers = new java.util.HashMap<>();
        for (String name : CARRIED) {
            String value = exchange.getRequestHeaders().getFirst(name);
            if (value != null) {
                headers.put(name, value);
            }
        }
        URI target = exchange.getRequestURI();
        return new Request(exchange.getRequestMethod(), target.toString(), target.getPath(), headers, body);
    }

    private void awaitEnd(LineFault fault) throws InterruptedException {
        while (is(fault)) {
            Thread.sleep(20);
        }
    }

    private void again(Request request, int laterMillis) {
        try {
            Thread.sleep(laterMillis);
            pass(request);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** The platform's answer, or null if there was none. */
    private @Nullable Answer pass(Request request) throws InterruptedException {
        HttpRequest.Builder builder = HttpRequest.newBuilder(platform.resolve(request.target))
                .timeout(PATIENCE)
                .method(
                        request.method,
                        request.body.length == 0
                                ? HttpRequest.BodyPublishers.noBody()
                                : HttpRequest.BodyPublishers.ofByteArray(request.body));
        request.headers.forEach(builder::header);
        long sent = System.nanoTime();
        history.sending(request.path, request.key(), sent);
        try {
            HttpResponse<byte[]> response = http.send(builder.build(), HttpResponse.BodyHandlers.ofByteArray());
            history.answered(runner, request.path, request.key(), sent, response.statusCode(), response.body());
            return new Answer(
                    response.statusCode(),
                    response.headers().firstValue("content-type").orElse(null),
                    response.body());
        } catch (IOException e) {
            history.answered(runner, request.path, request.key(), sent, 0, new byte[0]);
            return null;
        }
    }

    private void reply(HttpExchange exchange, Request request, Answer answer) throws IOException {
        if (answer.type != null) {
            exchange.getResponseHeaders().set("Content-Type", answer.type);
        }
        if (answer.body.length == 0 || request.method.equals("HEAD")) {
            exchange.sendResponseHeaders(answer.status, -1);
            return;
        }
        exchange.sendResponseHeaders(answer.status, answer.body.length);
        boolean torn = is(LineFault.TEAR_ANSWERS);
        exchange.getResponseBody().write(torn ? Arrays.copyOf(answer.body, answer.body.length / 2) : answer.body);
        exchange.getResponseBody().flush();
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
        http.shutdownNow();
    }
}
