package dev.isoflop.platform;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.platform.PlatformClient.Reply;
import java.io.ByteArrayInputStream;
import java.net.http.HttpRequest;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever goes wrong, the answer is a problem with a code, and names the field where one is at fault. */
@PlatformTest
class ProblemApiTests {

    private final PlatformClient client;

    ProblemApiTests(PlatformClient client) {
        this.client = client;
    }

    private static void assertProblem(Reply reply, int status, String code) {
        assertThat(reply.status()).as(reply.text()).isEqualTo(status);
        assertThat(reply.header("Content-Type")).startsWith("application/problem+json");
        assertThat(reply.code()).isEqualTo(code);
        assertThat(reply.at("/type")).isEqualTo("/problems/" + code);
        assertThat(reply.body().path("status").asInt()).isEqualTo(status);
        assertThat(reply.at("/detail")).isNotBlank();
    }

    @Test
    void anUnknownPathIsNotFound() {
        assertProblem(client.get("/api/v1/nothing"), 404, "not-found");
        assertProblem(client.get("/api/v1/runs/987654321"), 404, "not-found");
    }

    @Test
    void anotherMethodIsNotAllowedAndTheAllowedOnesAreNamed() {
        Reply reply = client.send("DELETE", "/api/v1/runs", client.token("admin"), null, Map.of());
        assertProblem(reply, 405, "method-not-allowed");
        assertThat(reply.header("Allow")).contains("GET");
    }

    @Test
    void anotherTypeOfBodyIsUnsupported() {
        Reply reply = client.send(
                "POST", "/api/v1/datasets", client.token("submit"), "corpus: x", Map.of("Content-Type", "text/plain"));
        assertProblem(reply, 415, "unsupported-media-type");
        assertThat(reply.at("/detail")).contains("application/json");
    }

    @Test
    void brokenJsonIsRefusedWithItsPlace() {
        Reply reply = client.post("/api/v1/datasets", "submit", "{\"corpus\":\n  \"x\",, }");
        assertProblem(reply, 400, "invalid-request");
        assertThat(reply.at("/detail")).contains("line 2");
    }

    @Test
    void anEmptyBodyIsRefused() {
        assertProblem(client.post("/api/v1/datasets", "submit", ""), 400, "invalid-request");
    }

    @Test
    void anUnknownFieldIsRefusedWithTheNearestOne() {
        Reply reply = client.post("/api/v1/datasets", "submit", "{\"corpus\":\"x\",\"vocabsize\":512}");
        assertProblem(reply, 400, "invalid-request");
        assertThat(reply.at("/errors/0/pointer")).isEqualTo("/vocabsize");
        assertThat(reply.at("/errors/0/nearest")).isEqualTo("vocabSize");
    }

    @Test
    void aFieldOfTheWrongTypeIsRefusedWithWhatWasExpected() {
        Reply reply = client.post("/api/v1/datasets", "submit", "{\"corpus\":\"x\",\"vocabSize\":\"many\"}");
        assertProblem(reply, 400, "invalid-request");
        assertThat(reply.at("/errors/0/pointer")).isEqualTo("/vocabSize");
        assertThat(reply.at("/errors/0/expected")).isEqualTo("a whole number");
    }

    @Test
    void anUnknownNameDeepInASweepIsRefusedWithItsPath() {
        Reply reply = client.post("/api/v1/sweeps", "submit", """
                {"kind":"isoflop","name":"n","experiment":"e","dataset":{"corpus":"x"},
                 "models":[{"dModel":32,"layers":2}],
                 "budgets":[{"flops":1e11,"batchSequences":2},{"flops":2e11,"batchSequences":2,"learningrate":1}]}""");
        assertProblem(reply, 400, "invalid-request");
        assertThat(reply.at("/errors/0/pointer")).isEqualTo("/budgets/1/learningrate");
        assertThat(reply.at("/errors/0/nearest")).isEqualTo("learningRate");
    }

    @Test
    void anUnknownEnumValueIsRefusedWithTheValidOnes() {
        Reply reply = client.post("/api/v1/sweeps", "submit", """
                {"kind":"isoflop","name":"n","experiment":"e","dataset":{"corpus":"x"},"models":[],"budgets":[],
                 "training":{"schedule":"COSIN"}}""");
        assertProblem(reply, 400, "invalid-request");
        assertThat(reply.at("/errors/0/pointer")).isEqualTo("/training/schedule");
        assertThat(reply.at("/errors/0/nearest")).isEqualTo("COSINE");
        assertThat(reply.at("/errors/0/expected")).contains("WSD");
    }

    @Test
    void anUnknownKindIsRefusedWithTheNearest() {
        Reply reply = client.post("/api/v1/sweeps", "submit", "{\"kind\":\"isoflops\",\"name\":\"n\"}");
        assertProblem(reply, 400, "invalid-request");
        assertThat(reply.at("/errors/0/pointer")).isEqualTo("/kind");
        assertThat(reply.at("/errors/0/nearest")).isEqualTo("isoflop");
    }

    @Test
    void aTenMegabyteBodyIsTooLargeWhetherOrNotItStatesItsLength() {
        String body = "{\"corpus\":\"" + "x".repeat(10 << 20) + "\"}";
        assertProblem(client.post("/api/v1/datasets", "submit", body), 413, "payload-too-large");

        HttpRequest chunked = HttpRequest.newBuilder(client.uri("/api/v1/datasets"))
                .header("Authorization", "Bearer " + client.token("submit"))
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofInputStream(
                        () -> new ByteArrayInputStream(body.getBytes(java.nio.charset.StandardCharsets.UTF_8))))
                .build();
        assertProblem(client.send(chunked), 413, "payload-too-large");
    }

    @Test
    void anArtifactMayBeLarger() {
        String content = "y".repeat(6 << 20);
        Reply reply = client.send(
                "PUT",
                "/api/v1/artifacts/" + PlatformClient.sha256(content),
                client.token("runner"),
                content,
                Map.of("Content-Type", "application/octet-stream"));
        assertThat(reply.status()).as(reply.text()).isEqualTo(204);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/api/v1/runs?limit=0",
                "/api/v1/runs?limit=201",
                "/api/v1/runs?limit=many",
                "/api/v1/runs?after=rubbish",
                "/api/v1/runs?sort=colour",
                "/api/v1/runs?state=sleeping",
                "/api/v1/runs?sweep=x",
                "/api/v1/runs/x",
                "/api/v1/sweeps?limit=-1",
                "/api/v1/sweeps?after=rubbish",
                "/api/v1/stream?topics=weather",
            })
    void aWrongParameterIsAnInvalidRequest(String path) {
        assertProblem(client.get(path), 400, "invalid-request");
    }

    @Test
    void routesOfTheDashboardAreItsPageAndMissingFilesAreNot() {
        Reply index = client.send("GET", "/", null, null, Map.of());
        org.junit.jupiter.api.Assumptions.assumeTrue(index.status() == 200, "the dashboard is not built");
        Reply route = client.send("GET", "/sweeps/1", null, null, Map.of());
        assertThat(route.status()).isEqualTo(200);
        assertThat(route.text()).isEqualTo(index.text()).contains("<div id=\"root\">");
        assertThat(client.send("GET", "/assets/none.js", null, null, Map.of()).status())
                .isEqualTo(404);
        assertThat(client.send("GET", "/none.txt", null, null, Map.of()).status())
                .isEqualTo(404);
    }
}
