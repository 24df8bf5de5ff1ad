package dev.isoflop.platform;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.simple.JdbcClient;
import tools.jackson.databind.JsonNode;

/** Pools over HTTP. */
@PlatformTest
class PoolApiTests {

    private final PlatformClient client;
    private final JdbcClient jdbc;

    PoolApiTests(PlatformClient client, JdbcClient jdbc) {
        this.client = client;
        this.jdbc = jdbc;
    }

    @Test
    void aPoolWithAQueueAndNoProviderSaysThatItsRunnersAreStartedByHand() {
        String pool = "p" + UUID.randomUUID();
        jdbc.sql("insert into run (name, kind, state, pool) values ('r', 'pretrain', 'queued', ?)")
                .param(pool)
                .update();
        try {
            JsonNode found = find(pool);
            assertThat(found.path("queued").asInt()).isEqualTo(1);
            assertThat(found.path("runners").asInt(-1)).isZero();
            assertThat(found.path("note").asString()).contains("started by hand");
            assertThat(found.has("provider")).isFalse();
            assertThat(found.path("launches").isEmpty()).isTrue();
        } finally {
            jdbc.sql("delete from run where pool = ?").param(pool).update();
        }
    }

    @Test
    void launchesOfAPoolWhoseSettingsAreGoneAreShownWithThatReason() {
        String pool = "p" + UUID.randomUUID();
        jdbc.sql("insert into runner_launch (key, pool, provider, state, slots) values (?, ?, 'slurm', 'running', 1)")
                .params("key-" + pool, pool)
                .update();
        try {
            JsonNode found = find(pool);
            assertThat(found.path("note").asString()).contains("settings of this pool are gone");
            assertThat(found.at("/launches/0/state").asString()).isEqualTo("running");
            assertThat(found.at("/launches/0/runner").asString()).isEqualTo("key-" + pool);
        } finally {
            jdbc.sql("delete from runner_launch where pool = ?").param(pool).update();
        }
    }

    private JsonNode find(String pool) {
        PlatformClient.Reply reply = client.get("/api/v1/pools");
        assertThat(reply.status()).isEqualTo(200);
        return reply.body()
                .valueStream()
                .filter(p -> p.path("name").asString().equals(pool))
                .findFirst()
                .orElseThrow();
    }
}
