package dev.isoflop.platform;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.platform.PlatformClient.Reply;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import tools.jackson.databind.JsonNode;

/** What an attacker tries who has found the port: with nothing, with a runner's token, or with a stolen page. */
@Timeout(120)
@ExtendWith(OutputCaptureExtension.class)
class AttackTests {

    private static final String COMMAND_SECRET = "hunter2-" + UUID.randomUUID();

    @TempDir
    private static Path home;

    private static OwnPlatform platform;
    private static PlatformClient client;
    private static Path outside;

    @BeforeAll
    static void start() throws IOException {
        outside = Files.writeString(home.resolve("outside.txt"), "not for you");
        platform = OwnPlatform.start(
                home,
                "--server.forward-headers-strategy=native",
                "--server.tomcat.connection-timeout=2s",
                "--isoflop.limits.enabled=false");
        client = platform.client;
    }

    @AfterAll
    static void stop() {
        platform.close();
    }

    /** Bytes as they are: an HTTP client would put them right. */
    private static String raw(String request) throws IOException {
        try (Socket socket = new Socket("127.0.0.1", platform.port())) {
            socket.setSoTimeout(10_000);
            socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
            socket.getOutputStream().flush();
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
        }
    }

    private static String rawGet(String path, String scope) throws IOException {
        return raw("GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer "
                + client.token(scope) + "\r\n\r\n");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "../outside.txt",
                "..%2foutside.txt",
                "%2e%2e%2foutside.txt",
                "%252e%252e%252foutside.txt",
                "..%5coutside.txt",
                "..%c0%afoutside.txt",
                "/etc/passwd",
                "%2fetc%2fpasswd",
                "ab%00",
                "....//outside.txt",
                "..;/outside.txt",
            })
    void noPathLeadsOutOfTheStore(String path) throws IOException {
        for (String prefix : List.of("/api/v1/artifacts/", "/api/v1/runs/1/artifacts/", "/", "/assets/")) {
            String answer = rawGet(prefix + path, "admin");
            assertThat(answer).as(prefix + path).doesNotContain("not for you").doesNotContain("root:");
            assertThat(answer).as(prefix + path).doesNotContain("HTTP/1.1 500");
        }
        String put = raw(
                "PUT /api/v1/artifacts/" + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1\r\n"
                        + "Content-Type: application/octet-stream\r\nAuthorization: Bearer " + client.token("runner")
                        + "\r\n\r\nx");
        assertThat(put).matches("(?s)HTTP/1.1 4\\d\\d.*");
        assertThat(outside).hasContent("not for you");
    }

    @Test
    void aLinkInTheStoreIsNotFollowed() throws IOException {
        String content = "not for you";
        String sha256 = PlatformClient.sha256(content);
        Reply put = client.send(
                "PUT",
                "/api/v1/artifacts/" + sha256,
                client.token("runner"),
                content,
                Map.of("Content-Type", "application/octet-stream"));
        assertThat(put.status()).isEqualTo(204);
        Path stored = home.resolve("artifacts").resolve(sha256.substring(0, 2)).resolve(sha256);
        Files.delete(stored);
        Files.createSymbolicLink(stored, outside);
        assertThat(client.get("/api/v1/artifacts/" + sha256).status()).isEqualTo(404);
        // put again, the file takes the link's place and not what it leads to
        Files.writeString(outside, "changed since");
        assertThat(client.send(
                                "PUT",
                                "/api/v1/artifacts/" + sha256,
                                client.token("runner"),
                                content,
                                Map.of("Content-Type", "application/octet-stream"))
                        .status())
                .isEqualTo(204);
        assertThat(outside).hasContent("changed since");
        assertThat(stored).isRegularFile().hasContent(content);
        Files.writeString(outside, "not for you");
    }

    private static Reply submit(String name, String more) {
        return client.post(
                "/api/v1/sweeps", "submit", """
                {"kind":"command","name":"%s","experiment":"attacks","pool":"%s","command":["true"],
                 "parameters":{"x":{"values":[1]}},"environment":{"KEY":"%s"},"secrets":["KEY"]%s}""".formatted(name, "p" + name.hashCode(), COMMAND_SECRET, more));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"../up.txt", "/tmp/up.txt", "a/../../up.txt", "a\\\\..\\\\up.txt", "", ".", "a\\u0000b", "./../x"
            })
    void aFileOfACommandStaysInItsDirectory(String file) {
        Reply reply = submit("files" + UUID.randomUUID(), ",\"files\":{\"%s\":\"x\"}".formatted(file));
        assertThat(reply.status()).as(file + reply.text()).isBetween(400, 422);
        if (file.contains("\\\\")) {
            return; // in a glob that is an escape
        }
        Reply outputs = submit("outputs" + UUID.randomUUID(), ",\"outputs\":[\"%s\"]".formatted(file));
        assertThat(outputs.status()).as(file + outputs.text()).isBetween(400, 422);
    }

    @Test
    void aRunnerCannotNameAFileSoThatItLeadsAnywhere() {
        String name = "named" + UUID.randomUUID();
        assertThat(submit(name, "").status()).isEqualTo(201);
        long runner =
                Long.parseLong(client.post("/api/v1/runners", "runner", """
                {"name":"%s","instance":"1","pool":"p%d","host":"h","pid":1,"version":"0","slots":1,"cores":2,
                 "memoryBytes":%d,"devices":[],"kinds":["command"]}""".formatted(name, name.hashCode(), 1L << 40))
                        .at("/runnerId"));
        JsonNode assignment = client.claim(runner, 1, "command").getFirst();
        String run = "/api/v1/runs/" + assignment.path("runId").asLong();
        client.post(run + "/attempts/1/start", "runner", "{}");
        String sha256 = PlatformClient.sha256("x" + name);
        client.send(
                "PUT",
                "/api/v1/artifacts/" + sha256,
                client.token("runner"),
                "x" + name,
                Map.of("Content-Type", "application/octet-stream"));
        int step = 1;
        for (String file : List.of(
                "../../evil",
                "/etc/cron.d/evil",
                "a/../../evil",
                "..",
                "a\\\\..\\\\evil",
                "a\\u0000",
                "x\\r\\nSet-Cookie: a=b")) {
            Reply commit = client.post(
                    run + "/attempts/1/checkpoints", "runner", """
                    {"step":%d,"tokens":1,"trainSeconds":1,"files":[{"name":"%s","sha256":"%s","bytes":%d}]}""".formatted(step++, file, sha256, name.length() + 1));
            assertThat(commit.status()).as(file + commit.text()).isEqualTo(400);
        }
    }

    @Test
    void textThatIsNoTextForADatabaseIsRefusedAndNeverAnError() {
        for (String path : List.of(
                "/api/v1/runs?q=%00",
                "/api/v1/runs?q=%27%3B%20drop%20table%20run%3B--",
                "/api/v1/runs?model=%00&kind=%00",
                "/api/v1/runs?state=%00",
                "/api/v1/runs?sort=id%3Bdrop%20table%20run",
                "/api/v1/runs?after=%00",
                "/api/v1/runs?after=aWR8J3wn",
                "/api/v1/sweeps?after=1%20or%201%3D1",
                "/api/v1/datasets/%00",
                "/api/v1/datasets/x'%20or%20'1'='1",
                "/api/v1/runs/1/metrics/series?name=%00",
                "/api/v1/runs/1/artifacts/%00")) {
            try {
                String answer = rawGet(path, "read");
                assertThat(answer)
                        .as(path)
                        .doesNotContain("HTTP/1.1 5")
                        .doesNotContain("SQL")
                        .doesNotContain("org.");
            } catch (IOException e) {
                throw new AssertionError(path, e);
            }
        }
        String name = "x'); drop table run; --" + UUID.randomUUID();
        Reply made = submit(name, "");
        assertThat(made.status()).as(made.text()).isEqualTo(201);
        assertThat(client.get("/api/v1/sweeps/" + made.at("/id")).at("/name")).isEqualTo(name);
        for (Reply reply : List.of(
                submit("nul\\u0000", ""),
                client.post("/api/v1/tokens", "admin", "{\"name\":\"a\\u0000b\",\"scope\":\"read\"}"),
                client.post("/api/v1/datasets", "submit", "{\"corpus\":\"a\\u0000b\",\"vocabSize\":1024}"))) {
            assertThat(reply.status()).as(reply.text()).isBetween(400, 422);
        }
    }

    @Test
    void bodiesThatAreTooLargeTooDeepOrTooSlowAreCutOff() throws IOException {
        String deep = "[".repeat(100_000) + "]".repeat(100_000);
        assertThat(client.post("/api/v1/sweeps", "submit", "{\"kind\":\"command\",\"parameters\":" + deep + "}")
                        .status())
                .isEqualTo(400);
        assertThat(client.post("/api/v1/sweeps", "submit", "{\"name\":\"" + "x".repeat(3 << 20) + "\"}")
                        .status())
                .isEqualTo(413);
        assertThat(client.post("/api/v1/sweeps", "submit", "{\"name\":" + "9".repeat(1 << 20) + "}")
                        .status())
                .isIn(400, 413);
        long began = System.nanoTime();
        String answer = raw(
                "POST /api/v1/sweeps HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n"
                        + "Idempotency-Key: slow\r\nAuthorization: Bearer " + client.token("submit") + "\r\n\r\n{");
        assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(9));
        assertThat(answer).doesNotContain("HTTP/1.1 2");
    }

    @Test
    void pagesOfOtherSitesCannotUseASession() {
        Reply signedIn = client.send(
                "POST", "/api/v1/session", null, "{\"token\":\"%s\"}".formatted(client.token("submit")), Map.of());
        String cookie = String.valueOf(signedIn.header("Set-Cookie")).split(";")[0];
        for (Map<String, String> headers : List.of(
                Map.of("Sec-Fetch-Site", "cross-site"),
                Map.of("Sec-Fetch-Site", "same-site"),
                Map.of("Origin", "https://evil.example"),
                Map.of("Origin", "null"),
                Map.of("Origin", "http://127.0.0.1:1"),
                Map.of("Content-Type", "text/plain"),
                Map.of("Content-Type", "application/x-www-form-urlencoded"))) {
            var all = new java.util.HashMap<>(headers);
            all.put("Cookie", cookie);
            assertThat(client.send("POST", "/api/v1/datasets", null, "{}", all).status())
                    .as(headers.toString())
                    .isEqualTo(403);
        }
        Map<String, String> own = Map.of("Origin", "http://127.0.0.1:" + platform.port(), "Cookie", cookie);
        assertThat(client.send("POST", "/api/v1/datasets", null, "{}", own).status())
                .isEqualTo(400);
        // nor sign a victim in as somebody else
        assertThat(client.send(
                                "POST",
                                "/api/v1/session",
                                null,
                                "{\"token\":\"%s\"}".formatted(client.token("submit")),
                                Map.of("Content-Type", "text/plain"))
                        .status())
                .isEqualTo(415);
        // nor read across origins
        Reply asked = client.send(
                "OPTIONS",
                "/api/v1/runs",
                null,
                null,
                Map.of("Origin", "https://evil.example", "Access-Control-Request-Method", "GET"));
        assertThat(asked.header("Access-Control-Allow-Origin")).isNull();
    }

    @Test
    void everyAnswerCarriesTheHeadersThatBrowsersGoBy() {
        for (String path : List.of("/", "/index.html", "/api/v1/runs", "/api/v1/nothing", "/actuator/health")) {
            Reply reply = client.send("GET", path, client.token("read"), null, Map.of());
            assertThat(reply.header("Content-Security-Policy"))
                    .as(path)
                    .contains("default-src 'self'", "frame-ancestors 'none'", "object-src 'none'", "base-uri 'self'")
                    .doesNotContain("unsafe-eval");
            assertThat(reply.header("X-Content-Type-Options")).as(path).isEqualTo("nosniff");
            assertThat(reply.header("X-Frame-Options")).as(path).isEqualTo("DENY");
            assertThat(reply.header("Referrer-Policy")).as(path).isEqualTo("same-origin");
            assertThat(reply.header("Server")).as(path).isNull();
            assertThat(reply.header("Strict-Transport-Security")).as(path).isNull();
        }
        Reply behindHttps =
                client.send("GET", "/api/v1/runs", client.token("read"), null, Map.of("X-Forwarded-Proto", "https"));
        assertThat(behindHttps.header("Strict-Transport-Security")).contains("max-age=31536000");
        Reply signedIn = client.send(
                "POST",
                "/api/v1/session",
                null,
                "{\"token\":\"%s\"}".formatted(client.token("read")),
                Map.of("X-Forwarded-Proto", "https"));
        assertThat(signedIn.header("Set-Cookie")).contains("Secure");
    }

    @Test
    void aTokenInTheAddressAndAForeignHostCountForNothing() throws IOException {
        assertThat(client.send("GET", "/api/v1/runs?token=" + client.token("admin"), null, null, Map.of())
                        .status())
                .isEqualTo(401);
        assertThat(client.send("GET", "/api/v1/runs?access_token=" + client.token("admin"), null, null, Map.of())
                        .status())
                .isEqualTo(401);
        for (String path : List.of(
                "/api/v1/runs", "/", "//evil.example/", "/?next=https://evil.example", "/login?url=//evil.example")) {
            String answer = raw("GET " + path + " HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n");
            String head = answer.substring(0, Math.max(0, answer.indexOf("\r\n\r\n")));
            assertThat(head).as(path).doesNotContain("evil.example");
            assertThat(head).doesNotContain("HTTP/1.1 3");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "env",
                "beans",
                "heapdump",
                "threaddump",
                "loggers",
                "configprops",
                "mappings",
                "shutdown",
                "quartz",
                "flyway",
                "info",
                "metrics"
            })
    void noMoreOfTheInsidesIsServedThanHealthAndMetrics(String endpoint) {
        assertThat(client.send("GET", "/actuator/" + endpoint, null, null, Map.of())
                        .status())
                .isEqualTo(401);
        assertThat(client.send("GET", "/actuator/" + endpoint, client.token("submit"), null, Map.of())
                        .status())
                .isEqualTo(403);
        assertThat(client.send("GET", "/actuator/" + endpoint, client.token("admin"), null, Map.of())
                        .status())
                .isEqualTo(404);
        assertThat(client.send("GET", "/actuator/prometheus", null, null, Map.of())
                        .status())
                .isEqualTo(401);
        assertThat(client.send("GET", "/actuator/health", null, null, Map.of()).text())
                .doesNotContain("components");
    }

    @Test
    void noSecretComesOutAnywhere(CapturedOutput output) throws Exception {
        List<String> secrets = List.of(
                client.token("admin"),
                client.token("submit"),
                client.token("runner"),
                COMMAND_SECRET,
                "mispasted-" + UUID.randomUUID());
        String pasted = secrets.getLast();
        HttpResponse<InputStream> stream = client.http()
                .send(
                        HttpRequest.newBuilder(client.uri("/api/v1/stream?topics=runs"))
                                .header("Authorization", "Bearer " + client.token("read"))
                                .build(),
                        HttpResponse.BodyHandlers.ofInputStream());
        StringBuilder seen = new StringBuilder();
        Reply made = submit("secretive" + UUID.randomUUID(), "");
        seen.append(made.text()).append(made.headers().map());
        long sweep = Long.parseLong(made.at("/id"));
        long run = client.get("/api/v1/runs?sweep=" + sweep)
                .body()
                .at("/items/0/id")
                .asLong();
        // mistakes with secrets in them
        for (String[] wrong : new String[][] {
            {"/api/v1/session", "{\"token\":\"%s\",\"x\":1}".formatted(pasted)},
            {"/api/v1/session", "{\"token\":\"isf_%s\"}".formatted(pasted)},
            {"/api/v1/session", "{\"token\":[\"%s\"]}".formatted(pasted)},
            {"/api/v1/session", "{\"token\":\"%s".formatted(pasted)},
            {"/api/v1/session", pasted},
            {"/api/v1/sweeps", "{\"kind\":\"command\",\"environment\":{\"KEY\":[\"%s\"]}}".formatted(pasted)},
            {"/api/v1/sweeps", "{\"kind\":\"command\",\"environment\":\"%s\"}".formatted(pasted)},
            {"/api/v1/tokens?token=" + pasted, "{}"},
        }) {
            Reply reply = client.send(
                    "POST",
                    wrong[0],
                    wrong[0].contains("session") ? null : client.token("admin"),
                    wrong[1],
                    Map.of("Idempotency-Key", UUID.randomUUID().toString()));
            assertThat(reply.status()).as(wrong[0] + wrong[1]).isBetween(400, 422);
            seen.append(reply.text()).append(reply.headers().map());
        }
        seen.append(client.send("GET", "/api/v1/runs", pasted, null, Map.of()).text());
        seen.append(client.send("GET", "/api/v1/runs", "isf_" + pasted, null, Map.of())
                .text());
        seen.append(submit("wrong", ",\"wrong\":1").text());
        for (String path : List.of(
                "/api/v1/runs/" + run,
                "/api/v1/runs",
                "/api/v1/sweeps/" + sweep,
                "/api/v1/sweeps/" + sweep + "/plan",
                "/api/v1/sweeps/" + sweep + "/export.csv",
                "/api/v1/sweeps/" + sweep + "/export.parquet",
                "/api/v1/overview",
                "/api/v1/audit?limit=200",
                "/api/v1/tokens",
                "/actuator/prometheus",
                "/actuator/health",
                "/v3/api-docs")) {
            Reply reply = client.send("GET", path, client.token("admin"), null, Map.of());
            assertThat(reply.status()).as(path).isEqualTo(200);
            seen.append(reply.text());
        }
        client.send(
                "POST", "/api/v1/runs/" + run + "/cancellation", client.token("submit"), "{}", Map.of("If-Match", "*"));
        StringBuilder live = new StringBuilder();
        while (live.indexOf("\"to\":\"cancelled\"") < 0) {
            live.append(new String(stream.body().readNBytes(1), StandardCharsets.ISO_8859_1));
        }
        stream.body().close();
        seen.append(live);
        for (String secret : secrets) {
            assertThat(seen.toString()).doesNotContain(secret);
            assertThat(output.getAll()).as("the log").doesNotContain(secret);
        }
    }
}
