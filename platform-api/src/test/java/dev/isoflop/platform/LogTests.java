package dev.isoflop.platform;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The platform's log as JSON, at a level that tells much, and what must not be in it. */
@ExtendWith(OutputCaptureExtension.class)
class LogTests {

    @Test
    void linesAreJsonThatNamesRequestRunAndAttemptAndHoldNoSecret(@TempDir Path home, CapturedOutput output)
            throws Exception {
        try (OwnPlatform platform = OwnPlatform.start(
                home, "--logging.structured.format.console=ecs", "--logging.level.org.springframework.web=DEBUG")) {
            PlatformClient client = platform.client;
            String token = client.token("runner");
            PlatformClient.Reply reply = client.send(
                    "POST", "/api/v1/runs/4711/attempts/3/start", token, "{}", Map.of("X-Request-Id", "my-request.1"));
            assertThat(reply.status()).isEqualTo(404);
            assertThat(reply.header("X-Request-Id")).isEqualTo("my-request.1");
            assertThat(client.send("GET", "/api/v1/runs", client.token("read"), null, Map.of("X-Request-Id", "a b"))
                            .header("X-Request-Id"))
                    .as("one of our own in place of what could break a line")
                    .doesNotContain("a b");
            PlatformClient.Reply made = client.post("/api/v1/tokens", "admin", "{\"name\":\"new\",\"scope\":\"read\"}");
            String secret = made.at("/secret");
            assertThat(secret).as(made.text()).startsWith("isf_");
            client.send("GET", "/api/v1/runs", "isf_wrong-token-of-somebody", null, Map.of());
            client.post("/api/v1/sweeps", "submit", """
                    {"kind":"command","name":"x","experiment":"log","command":["true"],"environment":{"KEY":"hunter2-secret"},
                     "secrets":["KEY"]}""");

            String log = output.getAll();
            JsonNode line = log.lines()
                    .filter(l -> l.startsWith("{") && l.contains("my-request.1"))
                    .map(JsonMapper.shared()::readTree)
                    .findFirst()
                    .orElseThrow(() -> new AssertionError(log));
            assertThat(line.path("request").asString()).isEqualTo("my-request.1");
            assertThat(line.path("run").asString()).isEqualTo("4711");
            assertThat(line.path("attempt").asString()).isEqualTo("3");
            assertThat(log)
                    .doesNotContain(
                            secret,
                            token,
                            "isf_wrong-token-of-somebody",
                            "hunter2-secret",
                            Files.readString(home.resolve("postgres/password")).strip());
        }
    }
}
