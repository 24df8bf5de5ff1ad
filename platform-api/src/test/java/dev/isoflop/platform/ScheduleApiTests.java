package dev.isoflop.platform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.isoflop.platform.PlatformClient.Reply;
import java.time.Duration;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.simple.JdbcClient;
import tools.jackson.databind.JsonNode;

@PlatformTest
class ScheduleApiTests {

    private static final String CORPUS = "schedules.txt";
    private static final String NEVER_SOON = "30 2 * * *";

    private final PlatformClient client;
    private final JdbcClient jdbc;

    ScheduleApiTests(PlatformClient client, JdbcClient jdbc) {
        this.client = client;
        this.jdbc = jdbc;
        client.readyDataset(CORPUS, 10_000_000);
    }

    /** What fires is nothing for the other tests of the platform. */
    @AfterEach
    void takeSchedulesAway() {
        jdbc.sql("delete from schedule").update();
    }

    private static String unique(String name) {
        return name + "-" + UUID.randomUUID().toString().substring(0, 8);
    }

    private static String body(String name, String cron, String more) {
        return body(name, cron, more, CORPUS, "");
    }

    private static String body(String name, String cron, String more, String corpus, String inSpec) {
        return """
                {"name":"%s","cron":"%s","zone":"Europe/Berlin"%s,
                 "spec":{"kind":"isoflop","experiment":"schedules","dataset":{"corpus":"%s"},
                         "models":[{"dModel":16,"layers":2,"heads":2}],
                         "budgets":[{"flops":3e10,"batchSequences":2}]%s}}""".formatted(name, cron, more, corpus, inSpec);
    }

    private Reply create(String body) {
        return client.post("/api/v1/schedules", "submit", body);
    }

    private long made(String body) {
        Reply reply = create(body);
        assertThat(reply.status()).as(reply.text()).isEqualTo(201);
        return reply.body().path("id").asLong();
    }

    private JsonNode firstFire(long id) {
        return client.get("/api/v1/schedules/" + id + "/fires").body().at("/items/0");
    }

    private JsonNode settled(long id) {
        await().atMost(Duration.ofSeconds(20))
                .until(() -> !firstFire(id).path("state").asString("pending").equals("pending"));
        return firstFire(id);
    }

    private int triggers(long id) {
        return jdbc.sql("select count(*) from quartz.qrtz_cron_triggers where trigger_name = ?")
                .param(Long.toString(id))
                .query(Integer.class)
                .single();
    }

    @Test
    void aScheduleSaysWhenItFiresNext() {
        String name = unique("nightly");
        Reply made = create(body(name, NEVER_SOON, ",\"catchUp\":\"ONCE\",\"overlap\":\"QUEUE\""));
        assertThat(made.status()).as(made.text()).isEqualTo(201);
        long id = made.body().path("id").asLong();
        assertThat(made.header("Location")).isEqualTo("/api/v1/schedules/" + id);
        assertThat(made.at("/catchUp")).isEqualTo("ONCE");
        assertThat(made.at("/catchUpLimit")).isEqualTo("10");
        assertThat(made.at("/overlap")).isEqualTo("QUEUE");
        assertThat(made.at("/paused")).isEqualTo("false");
        assertThat(made.at("/spec/name")).isEqualTo(name);
        assertThat(made.body().path("next").values())
                .hasSize(5)
                .allSatisfy(next -> assertThat(next.path("local").asString()).contains("T02:30:00+0"));
        assertThat(made.body().path("recent").size()).isZero();
        assertThat(triggers(id)).isEqualTo(1);
        assertThat(client.get("/api/v1/schedules").at("/items/0/name")).isEqualTo(name);
    }

    @Test
    void aFireSubmitsASweepUnderItsTimeAndNothingElseDoes() {
        String name = unique("seconds");
        long id = made(body(name, "* * * * * ?", ",\"overlap\":\"CANCEL_PREVIOUS\""));
        await().atMost(Duration.ofSeconds(20))
                .until(() ->
                        jdbc.sql("select count(*) from schedule_fire where schedule_id = ? and state = 'submitted'")
                                        .param(id)
                                        .query(Integer.class)
                                        .single()
                                >= 3);
        Reply paused = client.post("/api/v1/schedules/" + id + "/pause", "submit", "");
        assertThat(paused.at("/paused")).isEqualTo("true");
        assertThat(triggers(id)).isZero();
        assertThat(jdbc.sql(
                                "select s.name from schedule_fire f join sweep s on s.id = f.sweep_id where f.schedule_id = ?")
                        .param(id)
                        .query(String.class)
                        .list())
                .doesNotHaveDuplicates()
                .allMatch(sweep -> sweep.matches(name + "-\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d(:\\d\\d)?\\+0[12]00"));
        assertThat(jdbc.sql("select count(*) from schedule_fire where schedule_id = ? and origin <> 'cron'")
                        .param(id)
                        .query(Integer.class)
                        .single())
                .isZero();
        assertThat(jdbc.sql("""
                        select count(*) from run r join schedule_fire f on f.sweep_id = r.sweep_id
                         where f.schedule_id = ? and r.state = 'queued'""").param(id).query(Integer.class).single())
                .as("each cancels the one before it")
                .isEqualTo(1);
        Reply resumed = client.post("/api/v1/schedules/" + id + "/resume", "submit", "");
        assertThat(resumed.at("/paused")).isEqualTo("false");
        assertThat(triggers(id)).isEqualTo(1);
    }

    @Test
    void aRunNowIsOneFireHoweverOftenItIsAskedForWithOneKey() {
        long id = made(body(unique("now"), NEVER_SOON, ",\"paused\":true"));
        Map<String, String> key = Map.of("Idempotency-Key", UUID.randomUUID().toString());
        String path = "/api/v1/schedules/" + id + "/fires";
        Reply first = client.send("POST", path, client.token("submit"), "", key);
        Reply again = client.send("POST", path, client.token("submit"), "", key);
        assertThat(first.status()).as(first.text()).isEqualTo(201);
        assertThat(first.at("/origin")).isEqualTo("manual");
        assertThat(again.body()).isEqualTo(first.body());
        JsonNode fire = settled(id);
        assertThat(fire.path("state").asString()).as(fire.toString()).isEqualTo("submitted");
        assertThat(fire.path("sweep").asString()).contains(".");
        assertThat(client.get("/api/v1/sweeps/" + fire.path("sweepId").asLong()).at("/experiment"))
                .isEqualTo("schedules");
        assertThat(client.get(path).body().path("items").size()).isEqualTo(1);
        Reply second = client.post(path, "submit", "");
        assertThat(second.status()).isEqualTo(201);
        JsonNode skipped = settled(id);
        assertThat(skipped.path("state").asString()).isEqualTo("skipped");
        assertThat(skipped.path("reason").asString())
                .isEqualTo("Sweep %d of an earlier fire is still at work."
                        .formatted(fire.path("sweepId").asLong()));
        Reply page = client.get(path + "?limit=1");
        assertThat(page.body().path("items").size()).isEqualTo(1);
        assertThat(client.get(path + "?limit=1&after=" + page.at("/next")).at("/items/0/state"))
                .isEqualTo("submitted");
    }

    @Test
    void aDatasetThatIsNotReadyIsAskedForAndWaitedFor() {
        String corpus = unique("corpus") + ".txt";
        long id = made(body(unique("data"), NEVER_SOON, "", corpus, ""));
        assertThat(jdbc.sql("select count(*) from dataset where corpus = ?")
                        .param(corpus)
                        .query(Integer.class)
                        .single())
                .as("nothing is prepared before a fire")
                .isZero();
        client.post("/api/v1/schedules/" + id + "/fires", "submit", "");
        await().atMost(Duration.ofSeconds(20))
                .until(() -> firstFire(id).path("reason").asString("").startsWith("Waits for its dataset"));
        long run = jdbc.sql("select run_id from dataset where corpus = ?")
                .param(corpus)
                .query(Long.class)
                .single();
        jdbc.sql("update run set state = 'failed' where id = ?").param(run).update();
        JsonNode fire = settled(id);
        assertThat(fire.path("state").asString()).isEqualTo("failed");
        assertThat(fire.path("reason").asString()).contains("could not be prepared; run " + run + " says why");
        // another fire tries again, and this time it works
        client.post("/api/v1/schedules/" + id + "/fires", "submit", "");
        await().atMost(Duration.ofSeconds(20))
                .until(() -> jdbc.sql("select run_id from dataset where corpus = ?")
                                .param(corpus)
                                .query(Long.class)
                                .single()
                        != run);
        jdbc.sql("""
                        update dataset set detail = (select detail from dataset where corpus = ?) where corpus = ?""").param(CORPUS).param(corpus).update();
        jdbc.sql("update run set state = 'succeeded' where id = (select run_id from dataset where corpus = ?)")
                .param(corpus)
                .update();
        assertThat(settled(id).path("state").asString()).isEqualTo("submitted");
    }

    @Test
    void aScheduleIsChangedByWhoHasSeenIt() {
        String name = unique("changed");
        long id = made(body(name, NEVER_SOON, ""));
        String path = "/api/v1/schedules/" + id;
        Reply seen = client.get(path);
        assertThat(seen.header("ETag")).startsWith("\"0-");
        String other = body(name, "0 4 * * *", "");
        assertThat(client.send("PUT", path, client.token("submit"), other, Map.of())
                        .code())
                .isEqualTo("if-match-missing");
        Reply changed = client.send(
                "PUT", path, client.token("submit"), other, Map.of("If-Match", String.valueOf(seen.header("ETag"))));
        assertThat(changed.status()).as(changed.text()).isEqualTo(200);
        assertThat(changed.header("ETag")).startsWith("\"1-");
        assertThat(changed.at("/next/0/local")).contains("T04:00:00");
        assertThat(jdbc.sql("select cron_expression from quartz.qrtz_cron_triggers where trigger_name = ?")
                        .param(Long.toString(id))
                        .query(String.class)
                        .single())
                .isEqualTo("0 0 4 * * ?");
        assertThat(client.send("PUT", path, client.token("submit"), other, Map.of("If-Match", "\"0\""))
                        .code())
                .isEqualTo("etag-mismatch");
        String taken = unique("taken");
        made(body(taken, NEVER_SOON, ""));
        assertThat(client.send(
                                "PUT",
                                path,
                                client.token("submit"),
                                body(taken, NEVER_SOON, ""),
                                Map.of("If-Match", "*"))
                        .code())
                .isEqualTo("schedule-exists");
        assertThat(client.send("DELETE", path, client.token("submit"), null, Map.of("If-Match", "\"0\""))
                        .status())
                .isEqualTo(412);
        assertThat(client.send("DELETE", path, client.token("submit"), null, Map.of("If-Match", "\"1\""))
                        .status())
                .isEqualTo(204);
        assertThat(client.get(path).status()).isEqualTo(404);
        assertThat(triggers(id)).isZero();
    }

    @Test
    void aScheduleIsNotModifiedUntilItsFiresAre() {
        long id = made(body(unique("tag"), NEVER_SOON, ",\"paused\":true"));
        String path = "/api/v1/schedules/" + id;
        String tag = String.valueOf(client.get(path).header("ETag"));
        assertThat(client.send("GET", path, client.token("read"), null, Map.of("If-None-Match", tag))
                        .status())
                .isEqualTo(304);
        client.post(path + "/fires", "submit", "");
        settled(id);
        Reply fired = client.send("GET", path, client.token("read"), null, Map.of("If-None-Match", tag));
        assertThat(fired.status()).isEqualTo(200);
        assertThat(fired.at("/recent/0/origin")).isEqualTo("manual");
        assertThat(fired.at("/version")).as("nobody has changed it").isEqualTo("0");
        assertThat(client.send("DELETE", path, client.token("submit"), null, Map.of("If-Match", tag))
                        .status())
                .isEqualTo(204);
    }

    @Test
    void whatIsWrongIsNamedByItsPlace() {
        Reply spec = create(body(unique("bad"), NEVER_SOON, "", CORPUS, ",\"contextLength\":2"));
        assertThat(spec.code()).isEqualTo("invalid-sweep");
        assertThat(spec.at("/errors/0/pointer")).isEqualTo("/spec/contextLength");
        Reply unready = create(body(unique("bad"), NEVER_SOON, "", "nobody-asked.txt", ",\"contextLength\":2"));
        assertThat(unready.at("/errors/0/pointer"))
                .as("also while the dataset is not ready")
                .isEqualTo("/spec/contextLength");
        Reply timing = create(body("", "30 2 31 2 *", ",\"catchUpLimit\":0"));
        assertThat(timing.code()).isEqualTo("invalid-request");
        assertThat(timing.body().path("errors").values())
                .extracting(error -> error.path("pointer").asString())
                .containsExactly("/name", "/cron", "/catchUpLimit");
        Reply unknown = create(body(unique("bad"), NEVER_SOON, "", CORPUS, ",\"contextLenght\":128"));
        assertThat(unknown.status()).isEqualTo(400);
        assertThat(unknown.at("/errors/0/pointer")).isEqualTo("/spec/contextLenght");
        String name = unique("twice");
        made(body(name, NEVER_SOON, ""));
        assertThat(create(body(name, NEVER_SOON, "")).code()).isEqualTo("schedule-exists");
        assertThat(client.send(
                                "POST",
                                "/api/v1/schedules",
                                client.token("submit"),
                                body(name, "* * * * *", ""),
                                Map.of())
                        .code())
                .isEqualTo("idempotency-key-missing");
        assertThat(client.post("/api/v1/schedules", "read", body(unique("no"), NEVER_SOON, ""))
                        .status())
                .isEqualTo(403);
    }
}
