package dev.isoflop.cli.client;

import dev.isoflop.protocol.api.Page;
import dev.isoflop.protocol.error.Problem;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * The REST API, typed by the protocol's views.
 *
 * <p>Concurrency: safe for any number of threads. Errors: {@link ApiException} for an answer that is a problem, {@link
 * UnreachableException} for none at all.
 */
public final class ApiClient {

    private static final Duration TIMEOUT = Duration.ofSeconds(60);
    private static final int MOST_TRIES = 5;
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(30);

    private final URI url;
    private final @Nullable String token;
    private final HttpClient http = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofSeconds(5))
            .build();
    private final JsonMapper json = mapper();

    public ApiClient(URI url, @Nullable String token) {
        this.url = url;
        this.token = token;
    }

    /** The mapper of everything the command line reads and writes: newer platforms may add fields. */
    public static JsonMapper mapper() {
        return JsonMapper.builder()
                .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
                .build();
    }

    public URI url() {
        return url;
    }

    public <T> T get(String path, Class<T> type) {
        return json.readValue(send(request(path).GET()), type);
    }

    public <T> T get(String path, TypeReference<T> type) {
        return json.readValue(send(request(path).GET()), type);
    }

    /**
     * All items of a list, page by page, fetched as they are asked for.
     *
     * @param path with its query, and {@code limit} where pages should have another size than the list's own
     */
    public <T> Stream<T> all(String path, TypeReference<Page<T>> type) {
        String and = path.contains("?") ? "&" : "?";
        return Stream.iterate(
                        Optional.of(get(path, type)),
                        Optional::isPresent,
                        page -> Optional.ofNullable(page.orElseThrow().next())
                                .map(next -> get(
                                        path + and + "after=" + URLEncoder.encode(next, StandardCharsets.UTF_8), type)))
                .flatMap(page -> page.orElseThrow().items().stream());
    }

    /** @param idempotencyKey sent if given: the same key and body bring the stored answer */
    public <T> T post(String path, Object body, @Nullable String idempotencyKey, Class<T> type) {
        return json.readValue(post(path, body, idempotencyKey), type);
    }

    public <T> T post(String path, Object body, @Nullable String idempotencyKey, TypeReference<T> type) {
        return json.readValue(post(path, body, idempotencyKey), type);
    }

    private byte[] post(String path, Object body, @Nullable String idempotencyKey) {
        HttpRequest.Builder request = request(path)
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofByteArray(json.writeValueAsBytes(body)));
        if (idempotencyKey != null) {
            request.header("Idempotency-Key", idempotencyKey);
        }
        return send(request);
    }

    /** @param ifMatch the version the caller has seen, quoted */
    public <T> T postVersion(String path, String ifMatch, Class<T> type) {
        return json.readValue(
                send(request(path).header("If-Match", ifMatch).POST(HttpRequest.BodyPublishers.noBody())), type);
    }

    /** @param ifMatch the version the caller has seen, quoted */
    public <T> T putVersion(String path, String ifMatch, Object body, Class<T> type) {
        return json.readValue(
                send(request(path)
                        .header("If-Match", ifMatch)
                        .header("Content-Type", "application/json")
                        .PUT(HttpRequest.BodyPublishers.ofByteArray(json.writeValueAsBytes(body)))),
                type);
    }

    /** Puts what has no version. */
    public <T> T put(String path, Object body, Class<T> type) {
        return json.readValue(
                send(request(path)
                        .header("Content-Type", "application/json")
                        .PUT(HttpRequest.BodyPublishers.ofByteArray(json.writeValueAsBytes(body)))),
                type);
    }

    /** Deletes what has no version. */
    public void delete(String path) {
        send(request(path).DELETE());
    }

    /** @param ifMatch the version the caller has seen, quoted */
    public void delete(String path, String ifMatch) {
        send(request(path).header("If-Match", ifMatch).DELETE());
    }

    /** Saves an answer's body; the file appears whole or not at all. */
    public void download(String path, Path target) throws IOException {
        byte[] body = send(request(path).GET());
        Path absolute = target.toAbsolutePath();
        // not a temporary file of the JDK's: those are readable by the owner only, and stay so under the new name
        Path partial = absolute.resolveSibling("." + absolute.getFileName() + ".part");
        Files.write(partial, body);
        Files.move(partial, absolute, StandardCopyOption.REPLACE_EXISTING);
    }

    private HttpRequest.Builder request(String path) {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(url.resolve("/api/v1" + path)).timeout(TIMEOUT);
        if (token != null) {
            request.header("Authorization", "Bearer " + token);
        }
        return request;
    }

    /** A request that was turned away because there were too many was not served, whatever it asks for: it is sent again. */
    private byte[] send(HttpRequest.Builder builder) {
        try {
            HttpResponse<byte[]> response = http.send(builder.build(), HttpResponse.BodyHandlers.ofByteArray());
            for (int tries = 1; response.statusCode() == 429 && tries < MOST_TRIES; tries++) {
                Thread.sleep(wait(response.headers().firstValue("Retry-After").orElse("")));
                response = http.send(builder.build(), HttpResponse.BodyHandlers.ofByteArray());
            }
            if (response.statusCode() / 100 != 2) {
                throw new ApiException(response.statusCode(), problem(response.body()));
            }
            return response.body();
        } catch (IOException e) {
            throw new UnreachableException(url, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UnreachableException(url, e);
        }
    }

    private static Duration wait(String retryAfter) {
        Duration asked = retryAfter.strip().matches("\\d{1,6}")
                ? Duration.ofSeconds(Long.parseLong(retryAfter.strip()))
                : Duration.ofSeconds(1);
        Duration most = asked.compareTo(LONGEST_WAIT) > 0 ? LONGEST_WAIT : asked;
        return most.plusMillis(ThreadLocalRandom.current().nextLong(500));
    }

    private @Nullable Problem problem(byte[] body) {
        try {
            return json.readValue(body, Problem.class);
        } catch (JacksonException e) { // a proxy's page, or nothing
            return null;
        }
    }
}
