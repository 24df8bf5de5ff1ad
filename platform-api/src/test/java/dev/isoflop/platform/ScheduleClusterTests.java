package dev.isoflop.platform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.test.context.TestPropertySource;

/** Two platforms on one database: this process, and another that is killed. */
@PlatformTest
@TestPropertySource(properties = "isoflop.schedules.grace=12s")
class ScheduleClusterTests {

    private static final String CORPUS = "cluster.txt";

    private final PlatformClient client;
    private final JdbcClient jdbc;
    private final JdbcConnectionDetails database;
    private final List<Process> others = new ArrayList<>();

    ScheduleClusterTests(PlatformClient client, JdbcClient jdbc, JdbcConnectionDetails database) {
        this.client = client;
        this.jdbc = jdbc;
        this.database = database;
    }

    @AfterEach
    void end() {
        others.forEach(Process::destroyForcibly);
        jdbc.sql("delete from schedule").update();
    }

    private Process other(Path directory) throws Exception {
        Path log = directory.resolve("other.log");
        Process process = new ProcessBuilder(Stream.of(
                                Path.of(System.getProperty("java.home"), "bin", "java")
                                        .toString(),
                                "-cp",
                                System.getProperty("java.class.path"),
                                "-XX:TieredStopAtLevel=1",
                                PlatformApplication.class.getName(),
                                "--server.port=0",
                                "--isoflop.home=" + directory,
                                "--isoflop.database.url=" + database.getJdbcUrl(),
                                "--isoflop.database.user=" + database.getUsername(),
                                "--isoflop.database.password=" + database.getPassword(),
                                "--isoflop.schedules.grace=12s")
                        .toList())
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        others.add(process);
        await().atMost(Duration.ofSeconds(90)).until(() -> {
            assertThat(process.isAlive()).as(Files.readString(log)).isTrue();
            return Files.readString(log).contains("ISOFLOP_READY");
        });
        return process;
    }

    private int firedBy(long pid) {
        return jdbc.sql("select count(*) from schedule_fire where inserted_by = ?")
                .param("pid " + pid)
                .query(Integer.class)
                .single();
    }

    @Test
    void eachFireHappensOnceAndNoneIsLostWhenOneOfTwoIsKilled(@TempDir File directory) throws Exception {
        client.readyDataset(CORPUS, 10_000_000);
        for (int i = 0; i < 3; i++) {
            var made = client.post("/api/v1/schedules", "submit", """
                    {"name":"cluster-%d","cron":"* * * * * ?","overlap":"CANCEL_PREVIOUS",
                     "spec":{"kind":"isoflop","experiment":"cluster","dataset":{"corpus":"%s"},
                             "models":[{"dModel":16,"layers":2,"heads":2}],
                             "budgets":[{"flops":3e10,"batchSequences":2}]}}""".formatted(i, CORPUS));
            assertThat(made.status()).as(made.text()).isEqualTo(201);
        }
        Process other = other(directory.toPath());
        long self = ProcessHandle.current().pid();
        int before = firedBy(self);
        await().atMost(Duration.ofSeconds(60)).until(() -> firedBy(other.pid()) >= 3 && firedBy(self) > before);

        other.destroyForcibly().waitFor();
        Instant killed = Instant.now();

        // a time that only the dead process knew of is entered a grace after it was due
        Instant until = killed.plusSeconds(5).truncatedTo(java.time.temporal.ChronoUnit.SECONDS);
        await().atMost(Duration.ofSeconds(60))
                .until(() -> jdbc.sql("select min(accounted_until) from schedule")
                        .query(OffsetDateTime.class)
                        .single()
                        .toInstant()
                        .isAfter(until));
        assertThat(firedBy(other.pid())).isPositive();
        for (long id : jdbc.sql("select id from schedule").query(Long.class).list()) {
            List<Long> seconds = jdbc.sql("""
                            select extract(epoch from fire_time)::bigint from schedule_fire
                             where schedule_id = ? and fire_time <= ? order by fire_time""")
                    .param(id)
                    .param(until.atOffset(java.time.ZoneOffset.UTC))
                    .query(Long.class)
                    .list();
            assertThat(seconds)
                    .as("each second once, none left out, to the end")
                    .hasSizeGreaterThan(10);
            for (int i = 1; i < seconds.size(); i++) {
                assertThat(seconds.get(i)).isEqualTo(seconds.get(i - 1) + 1);
            }
            assertThat(seconds.getLast()).isEqualTo(until.getEpochSecond());
        }
        assertThat(jdbc.sql("select count(*) from schedule_fire where state in ('missed', 'failed')")
                        .query(Integer.class)
                        .single())
                .isZero();
        await().atMost(Duration.ofSeconds(20))
                .until(() -> jdbc.sql("select count(*) from schedule_fire where state = 'pending' and fire_time <= ?")
                                .param(until.atOffset(java.time.ZoneOffset.UTC))
                                .query(Integer.class)
                                .single()
                        == 0);
        assertThat(jdbc.sql("select count(*) - count(distinct sweep_id) from schedule_fire where state = 'submitted'")
                        .query(Integer.class)
                        .single())
                .as("a sweep of its own for each fire that submitted one")
                .isZero();
    }
}
