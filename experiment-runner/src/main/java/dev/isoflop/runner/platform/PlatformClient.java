package dev.isoflop.runner.platform;

import dev.isoflop.protocol.error.ErrorCode;
import dev.isoflop.protocol.error.Problem;
import dev.isoflop.protocol.job.FileRef;
import dev.isoflop.protocol.runner.RunnerApi;
import dev.isoflop.telemetry.TraceParent;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.springframework.core.convert.support.DefaultConversionService;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.client.JdkClientHttpRequestFactory;
import org.springframework.http.converter.json.JacksonJsonHttpMessageConverter;
import org.springframework.web.client.ResourceAccessException;
import org.springframework.web.client.RestClient;
import org.springframework.web.client.support.RestClientAdapter;
import org.springframework.web.service.invoker.HttpServiceProxyFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * {@link RunnerApi} over HTTP, and the artifact endpoints beside it. Refusals arrive as {@link PlatformException}; an
 * unreachable platform as a {@link org.springframework.web.client.RestClientException}. Nothing here repeats a call: see
 * {@link Retry}.
 *
 * <p>Concurrency: safe for any number of threads; connections are pooled.
 */
public final class PlatformClient implements AutoCloseable {

    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(5);

    private final URI base;
    private final String token;
    private final Duration requestTimeout;
    private final JsonMapper json;
    private final HttpClient http;
    private final RunnerApi api;

    /**
     * @param base such as {@code http://127.0.0.1:8808}
     * @param token secret of scope runner
     * @param requestTimeout longest wait for the answer to a small request
     */
    public PlatformClient(URI base, String token, Duration requestTimeout) {
        this.base = base;
        this.token = token;
        this.requestTimeout = requestTimeout;
        this.json = mapper();
        this.http = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .connectTimeout(CONNECT_TIMEOUT)
                .build();
        JdkClientHttpRequestFactory factory = new JdkClientHttpRequestFactory(http);
        factory.setReadTimeout(requestTimeout);
        RestClient rest = RestClient.builder()
                .baseUrl(base)
                .requestFactory(factory)
                .defaultHeader("Authorization", "Bearer " + token)
                .requestInterceptor((request, body, execution) -> {
                    String traceParent = TraceParent.current();
                    if (traceParent != null) {
                        request.getHeaders().set(TraceParent.HEADER, traceParent);
                    }
                    return execution.execute(request, body);
                })
                .configureMessageConverters(
                        c -> c.registerDefaults().withJsonConverter(new JacksonJsonHttpMessageConverter(json)))
                .defaultStatusHandler(HttpStatusCode::isError, (request, response) -> {
                    throw problem(
                            response.getStatusCode().value(),
                            response.getHeaders().getFirst("Retry-After"),
                            response.getBody().readAllBytes());
                })
                .build();
        this.api = HttpServiceProxyFactory.builderFor(RestClientAdapter.create(rest))
                .conversionService(new DefaultConversionService()) // the default one lives in spring-context
                .build()
                .createClient(RunnerApi.class);
    }

    /** The mapper all of the runner's JSON goes through: newer platforms may add fields. */
    public static JsonMapper mapper() {
        return JsonMapper.builder()
                .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
                .build();
    }

    public RunnerApi api() {
        return api;
    }

    /** Whether the platform already holds the content, so that it need not travel again. */
    public boolean hasArtifact(String sha256) {
        HttpResponse<Void> response =
                send(artifact(sha256).HEAD().timeout(requestTimeout).build(), HttpResponse.BodyHandlers.discarding());
        if (response.statusCode() == 404) {
            return false;
        }
        requireSuccess(response, new byte[0]);
        return true;
    }

    /** Stores a file under its hash; idempotent. */
    public void putArtifact(FileRef ref, Path file) {
        HttpRequest request;
        try {
            request = artifact(ref.sha256())
                    .header("Content-Type", "application/octet-stream")
                    .timeout(transferTimeout(ref.bytes()))
                    .PUT(HttpRequest.BodyPublishers.ofFile(file))
                    .build();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
        HttpResponse<byte[]> response = send(request, HttpResponse.BodyHandlers.ofByteArray());
        requireSuccess(response, response.body());
    }

    /**
     * Fetches a file. The bytes are hashed on their way and the file appears under its name only when they are right.
     *
     * @throws IOException if the disk fails
     */
    public void fetchArtifact(FileRef ref, Path target) throws IOException {
        HttpResponse<InputStream> response = send(
                artifact(ref.sha256())
                        .timeout(transferTimeout(ref.bytes()))
                        .GET()
                        .build(),
                HttpResponse.BodyHandlers.ofInputStream());
        Path partial = target.resolveSibling(target.getFileName() + ".part");
        try (InputStream body = response.body()) {
            if (response.statusCode() / 100 != 2) {
                requireSuccess(response, body.readAllBytes());
            }
            String actual;
            try (OutputStream out = Files.newOutputStream(partial)) {
                actual = Sha256.copy(body, out);
            }
            if (!actual.equals(ref.sha256())) {
                throw new ResourceAccessException(
                        "artifact " + ref.name() + " arrived with hash " + actual + " instead of " + ref.sha256());
            }
            Files.move(partial, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(partial);
        }
    }

    private HttpRequest.Builder artifact(String sha256) {
        HttpRequest.Builder request = HttpRequest.newBuilder(base.resolve("/api/v1/artifacts/" + sha256))
                .header("Authorization", "Bearer " + token);
        String traceParent = TraceParent.current();
        return traceParent == null ? request : request.header(TraceParent.HEADER, traceParent);
    }

    /** Room for a slow line (1 MB/s) on top of the usual wait. */
    private Duration transferTimeout(long bytes) {
        return requestTimeout.plusSeconds(bytes / 1_000_000);
    }

    private <T> HttpResponse<T> send(HttpRequest request, HttpResponse.BodyHandler<T> handler) {
        try {
            return http.send(request, handler);
        } catch (IOException e) {
            throw new ResourceAccessException(request.method() + " " + request.uri() + ": " + e, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ResourceAccessException(request.method() + " " + request.uri() + " was interrupted");
        }
    }

    private void requireSuccess(HttpResponse<?> response, byte[] body) {
        if (response.statusCode() / 100 != 2) {
            throw problem(
                    response.statusCode(),
                    response.headers().firstValue("Retry-After").orElse(null),
                    body);
        }
    }

    /** Whole seconds; a date, which proxies may send, is left to the usual pauses. */
    private static Duration wait(@Nullable String retryAfter) {
        return retryAfter != null && retryAfter.strip().matches("\\d{1,6}")
                ? Duration.ofSeconds(Long.parseLong(retryAfter.strip()))
                : Duration.ZERO;
    }

    private PlatformException problem(int status, @Nullable String retryAfter, byte[] body) {
        Duration wait = wait(retryAfter);
        try {
            Problem problem = json.readValue(body, Problem.class);
            if (problem.code() == null) { // JSON, but somebody else's
                return PlatformException.foreign(status, problem.detail(), wait);
            }
            return new PlatformException(status, code(problem.code()), problem.detail(), problem.expectedSeq(), wait);
        } catch (JacksonException e) { // not one of the platform's own answers: a proxy's page, or no body at all
            String text = new String(body, StandardCharsets.UTF_8).strip();
            return PlatformException.foreign(
                    status, text.isEmpty() ? null : text.substring(0, Math.min(200, text.length())), wait);
        }
    }

    private static @Nullable ErrorCode code(@Nullable String slug) {
        for (ErrorCode code : ErrorCode.values()) {
            if (code.slug().equals(slug)) {
                return code;
            }
        }
        return null;
    }

    @Override
    public void close() {
        http.shutdownNow();
    }
}
