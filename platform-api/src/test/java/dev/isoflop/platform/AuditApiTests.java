package dev.isoflop.platform;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.platform.PlatformClient.Reply;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

@PlatformTest
class AuditApiTests {

    private final PlatformClient client;

    AuditApiTests(PlatformClient client) {
        this.client = client;
    }

    private List<JsonNode> newest(int n) {
        Reply reply = client.send("GET", "/api/v1/audit?limit=" + n, client.token("admin"), null, Map.of());
        assertThat(reply.status()).as(reply.text()).isEqualTo(200);
        return List.copyOf(reply.body().path("items").values());
    }

    @Test
    void whoChangedWhatIsWrittenDownWithoutWhatWasSent() {
        String name = "audited " + UUID.randomUUID();
        Reply made = client.post("/api/v1/tokens", "admin", "{\"name\":\"%s\",\"scope\":\"read\"}".formatted(name));
        assertThat(made.status()).as(made.text()).isEqualTo(201);
        JsonNode entry = newest(1).getFirst();
        assertThat(entry.path("method").asString()).isEqualTo("POST");
        assertThat(entry.path("path").asString()).isEqualTo("/api/v1/tokens");
        assertThat(entry.path("token").asString()).isEqualTo("test admin");
        assertThat(entry.path("status").asInt()).isEqualTo(201);
        assertThat(entry.path("location").asString()).isEqualTo(made.header("Location"));
        assertThat(entry.toString()).doesNotContain(name).doesNotContain(made.at("/secret"));
    }

    @Test
    void whatWasRefusedIsThereToo() {
        String path = "/api/v1/tokens/" + Math.abs(UUID.randomUUID().getLeastSignificantBits());
        Reply refused = client.send("DELETE", path, client.token("submit"), null, Map.of());
        assertThat(refused.status()).isEqualTo(403);
        assertThat(newest(20)).anySatisfy(entry -> {
            assertThat(entry.path("path").asString()).isEqualTo(path);
            assertThat(entry.path("status").asInt()).isEqualTo(403);
            assertThat(entry.path("token").asString()).isEqualTo("test submit");
        });
    }

    @Test
    void readingAndWhatRunnersReportIsNotInIt() {
        String runner = "quiet-" + UUID.randomUUID();
        long id = client.registerRunner(runner, 1L << 30);
        client.claim(id, 1, "command");
        client.get("/api/v1/runs?q=" + runner);
        assertThat(newest(50))
                .noneSatisfy(entry -> assertThat(entry.path("path").asString()).contains("/runners"));
    }

    @Test
    void onlyAnAdminReadsItPageByPage() {
        for (int i = 0; i < 3; i++) {
            client.post("/api/v1/tokens", "submit", "{}");
        }
        assertThat(client.get("/api/v1/audit").status()).isEqualTo(403);
        Reply first = client.send("GET", "/api/v1/audit?limit=2", client.token("admin"), null, Map.of());
        Reply second = client.send(
                "GET", "/api/v1/audit?limit=2&after=" + first.at("/next"), client.token("admin"), null, Map.of());
        long last = first.body().at("/items/1/id").asLong();
        assertThat(second.body().at("/items/0/id").asLong()).isLessThan(last);
    }
}
