package dev.isoflop.platform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.isoflop.platform.PlatformClient.Reply;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.util.FileSystemUtils;

/** What a monitoring system sees of a platform whose database and disk come and go. */
class OperationsTests {

    private static final String LIVE = "/actuator/health/liveness";
    private static final String READY = "/actuator/health/readiness";

    @TempDir
    private static Path directory;

    private static int port;
    private static EmbeddedPostgres postgres;
    private static OwnPlatform platform;

    @BeforeAll
    static void start() throws IOException {
        try (ServerSocket free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        postgres = postgres();
        platform = OwnPlatform.start(
                directory.resolve("home"),
                "--isoflop.database.url=" + postgres.getJdbcUrl("postgres", "postgres"),
                "--isoflop.operations.gauges-interval=500ms",
                "--spring.datasource.hikari.connection-timeout=1000");
        platform.client.token("read"); // while there is a database to make it in
    }

    private static EmbeddedPostgres postgres() throws IOException {
        return EmbeddedPostgres.builder()
                .setDataDirectory(directory.resolve("data"))
                .setCleanDataDirectory(false)
                .setPort(port)
                .setServerConfig("fsync", "off")
                .start();
    }

    @AfterAll
    static void end() throws IOException {
        platform.close();
        postgres.close();
    }

    private static Reply anonymous(String path) {
        return platform.client.send("GET", path, null, null, Map.of());
    }

    private static int ready() {
        return anonymous(READY).status();
    }

    private static void becomes(int status) {
        await().atMost(Duration.ofSeconds(30)).until(() -> ready() == status);
    }

    private static String reason(String component) {
        return platform.client.get(READY).at("/components/" + component + "/details/reason");
    }

    @Test
    void readinessFollowsTheDatabaseAndLivenessDoesNot() throws IOException {
        becomes(200);
        assertThat(anonymous(READY).text()).isEqualTo("{\"status\":\"UP\"}");
        postgres.close();
        long began = System.nanoTime();
        becomes(503);
        assertThat(Duration.ofNanos(System.nanoTime() - began))
                .as("said at once, not when a pool gives up")
                .isLessThan(Duration.ofSeconds(8));
        assertThat(anonymous(LIVE).status()).as("a restart would mend nothing").isEqualTo(200);
        assertThat(anonymous(READY).text()).as("nothing about the inside").isEqualTo("{\"status\":\"DOWN\"}");
        postgres = postgres();
        becomes(200);
        assertThat(platform.client.get("/api/v1/overview").status()).isEqualTo(200);
    }

    @Test
    void aDatabaseThatLacksAMigrationIsNotReady() {
        becomes(200);
        JdbcClient jdbc = platform.context.getBean(JdbcClient.class);
        jdbc.sql("update flyway_schema_history set version = version || '000' where version = '7'")
                .update();
        try {
            becomes(503);
            assertThat(reason("database")).isEqualTo("migrations are pending");
            assertThat(platform.client.get(READY).at("/components/database/details/pending/0"))
                    .isEqualTo("7");
        } finally {
            jdbc.sql("update flyway_schema_history set version = '7' where version = '7000'")
                    .update();
        }
        becomes(200);
    }

    @Test
    void anArtifactDiskThatTakesNothingIsNotReady() throws IOException {
        becomes(200);
        Path temporary = directory.resolve("home/artifacts/tmp");
        FileSystemUtils.deleteRecursively(temporary);
        Files.createFile(temporary); // root may write anywhere, but not into a file
        becomes(503);
        assertThat(reason("artifacts")).startsWith("the directory cannot be written");
        assertThat(anonymous(LIVE).status()).isEqualTo(200);
        Files.delete(temporary);
        Files.createDirectory(temporary);
        becomes(200);
    }

    @Test
    void aFullDiskIsNotReady() {
        try (OwnPlatform full = OwnPlatform.start(
                directory.resolve("full"),
                "--isoflop.database.url=" + postgres.getJdbcUrl("postgres", "postgres"),
                "--isoflop.artifacts.least-free=8000000TB")) {
            Reply reply = full.client.get(READY);
            assertThat(reply.status()).isEqualTo(503);
            assertThat(reply.at("/components/artifacts/details/reason")).isEqualTo("the disk is full");
        }
    }

    private static String metrics() {
        Reply reply = platform.client.send(
                "GET", "/actuator/prometheus", platform.client.token("read"), null, Map.of("Accept", "text/plain"));
        assertThat(reply.status()).as(reply.text()).isEqualTo(200);
        return reply.text();
    }

    @Test
    void metricsTellWhatHappens() {
        becomes(200);
        PlatformClient client = platform.client;
        assertThat(anonymous("/actuator/prometheus").status()).isEqualTo(401);
        assertThat(client.send("GET", "/actuator/prometheus", client.token("runner"), null, Map.of())
                        .status())
                .isEqualTo(403);
        client.readyDataset("operations.txt", 10_000_000);
        Reply sweep = client.post("/api/v1/sweeps", "submit", """
                {"kind":"isoflop","name":"ops","experiment":"operations","dataset":{"corpus":"operations.txt"},"pool":"ops",
                 "models":[{"dModel":12,"layers":2,"heads":2},{"dModel":16,"layers":2,"heads":2},{"dModel":24,"layers":2,"heads":2}],
                 "budgets":[{"flops":3e10,"batchSequences":2}]}""");
        assertThat(sweep.status()).as(sweep.text()).isEqualTo(201);
        long runner = client.registerRunner("ops-runner", "ops", 1L << 34);
        client.post("/api/v1/runners/" + runner + "/heartbeats", "runner", """
                {"instance":"1","freeMemoryBytes":1,"observed":[]}""");
        var assigned = client.claim(runner, 1, "pretrain").getFirst();
        client.claim(runner, 1, "data");
        String attempt = "/api/v1/runs/%d/attempts/%d"
                .formatted(
                        assigned.path("runId").asLong(),
                        assigned.path("attempt").asInt());
        client.post(attempt + "/metrics", "runner", """
                {"seq":0,"series":[{"metric":"train/loss","steps":[1,2,3],"values":[3.5,3.25,3.0],"timesMillis":[1,2,3]}]}""");
        String finish = """
                {"outcome":"FAILED","failure":{"category":"OUT_OF_MEMORY","code":"out-of-memory","message":"Too large."}}""";
        client.post(attempt + "/finish", "runner", finish);
        assertThat(client.post(attempt + "/finish", "runner", finish).status())
                .as("a repeat does not count twice")
                .isEqualTo(204);

        await().atMost(Duration.ofSeconds(10))
                .untilAsserted(() -> assertThat(metrics().lines())
                        .contains(
                                "isoflop_runs{pool=\"ops\",state=\"queued\"} 2.0", "isoflop_runners{pool=\"ops\"} 1.0")
                        .anyMatch(line -> line.startsWith("isoflop_queue_age_seconds{pool=\"ops\"} ")));
        List<String> lines = metrics().lines().toList();
        assertThat(lines)
                .contains(
                        "isoflop_attempts_ended_total{failure=\"out_of_memory\",kind=\"pretrain\",outcome=\"failed\"} 1.0")
                .anyMatch(line -> line.matches("isoflop_claims_total\\{outcome=\"granted\"} [1-9].*"))
                .anyMatch(line -> line.matches("isoflop_claims_total\\{outcome=\"empty\"} [1-9].*"))
                .anyMatch(line -> line.matches("isoflop_runs_granted_total [1-9].*"))
                .anyMatch(line -> line.matches("isoflop_heartbeats_total\\{outcome=\"answered\"} [1-9].*"))
                .anyMatch(line -> line.matches("isoflop_metric_points_total [3-9].*"))
                .anyMatch(line -> line.startsWith("http_server_requests_seconds_bucket")
                        && line.contains("uri=\"/api/v1/runners/{runnerId}/claims\""))
                .anyMatch(line -> line.startsWith("hikaricp_connections_active{pool=\"platform\"}"))
                .anyMatch(line -> line.startsWith("hikaricp_connections_active{pool=\"quartz\"}"))
                .anyMatch(line -> line.startsWith("jvm_memory_used_bytes"));
    }
}
