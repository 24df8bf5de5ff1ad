package dev.isoflop.platform;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.platform.PlatformClient.Reply;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.simple.JdbcClient;
import tools.jackson.databind.JsonNode;

/** What people see of failures: verdicts, runners that are unwell or set aside, quarantined runs, and how they are taken back. */
@PlatformTest
class FailureApiTests {

    private final PlatformClient client;
    private final JdbcClient jdbc;
    private final CommandRuns commands;
    private long run;

    FailureApiTests(PlatformClient client, JdbcClient jdbc) {
        this.client = client;
        this.jdbc = jdbc;
        this.commands = new CommandRuns(client);
    }

    private JsonNode begin(long runner) {
        return commands.begin(runner, 1).getFirst();
    }

    @BeforeEach
    void submitARun() {
        run = submit("one");
    }

    private long submit(String name) {
        Reply made = client.post("/api/v1/sweeps", "submit", """
                {"kind":"command","name":"%s-%s","experiment":"failures","command":["train"],"pool":"%s","stallAfterSeconds":90}""".formatted(commands.pool, name, commands.pool));
        assertThat(made.status()).as(made.text()).isEqualTo(201);
        return jdbc.sql("select id from run where sweep_id = ?")
                .param(made.body().path("id").asLong())
                .query(Long.class)
                .single();
    }

    private JsonNode waiting() {
        return client.get("/api/v1/runs/" + run).body().path("waiting");
    }

    private void skipBackoff() {
        jdbc.sql("update run set not_before = now() where id = ?").param(run).update();
    }

    @Test
    void aVerdictIsShownWithItsRuleItsEvidenceAndWhatFollows() {
        JsonNode granted = begin(commands.runner("a"));
        assertThat(granted.path("stallAfterSeconds").asInt())
                .as("the sweep's own time")
                .isEqualTo(90);
        commands.fail(granted, "exit code 3: NCCL error: unhandled system error");
        JsonNode verdict =
                client.get("/api/v1/runs/" + run + "/attempts").body().path(0).path("verdict");
        assertThat(verdict.path("failureClass").asString()).isEqualTo("device");
        assertThat(verdict.path("rule").asString()).isEqualTo("nccl");
        assertThat(verdict.path("evidence").asString()).contains("NCCL error");
        assertThat(verdict.path("meaning").asString()).contains("goes to another one");
        skipBackoff();
        assertThat(waiting().path("code").asString()).isEqualTo("runner-unwell");
        assertThat(waiting().path("reason").asString()).contains("kept away from it", "nccl");
    }

    @Test
    void aRunnerSetAsideIsShownAndOnlyAnAdminTakesItBack() {
        long runner = commands.runner("a");
        commands.fail(begin(runner), "GPU has fallen off the bus");
        JsonNode aside = client.get("/api/v1/runners/" + runner).body().path("setAside");
        assertThat(aside.path("reason").asString()).contains("gpu-lost", "fallen off the bus");
        String path = "/api/v1/runners/" + runner + "/set-aside";
        assertThat(client.send("DELETE", path, client.token("submit"), null, Map.of())
                        .status())
                .isEqualTo(403);
        assertThat(client.send("DELETE", path, client.token("runner"), null, Map.of())
                        .status())
                .isEqualTo(403);
        assertThat(client.send("DELETE", path, client.token("admin"), null, Map.of())
                        .status())
                .isEqualTo(204);
        assertThat(client.get("/api/v1/runners/" + runner).body().has("setAside"))
                .isFalse();
        Reply again = client.send("DELETE", path, client.token("admin"), null, Map.of());
        assertThat(again.status()).isEqualTo(404);
        assertThat(again.text()).contains("set aside");
    }

    @Test
    void aFullDiskIsShownOnTheRunnerAndAsTheReasonOfWhatWaits() {
        long runner = commands.runner("a");
        Reply beat = client.post("/api/v1/runners/" + runner + "/heartbeats", "runner", """
                {"instance":"1","freeMemoryBytes":1,"observed":[],"trouble":"The disk of /data has 3 MiB free."}""");
        assertThat(beat.status()).as(beat.text()).isEqualTo(200);
        assertThat(client.get("/api/v1/runners/" + runner)
                        .body()
                        .path("trouble")
                        .asString())
                .contains("3 MiB");
        assertThat(waiting().path("code").asString()).isEqualTo("runner-unwell");
        assertThat(waiting().path("reason").asString()).contains("3 MiB");
        commands.runner("b"); // one that is well
        assertThat(waiting().path("code").asString()).isEqualTo("next");
    }

    @Test
    void aProgramWhoseLossDivergedHasAResult() {
        commands.fail(begin(commands.runner("a")), "exit code 3: FloatingPointError: loss is nan at step 40");
        JsonNode detail = client.get("/api/v1/runs/" + run).body();
        assertThat(detail.path("run").path("state").asString()).isEqualTo("succeeded");
        assertThat(detail.path("run").path("diverged").asBoolean()).isTrue();
        assertThat(detail.path("result").path("exitCode").asInt()).isEqualTo(3);
    }

    @Test
    void aFailedRunIsReleasedByWhoMaySubmitAndGoesOnWithItsMetrics() {
        long runner = commands.runner("a");
        JsonNode first = begin(runner);
        metrics(first, 1);
        commands.fail(first, "CUDA out of memory");
        Reply failed = client.get("/api/v1/runs/" + run);
        assertThat(failed.body().path("run").path("state").asString()).isEqualTo("failed");
        String path = "/api/v1/runs/" + run + "/release";
        assertThat(client.post(path, "submit", "{}").status())
                .as("without If-Match")
                .isEqualTo(428);
        Map<String, String> match =
                Map.of("If-Match", failed.headers().firstValue("ETag").orElseThrow());
        assertThat(client.send("POST", path, client.token("read"), "{}", match).status())
                .isEqualTo(403);
        Reply released = client.send("POST", path, client.token("submit"), "{}", match);
        assertThat(released.status()).as(released.text()).isEqualTo(200);
        assertThat(released.body().path("state").asString()).isEqualTo("queued");
        assertThat(released.body().has("failure")).isFalse();
        JsonNode second = begin(runner);
        assertThat(second.path("attempt").asInt()).isEqualTo(2);
        metrics(second, 2);
        commands.succeed(second);
        JsonNode series = client.get("/api/v1/runs/" + run + "/metrics/series?name=m&maxPoints=10")
                .body();
        assertThat(series.path("last").path(0).asDouble())
                .as("from its beginning anew, as there was no checkpoint")
                .isEqualTo(2);
        assertThat(series.path("points").asInt()).isEqualTo(1);
        assertThat(client.send("POST", path, client.token("submit"), "{}", match)
                        .status())
                .isEqualTo(412);
    }

    private void metrics(JsonNode granted, double value) {
        Reply reply = client.post(CommandRuns.attempt(granted) + "/metrics", "runner", """
                {"seq":0,"series":[{"metric":"m","steps":[1],"values":[%s],"timesMillis":[1]}]}""".formatted(value));
        assertThat(reply.status()).as(reply.text()).isEqualTo(200);
    }
}
