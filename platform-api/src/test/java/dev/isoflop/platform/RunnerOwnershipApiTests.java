package dev.isoflop.platform;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.platform.PlatformClient.Reply;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.jdbc.core.simple.JdbcClient;
import tools.jackson.databind.JsonNode;

/** What the holder of a runner's token can do to the runners of others: nothing. */
@PlatformTest
class RunnerOwnershipApiTests {

    private static final String CORPUS = "ownership.txt";

    private record Token(long id, String secret) {}

    private final PlatformClient client;
    private final JdbcClient jdbc;
    private String pool = "";
    private Token owner = new Token(0, "");
    private Token stranger = new Token(0, "");
    private long runner;
    private long run;

    RunnerOwnershipApiTests(PlatformClient client, JdbcClient jdbc) {
        this.client = client;
        this.jdbc = jdbc;
    }

    @BeforeEach
    void anAttemptOfAnothersRunner() {
        client.readyDataset(CORPUS, 10_000_000);
        pool = "o" + UUID.randomUUID().toString().substring(0, 8);
        Reply made = client.submitSweep(pool, "ownership", CORPUS, pool, 1, 1);
        assertThat(made.status()).as(made.text()).isEqualTo(201);
        owner = token();
        stranger = token();
        Reply registered = register(owner, "runner-" + pool, "1");
        assertThat(registered.status()).as(registered.text()).isEqualTo(200);
        runner = registered.body().path("runnerId").asLong();
        Reply claimed = post(owner, "/api/v1/runners/" + runner + "/claims", claim());
        JsonNode assignment = claimed.body().path("assignments").path(0);
        run = assignment.path("runId").asLong();
        assertThat(assignment.path("attempt").asInt()).as(claimed.text()).isEqualTo(1);
    }

    private Token token() {
        Reply reply = client.post(
                "/api/v1/tokens", "admin", "{\"name\":\"%s\",\"scope\":\"runner\"}".formatted(UUID.randomUUID()));
        assertThat(reply.status()).as(reply.text()).isEqualTo(201);
        return new Token(
                reply.body().at("/token/id").asLong(),
                reply.body().path("secret").asString());
    }

    private Reply post(Token token, String path, String body) {
        return client.send(
                "POST",
                path,
                token.secret(),
                body,
                Map.of("Idempotency-Key", UUID.randomUUID().toString()));
    }

    private Reply register(Token token, String name, String instance) {
        return post(token, "/api/v1/runners", """
                {"name":"%s","instance":"%s","pool":"%s","host":"h","pid":1,"version":"0","slots":4,"cores":2,
                 "memoryBytes":%d,"devices":[],"kinds":["pretrain"]}""".formatted(name, instance, pool, 1L << 40));
    }

    private static String claim() {
        return "{\"slots\":1,\"freeMemoryBytes\":%d,\"kinds\":[\"pretrain\"]}".formatted(1L << 40);
    }

    @ParameterizedTest
    @CsvSource({
        "start, '{}'",
        "finish, '{\"outcome\":\"CANCELLED\"}'",
        "logs, '{\"firstSeq\":0,\"lines\":[]}'",
        "metrics, '{\"firstSeq\":0,\"series\":[]}'",
        "checkpoints, '{\"step\":1,\"tokens\":1,\"trainSeconds\":1,\"files\":[]}'",
    })
    void nothingCanBeReportedOfAnothersAttempt(String what, String body) {
        Reply reply = post(stranger, "/api/v1/runs/%d/attempts/1/%s".formatted(run, what), body);
        assertThat(reply.status()).as(reply.text()).isEqualTo(403);
        assertThat(reply.code()).isEqualTo("forbidden");
        assertThat(jdbc.sql("select state from run where id = ?")
                        .param(run)
                        .query(String.class)
                        .single())
                .isEqualTo("assigned");
    }

    @ParameterizedTest
    @CsvSource({"0x%x, 1", "%%23%x, 1", "0X%x, 0x1", "%d, 0x1", "%d, %%231", "%%20%d, 1", "0%d, 1"})
    void writingTheNumbersOtherwiseOpensNothing(String format, String attempt) {
        Reply reply = post(
                stranger,
                "/api/v1/runs/%s/attempts/%s/start".formatted(format.formatted(run), attempt.replace("%%", "%")),
                "{}");
        assertThat(reply.status()).as(reply.text()).isIn(400, 403);
        assertThat(jdbc.sql("select state from run where id = ?")
                        .param(run)
                        .query(String.class)
                        .single())
                .isEqualTo("assigned");
        String heartbeat = "{\"instance\":\"1\",\"freeMemoryBytes\":1,\"observed\":[]}";
        assertThat(post(stranger, "/api/v1/runners/%s/heartbeats".formatted(format.formatted(runner)), heartbeat)
                        .status())
                .isIn(400, 403);
    }

    @Test
    void nobodyClaimsOrSpeaksInTheNameOfAnothersRunner() {
        String path = "/api/v1/runners/" + runner;
        assertThat(post(stranger, path + "/claims", claim()).status()).isEqualTo(403);
        assertThat(post(stranger, path + "/heartbeats", "{\"instance\":\"1\",\"freeMemoryBytes\":1,\"observed\":[]}")
                        .status())
                .isEqualTo(403);
        assertThat(post(owner, path + "/heartbeats", "{\"instance\":\"1\",\"freeMemoryBytes\":1,\"observed\":[]}")
                        .status())
                .isEqualTo(200);
    }

    @Test
    void theNameOfALivingRunnerCannotBeTaken() {
        Reply reply = register(stranger, "runner-" + pool, "2");
        assertThat(reply.status()).as(reply.text()).isEqualTo(403);
        assertThat(reply.text()).contains("Give this one another name");
        assertThat(jdbc.sql("select instance from runner where id = ?")
                        .param(runner)
                        .query(String.class)
                        .single())
                .isEqualTo("1");
        assertThat(post(owner, "/api/v1/runs/%d/attempts/1/start".formatted(run), "{}")
                        .status())
                .as("it still holds its run")
                .isEqualTo(204);
    }

    @Test
    void theNameIsFreeOnceTheRunnerIsSilentOrItsTokenTakenBack() {
        jdbc.sql("update runner set last_seen = now() - interval '1 hour' where id = ?")
                .param(runner)
                .update();
        assertThat(register(stranger, "runner-" + pool, "2").status()).isEqualTo(200);
        assertThat(register(owner, "runner-" + pool, "3").status()).isEqualTo(403);
        Reply revoked = client.send("DELETE", "/api/v1/tokens/" + stranger.id(), client.token("admin"), null, Map.of());
        assertThat(revoked.status()).isEqualTo(204);
        assertThat(register(owner, "runner-" + pool, "3").status()).isEqualTo(200);
    }

    @Test
    void anAdminMaySpeakForAnyAndARunnerOfBeforeIsNobodysUntilItRegistersAgain() {
        assertThat(client.post("/api/v1/runs/%d/attempts/1/start".formatted(run), "admin", "{}")
                        .status())
                .isEqualTo(204);
        jdbc.sql("update runner set token_id = null where id = ?").param(runner).update();
        String heartbeat = "{\"instance\":\"1\",\"freeMemoryBytes\":1,\"observed\":[]}";
        assertThat(post(owner, "/api/v1/runners/" + runner + "/heartbeats", heartbeat)
                        .status())
                .isEqualTo(200);
        assertThat(register(owner, "runner-" + pool, "1").status()).isEqualTo(200);
        assertThat(post(stranger, "/api/v1/runners/" + runner + "/heartbeats", heartbeat)
                        .status())
                .isEqualTo(403);
    }
}
