package dev.isoflop.platform;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.db.testing.DatabaseTest;
import dev.isoflop.db.testing.TestDatabase;
import dev.isoflop.platform.PlatformClient.Reply;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.UUID;
import org.flywaydb.core.Flyway;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.jdbc.core.simple.JdbcClient;
import tools.jackson.databind.JsonNode;

/** A database that an earlier release filled is brought up to date by starting this one on it, and nothing in it is lost. */
@DatabaseTest
class UpgradeTests {

    /** Of the release before schedules. */
    private static final String BEFORE = "7";

    /** Where columns of a table have gone since. */
    private static final Map<String, String> MOVED = Map.of("run", "run join run_job on run_id = id");

    private static String filling() throws Exception {
        try (var in = Objects.requireNonNull(UpgradeTests.class.getResourceAsStream("/upgrade/v7.sql"))) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    /** The rows of every table, as JSON with sorted keys, so that columns that came later can be told apart. */
    private static Map<String, List<String>> rows(
            JdbcClient jdbc, Map<String, List<String>> columns, Map<String, String> moved) {
        Map<String, List<String>> all = new TreeMap<>();
        columns.forEach((table, names) -> all.put(
                table,
                jdbc.sql("select row(%s)::text from %s order by 1"
                                .formatted(String.join(", ", names), moved.getOrDefault(table, table)))
                        .query(String.class)
                        .list()));
        return all;
    }

    private static Map<String, List<String>> columns(JdbcClient jdbc) {
        Map<String, List<String>> columns = new TreeMap<>();
        jdbc.sql("""
                        select table_name, column_name from information_schema.columns
                         where table_schema = 'public' and table_name <> 'flyway_schema_history'
                         order by table_name, ordinal_position
                        """).query(row -> {
            columns.computeIfAbsent(row.getString(1), t -> new java.util.ArrayList<>())
                    .add(row.getString(2));
        });
        return columns;
    }

    @Test
    void aDatabaseOfVersionSevenIsReadAsItWasAndWorkGoesOn(@TempDir Path home) throws Exception {
        try (TestDatabase postgres = TestDatabase.start()) {
            Flyway.configure()
                    .dataSource(postgres.dataSource())
                    .target(BEFORE)
                    .load()
                    .migrate();
            JdbcClient jdbc = JdbcClient.create(postgres.dataSource());
            try (var connection = postgres.dataSource().getConnection();
                    var statement = connection.createStatement()) {
                statement.execute(filling());
            }
            Map<String, List<String>> columns = columns(jdbc);
            Map<String, List<String>> before = rows(jdbc, columns, Map.of());
            assertThat(before)
                    .as("a row of every table")
                    .allSatisfy((table, rows) -> assertThat(rows).as(table).isNotEmpty());

            Flyway.configure().dataSource(postgres.dataSource()).load().migrate();
            Map<String, List<String>> after = rows(jdbc, columns, MOVED);
            before.forEach(
                    (table, rows) -> assertThat(after.get(table)).as(table).isEqualTo(rows));

            try (OwnPlatform platform = OwnPlatform.start(
                    home,
                    "--isoflop.database.url=" + postgres.url(),
                    "--isoflop.database.user=" + postgres.user(),
                    "--isoflop.database.password=" + postgres.password(),
                    // so that no attempt is taken away while the test looks
                    "--isoflop.lease.suspect=5m",
                    "--isoflop.lease.ttl=10m")) {
                isReadAsItWas(platform.client);
                workGoesOn(platform.client);
            }
        }
    }

    private static Reply get(PlatformClient client, String path) {
        Reply reply = client.send("GET", "/api/v1" + path, "isf_old-read", null, Map.of());
        assertThat(reply.status()).as(path + ": " + reply.text()).isEqualTo(200);
        return reply;
    }

    private static void isReadAsItWas(PlatformClient client) {
        assertThat(get(client, "/experiments").at("/items/0/name")).isEqualTo("before");
        JsonNode dataset =
                get(client, "/datasets/64217f7fde0c5a7024ba9467c4960bd6").body();
        assertThat(dataset.at("/state").asString()).isEqualTo("ready");
        assertThat(dataset.at("/detail/trainTokens").asLong()).isEqualTo(1_000_000);
        JsonNode sweep = get(client, "/sweeps/1").body();
        assertThat(sweep.at("/name").asString()).isEqualTo("nightly");
        assertThat(sweep.toString()).as("what was dropped").contains("C1e9-d16-s1");
        assertThat(get(client, "/sweeps/1/plan").at("/runs/0/name")).isEqualTo("C3e10-d16-s1");
        assertThat(get(client, "/sweeps/1/export.csv").text().lines())
                .hasSize(5)
                .anyMatch(l -> l.contains("3.25"));
        assertThat(get(client, "/sweeps/1/fits").at("/0/refusal/code")).isEqualTo("too-few-points");

        assertThat(get(client, "/runs/1").at("/run/kind")).isEqualTo("data");
        assertThat(get(client, "/runs/2").body().at("/run/finalLoss").asDouble())
                .isEqualTo(3.25);
        assertThat(get(client, "/runs/5").at("/run/failure/code")).isEqualTo("out-of-memory");
        JsonNode running = get(client, "/runs/3").body();
        assertThat(running.at("/run/state").asString()).isEqualTo("running");
        assertThat(running.at("/run/attempt").asInt()).isEqualTo(2);
        assertThat(get(client, "/runs/3/attempts").body().size()).isEqualTo(2);
        assertThat(get(client, "/runs/3/events").body().size()).isEqualTo(7);
        assertThat(get(client, "/runs/3/logs").at("/items/0/text")).isEqualTo("a line");
        assertThat(get(client, "/runs/3/checkpoints").body().at("/0/step").asLong())
                .isEqualTo(1000);
        assertThat(get(client, "/runs/3/profile").at("/profile/device")).isEqualTo("CPU, 2 threads");

        JsonNode head = get(client, "/runs/3/metrics").body().path(0);
        assertThat(head.path("metric").asString()).isEqualTo("train/loss");
        assertThat(head.path("lastStep").asLong()).isEqualTo(1002);
        JsonNode series = get(client, "/runs/3/metrics/series?name=train/loss&from=999&maxPoints=1000")
                .body();
        assertThat(series.toString())
                .as("the chunk's last, then the second attempt's; the first attempt's step 1001 is shadowed")
                .contains("1.5")
                .doesNotContain("9.0");

        JsonNode runner = get(client, "/runners/1").body();
        assertThat(runner.at("/devices/0/latest/utilisationPercent").asDouble()).isEqualTo(97.5);
        assertThat(get(client, "/runners/1/devices/0/samples")
                        .body()
                        .at("/utilisationPercent/0")
                        .asDouble())
                .isEqualTo(97.5);
        Reply tokens = client.send("GET", "/api/v1/tokens", "isf_old-admin", null, Map.of());
        assertThat(tokens.text()).contains("read of old", "submit of old", "runner of old");
        assertThat(get(client, "/schedules").body().path("items").size()).isZero();
        Reply session =
                client.send("GET", "/api/v1/session", null, null, Map.of("Cookie", "isoflop_session=old-session"));
        assertThat(session.at("/name")).as(session.text()).isEqualTo("read of old");
    }

    private static void workGoesOn(PlatformClient client) {
        Reply more = runner(client, "/runs/3/attempts/2/metrics", """
                {"seq":1,"series":[{"metric":"train/loss","steps":[1003],"values":[1.25],"timesMillis":[1777629700003]}]}""");
        assertThat(more.status()).as(more.text()).isEqualTo(200);
        Reply stale = runner(client, "/runs/3/attempts/1/metrics", """
                {"seq":2,"series":[{"metric":"train/loss","steps":[1003],"values":[7],"timesMillis":[1]}]}""");
        assertThat(stale.code()).isEqualTo("stale-attempt");
        Reply claim = runner(client, "/runners/1/claims", """
                {"slots":4,"freeMemoryBytes":1099511627776,"kinds":["pretrain"]}""");
        assertThat(claim.body().path("assignments").size()).as(claim.text()).isEqualTo(1);
        assertThat(claim.body().at("/assignments/0/job/training/precision").asString())
                .as("what was absent has its default")
                .isEqualTo("FP32");
        assertThat(runner(client, "/runs/4/attempts/1/start", "{}").status()).isEqualTo(204);
        Reply made = client.send(
                "POST",
                "/api/v1/sweeps",
                "isf_old-submit",
                """
                {"kind":"command","name":"new","experiment":"before","command":["true"],"pool":"old"}""",
                Map.of("Idempotency-Key", UUID.randomUUID().toString()));
        assertThat(made.status()).as(made.text()).isEqualTo(201);
        assertThat(made.body().path("id").asLong()).as("ids go on").isEqualTo(2);
    }

    private static Reply runner(PlatformClient client, String path, String body) {
        return client.send(
                "POST",
                "/api/v1" + path,
                "isf_old-runner",
                body,
                Map.of("Idempotency-Key", UUID.randomUUID().toString()));
    }
}
