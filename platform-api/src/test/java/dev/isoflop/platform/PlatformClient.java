package dev.isoflop.platform;

import dev.isoflop.db.token.TokenStore;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.core.env.Environment;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.MissingNode;

/** Speaks to the platform under test over its real port, with a token of each scope. */
final class PlatformClient {

    private final Environment environment;
    private final TokenStore store;
    private final JsonMapper json;
    private final HttpClient http = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofSeconds(5))
            .build();
    private final Map<String, String> tokens = new ConcurrentHashMap<>();

    PlatformClient(Environment environment, TokenStore store, JsonMapper json) {
        this.environment = environment;
        this.store = store;
        this.json = json;
    }

    record Reply(int status, java.net.http.HttpHeaders headers, String text, JsonNode body) {

        @Nullable
        String header(String name) {
            return headers.firstValue(name).orElse(null);
        }

        String code() {
            return body.path("code").asString("");
        }

        String at(String pointer) {
            return body.at(pointer).asString("");
        }
    }

    URI uri(String path) {
        return URI.create("http://127.0.0.1:" + environment.getProperty("local.server.port") + path);
    }

    HttpClient http() {
        return http;
    }

    /** A token of that scope. */
    String token(String scope) {
        return tokens.computeIfAbsent(scope, s -> {
            String token = "isf_test-" + s + "-" + UUID.randomUUID();
            store.create(new TokenStore.NewToken("test " + s, token.substring(0, 12), sha256(token), s, null));
            return token;
        });
    }

    /** Goes on with a token made before. */
    void keep(String scope, String token) {
        tokens.put(scope, token);
    }

    Reply get(String path) {
        return send("GET", path, token("read"), null, Map.of());
    }

    Reply post(String path, String scope, String body) {
        return send(
                "POST",
                path,
                token(scope),
                body,
                Map.of("Idempotency-Key", UUID.randomUUID().toString()));
    }

    Reply send(String method, String path, @Nullable String token, @Nullable String body, Map<String, String> headers) {
        HttpRequest.Builder request = HttpRequest.newBuilder(uri(path)).timeout(Duration.ofSeconds(20));
        if (token != null) {
            request.header("Authorization", "Bearer " + token);
        }
        if (body != null && !headers.containsKey("Content-Type")) {
            request.header("Content-Type", "application/json");
        }
        headers.forEach(request::header);
        request.method(
                method, body == null ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofString(body));
        return send(request.build());
    }

    Reply send(HttpRequest request) {
        try {
            HttpResponse<String> response = http.send(request, HttpResponse.BodyHandlers.ofString());
            String text = response.body();
            boolean isJson =
                    response.headers().firstValue("Content-Type").orElse("").contains("json");
            return new Reply(
                    response.statusCode(),
                    response.headers(),
                    text,
                    isJson && !text.isEmpty() ? json.readTree(text) : MissingNode.getInstance());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** A runner that has registered, and its id. */
    long registerRunner(String name, long memoryBytes) {
        return registerRunner(name, "default", memoryBytes);
    }

    long registerRunner(String name, String pool, long memoryBytes) {
        Reply reply = post("/api/v1/runners", "runner", """
                {"name":"%s","instance":"1","pool":"%s","host":"h","pid":1,"version":"0","slots":4,"cores":2,
                 "memoryBytes":%d,"devices":[],"kinds":["pretrain","data"]}""".formatted(name, pool, memoryBytes));
        if (reply.status() != 200) {
            throw new AssertionError(reply.text());
        }
        return reply.body().path("runnerId").asLong();
    }

    /** Claims up to that many runs. */
    List<JsonNode> claim(long runnerId, int slots, String kind) {
        Reply reply = post("/api/v1/runners/" + runnerId + "/claims", "runner", """
                {"slots":%d,"freeMemoryBytes":%d,"kinds":["%s"]}""".formatted(slots, 1L << 40, kind));
        if (reply.status() != 200) {
            throw new AssertionError(reply.text());
        }
        return List.copyOf(reply.body().path("assignments").values());
    }

    /** A dataset with those options, prepared the way a runner does it unless it is there already. Returns its id. */
    String readyDataset(String corpus, long trainTokens) {
        Reply asked = post("/api/v1/datasets", "submit", "{\"corpus\":\"%s\",\"vocabSize\":1024}".formatted(corpus));
        if (asked.status() == 200 && asked.at("/state").equals("ready")) {
            return asked.at("/id");
        }
        if (asked.status() != 201) {
            throw new AssertionError(asked.text());
        }
        String id = asked.at("/id");
        long runner = registerRunner("data-runner", 1L << 40);
        JsonNode assignment = claim(runner, 1, "data").getFirst();
        String content = "token bin of " + id;
        String sha256 = sha256(content);
        Reply put = send(
                "PUT",
                "/api/v1/artifacts/" + sha256,
                token("runner"),
                content,
                Map.of("Content-Type", "application/octet-stream"));
        String attempt = "/api/v1/runs/%d/attempts/%d"
                .formatted(
                        assignment.path("runId").asLong(),
                        assignment.path("attempt").asInt());
        Reply start = post(attempt + "/start", "runner", "{}");
        Reply finish = post(attempt + "/finish", "runner", """
                {"outcome":"SUCCEEDED","result":{"kind":"data","id":"%s","trainTokens":%d,"validationTokens":1000,
                 "validationBytes":4000,"trainDocuments":10,"validationDocuments":1,"vocabSize":1024,
                 "tokenizerHash":"abc","files":[{"name":"train.bin","sha256":"%s","bytes":%d}]}}""".formatted(id, trainTokens, sha256, content.length()));
        if (put.status() != 204 || start.status() != 204 || finish.status() != 204) {
            throw new AssertionError(put.text() + start.text() + finish.text());
        }
        return id;
    }

    /**
     * Submits a small sweep, of a run for each of as many models and budgets.
     *
     * @param models 1 to 3
     * @param budgets 1 or 2
     */
    Reply submitSweep(String name, String experiment, String corpus, String pool, int models, int budgets) {
        String shapes = Stream.of(12, 16, 24)
                .limit(models)
                .map("{\"dModel\":%d,\"layers\":2,\"heads\":2}"::formatted)
                .collect(Collectors.joining(","));
        String flops = Stream.of("3e10", "1e11")
                .limit(budgets)
                .map("{\"flops\":%s,\"batchSequences\":2}"::formatted)
                .collect(Collectors.joining(","));
        return post("/api/v1/sweeps", "submit", """
                {"kind":"isoflop","name":"%s","experiment":"%s","dataset":{"corpus":"%s"},"pool":"%s",
                 "models":[%s],"budgets":[%s]}""".formatted(name, experiment, corpus, pool, shapes, flops));
    }

    static String sha256(String text) {
        try {
            return HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }
}
