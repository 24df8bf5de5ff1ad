package dev.isoflop.platform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.isoflop.platform.PlatformClient.Reply;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.simple.JdbcClient;
import tools.jackson.databind.JsonNode;

/** A sweep of commands from its submission to its result, by HTTP. */
@PlatformTest
class CommandSweepApiTests {

    private final PlatformClient client;
    private final JdbcClient jdbc;

    CommandSweepApiTests(PlatformClient client, JdbcClient jdbc) {
        this.client = client;
        this.jdbc = jdbc;
    }

    private static String sweep(String name, String pool, String more) {
        return """
                {"kind":"command","name":"%s","experiment":"commands","pool":"%s","command":["python3","t.py","--lr={lr}"],
                 "parameters":{"lr":{"values":[0.1,0.01]}},"environment":{"KEY":"hunter22"},"secrets":["KEY"],
                 "files":{"t.py":"print(1)"}%s}""".formatted(name, pool, more);
    }

    private static String unique(String name) {
        return name + "-" + UUID.randomUUID().toString().substring(0, 8);
    }

    private Reply submit(String body) {
        return client.post("/api/v1/sweeps", "submit", body);
    }

    private JsonNode firstRun(long sweep) {
        return client.get("/api/v1/runs?sort=id&sweep=" + sweep).body().at("/items/0");
    }

    @Test
    void aSweepOfCommandsBecomesARunForEachCellAndItsSecretsAreNotShown() {
        String pool = unique("pool");
        Reply plan = client.post("/api/v1/sweeps?validateOnly=true", "submit", sweep(unique("plan"), pool, ""));
        assertThat(plan.status()).as(plan.text()).isEqualTo(200);
        assertThat(plan.at("/runs/1/name")).isEqualTo("lr=0.01");

        String name = unique("commands");
        Reply made = submit(sweep(name, pool, ""));
        assertThat(made.status()).as(made.text()).isEqualTo(201);
        assertThat(made.text()).doesNotContain("hunter22");
        long sweep = made.body().path("id").asLong();
        assertThat(made.body().has("datasetId")).isFalse();
        JsonNode run = firstRun(sweep);
        assertThat(run.path("name").asString()).isEqualTo("lr=0.1");
        assertThat(run.path("kind").asString()).isEqualTo("command");
        Reply detail = client.get("/api/v1/runs/" + run.path("id").asLong());
        assertThat(detail.text()).doesNotContain("hunter22");
        assertThat(detail.at("/job/argv/2")).isEqualTo("--lr=0.1");
        assertThat(detail.at("/job/parameters/lr")).isEqualTo("0.1");
        assertThat(detail.at("/job/inputs/0/name")).isEqualTo("t.py");

        for (String path : List.of("/api/v1/sweeps/" + sweep, "/api/v1/sweeps", "/api/v1/overview")) {
            Reply reply = client.get(path);
            assertThat(reply.status()).as(path + reply.text()).isEqualTo(200);
            assertThat(reply.text()).doesNotContain("hunter22");
        }
        assertThat(client.get("/api/v1/sweeps/" + sweep + "/plan").at("/runs/0/name"))
                .isEqualTo("lr=0.1");
        assertThat(client.get("/api/v1/sweeps/" + sweep + "/export.csv").text())
                .contains("lr=0.1")
                .contains("lr=0.01");
        assertThat(client.get("/api/v1/sweeps/" + sweep + "/export.parquet").status())
                .isEqualTo(200);
        Reply again = submit(sweep(name, pool, ""));
        assertThat(again.code()).isEqualTo("sweep-exists");
        assertThat(again.text()).contains("it is the same").doesNotContain("hunter22");
        Reply fit = client.post("/api/v1/sweeps/" + sweep + "/fits", "submit", "{}");
        assertThat(fit.code()).isEqualTo("incomparable-runs");
    }

    @Test
    void aRunnerGetsTheRealEnvironmentAndHandsBackMetricsAndFiles() throws Exception {
        String pool = unique("pool");
        Reply made = submit(sweep(unique("run"), pool, ",\"outputs\":[\"out/*\"]"));
        assertThat(made.status()).as(made.text()).isEqualTo(201);
        long runner = client.registerRunner(unique("runner"), pool, 1L << 36);
        JsonNode assignment = client.claim(runner, 1, "command").getFirst();
        assertThat(assignment.at("/job/environment/KEY").asString()).isEqualTo("hunter22");
        long run = assignment.path("runId").asLong();
        String attempt = "/api/v1/runs/" + run + "/attempts/1";
        assertThat(client.post(attempt + "/start", "runner", "").status()).isEqualTo(204);
        String content = "{\"ok\":true}";
        String sha = HexFormat.of()
                .formatHex(MessageDigest.getInstance("SHA-256").digest(content.getBytes(StandardCharsets.UTF_8)));
        Reply put = client.send(
                "PUT",
                "/api/v1/artifacts/" + sha,
                client.token("runner"),
                content,
                Map.of("Content-Type", "application/octet-stream"));
        assertThat(put.status()).isBetween(200, 204);
        Reply finish = client.post(attempt + "/finish", "runner", """
                {"outcome":"SUCCEEDED","result":{"kind":"command","exitCode":0,"metrics":{"train/loss":0.5,"bad":"NaN"},
                 "outputs":[{"name":"out/r.json","sha256":"%s","bytes":%d}],"wallSeconds":1.5}}""".formatted(sha, content.length()));
        assertThat(finish.status()).as(finish.text()).isEqualTo(204);
        Reply detail = client.get("/api/v1/runs/" + run);
        assertThat(detail.at("/run/state")).isEqualTo("succeeded");
        assertThat(detail.at("/result/metrics/train~1loss")).isEqualTo("0.5");
        assertThat(client.get("/api/v1/runs/" + run + "/artifacts/out/r.json").text())
                .isEqualTo(content);
    }

    @Test
    void aRunnerWithoutEnoughGpusIsNotGrantedTheRun() {
        String pool = unique("pool");
        assertThat(submit(sweep(unique("gpus"), pool, ",\"gpus\":2")).status()).isEqualTo(201);
        long runner = client.registerRunner(unique("cpu"), pool, 1L << 36);
        assertThat(client.claim(runner, 1, "command")).isEmpty();
        Reply two = client.post("/api/v1/runners", "runner", """
                {"name":"%s","instance":"1","pool":"%s","host":"h","pid":1,"version":"0","slots":4,"cores":2,
                 "memoryBytes":1024,"kinds":["command"],"devices":[{"index":0,"name":"a","memoryBytes":1},
                 {"index":1,"name":"b","memoryBytes":1}]}""".formatted(unique("gpu"), pool));
        assertThat(client.claim(two.body().path("runnerId").asLong(), 1, "command"))
                .hasSize(1);
    }

    @Test
    void theOrderOfItsParametersIsKept() {
        String body = sweep(unique("order"), unique("pool"), ",\"search\":{\"count\":2}")
                .replace("{\"lr\":{\"values\":[0.1,0.01]}}", """
                        {"learning_rate":{"min":0,"max":1},"lr":{"min":0,"max":1}}""");
        Reply made = submit(body);
        assertThat(made.status()).as(made.text()).isEqualTo(201);
        long sweep = made.body().path("id").asLong();
        String first = "learning_rate=0.5,lr=0.33333";
        assertThat(firstRun(sweep).path("name").asString()).isEqualTo(first);
        assertThat(client.get("/api/v1/sweeps/" + sweep + "/plan").at("/runs/0/name"))
                .isEqualTo(first);
    }

    @Test
    void aScheduleSubmitsCommandsAndKeepsTheirSecrets() {
        String name = unique("scheduled");
        String schedule = """
                {"name":"%s","cron":"30 2 * * *","paused":true,"spec":%s}""".formatted(name, sweep(name, unique("pool"), ""));
        Reply made = client.post("/api/v1/schedules", "submit", schedule);
        assertThat(made.status()).as(made.text()).isEqualTo(201);
        assertThat(made.text()).doesNotContain("hunter22");
        String path = "/api/v1/schedules/" + made.body().path("id").asLong();
        Reply seen = client.get(path);
        assertThat(seen.text()).doesNotContain("hunter22");
        // sent back as it was seen, with another time
        Reply changed = client.send(
                "PUT",
                path,
                client.token("submit"),
                "{\"name\":\"%s\",\"cron\":\"0 3 * * *\",\"spec\":%s}"
                        .formatted(name, seen.body().path("spec")),
                Map.of("If-Match", String.valueOf(seen.header("ETag"))));
        assertThat(changed.status()).as(changed.text()).isEqualTo(200);
        client.post(path + "/fires", "submit", "");
        await().atMost(Duration.ofSeconds(20))
                .until(() -> client.get(path).at("/recent/0/state").equals("submitted"));
        JsonNode run = firstRun(client.get(path).body().at("/recent/0/sweepId").asLong());
        assertThat(jdbc.sql("select spec #>> '{environment,KEY}' from run_job where run_id = ?")
                        .param(run.path("id").asLong())
                        .query(String.class)
                        .single())
                .isEqualTo("hunter22");
        assertThat(client.get("/api/v1/schedules").text()).doesNotContain("hunter22");
        // but not into another schedule, which has no secret of that name
        Reply copied = client.post(
                "/api/v1/schedules",
                "submit",
                "{\"name\":\"%s\",\"cron\":\"0 3 * * *\",\"spec\":%s}"
                        .formatted(unique("copy"), seen.body().path("spec")));
        assertThat(copied.at("/errors/0/pointer")).isEqualTo("/spec/environment/KEY");
        client.send("DELETE", path, client.token("submit"), null, Map.of("If-Match", "*"));
    }

    @Test
    void aRunnerIsNotGrantedMoreGpusThanItHasInAll() {
        String pool = unique("pool");
        assertThat(submit(sweep(unique("gpus"), pool, ",\"gpus\":1")).status()).isEqualTo(201);
        assertThat(submit(sweep(unique("none"), pool, "")).status()).isEqualTo(201);
        Reply one = client.post("/api/v1/runners", "runner", """
                {"name":"%s","instance":"1","pool":"%s","host":"h","pid":1,"version":"0","slots":8,"cores":2,
                 "memoryBytes":1024,"kinds":["command"],"devices":[{"index":0,"name":"a","memoryBytes":1}]}""".formatted(unique("gpu"), pool));
        long runner = one.body().path("runnerId").asLong();
        assertThat(client.claim(runner, 8, "command"))
                .as("one with the GPU and those that need none; the second that wants it waits for one elsewhere")
                .extracting(granted -> granted.path("job").path("gpus").asInt())
                .containsExactlyInAnyOrder(1, 0, 0);
        assertThat(client.claim(runner, 8, "command")).isEmpty();
    }

    @Test
    void whatIsWrongWithASweepOfCommandsIsAProblemWithItsField() {
        Reply reply = submit(sweep(unique("bad"), "p", "").replace("{lr}", "{rl}"));
        assertThat(reply.status()).isEqualTo(422);
        assertThat(reply.code()).isEqualTo("invalid-sweep");
        assertThat(reply.at("/errors/0/pointer")).isEqualTo("/command/2");
    }
}
