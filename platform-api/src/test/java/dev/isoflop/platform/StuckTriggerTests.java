package dev.isoflop.platform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.isoflop.platform.PlatformClient.Reply;
import java.time.Duration;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.test.context.TestPropertySource;

/** A complaint of Quartz's users, shown not to be one here: triggers that stand still for ever while the scheduler looks healthy. */
@PlatformTest
@TestPropertySource(properties = "isoflop.schedules.interval=1s")
class StuckTriggerTests {

    private final PlatformClient client;
    private final JdbcClient jdbc;

    StuckTriggerTests(PlatformClient client, JdbcClient jdbc) {
        this.client = client;
        this.jdbc = jdbc;
    }

    @AfterEach
    void takeSchedulesAway() {
        jdbc.sql("delete from schedule").update();
    }

    private long everySecond() {
        Reply made = client.post("/api/v1/schedules", "submit", """
                {"name":"s-%s","cron":"* * * * * ?","zone":"UTC","overlap":"SKIP",
                 "spec":{"kind":"command","experiment":"stuck","command":["true"],"pool":"stuck"}}""".formatted(UUID.randomUUID()));
        assertThat(made.status()).as(made.text()).isEqualTo(201);
        return made.body().path("id").asLong();
    }

    private int fires(long id) {
        return jdbc.sql("select count(*) from schedule_fire where schedule_id = ? and origin = 'cron'")
                .param(id)
                .query(Integer.class)
                .single();
    }

    private void awaitFires(long id, int more) {
        int before = fires(id);
        await().atMost(Duration.ofSeconds(30)).until(() -> fires(id) >= before + more);
    }

    /** As after a connection that broke between two of Quartz's statements: taken for firing by nobody, its time long past. */
    @ParameterizedTest
    @ValueSource(strings = {"ACQUIRED", "BLOCKED", "ERROR"})
    void complaint11aTriggerThatStandsStillIsReplacedAndFiresAgain(String state) {
        long id = everySecond();
        awaitFires(id, 2);
        int stuck = jdbc.sql("""
                        update quartz.qrtz_triggers
                           set trigger_state = ?, next_fire_time = (extract(epoch from now() - interval '300 days') * 1000)::bigint
                         where trigger_name = ?
                        """).param(state).param(Long.toString(id)).update();
        assertThat(stuck).isEqualTo(1);
        awaitFires(id, 3);
    }

    @Test
    void complaint11aTriggerThatIsGoneIsMadeAgain() {
        long id = everySecond();
        awaitFires(id, 1);
        jdbc.sql("delete from quartz.qrtz_cron_triggers where trigger_name = ?")
                .param(Long.toString(id))
                .update();
        jdbc.sql("delete from quartz.qrtz_triggers where trigger_name = ?")
                .param(Long.toString(id))
                .update();
        awaitFires(id, 2);
    }
}
