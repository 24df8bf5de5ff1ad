package dev.isoflop.platform.schedules;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.db.schedule.FireStore;
import dev.isoflop.db.schedule.ScheduleStore;
import dev.isoflop.platform.PlatformTest;
import dev.isoflop.platform.access.Submitter;
import dev.isoflop.platform.sweeps.Sweeps;
import dev.isoflop.protocol.api.ScheduleViews.CatchUp;
import dev.isoflop.protocol.api.ScheduleViews.CreateSchedule;
import dev.isoflop.protocol.api.ScheduleViews.Overlap;
import dev.isoflop.protocol.api.SweepSpec;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.quartz.Scheduler;
import org.quartz.Trigger;
import org.quartz.TriggerKey;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.test.context.TestPropertySource;

/** Quartz stands still here, the reconciler's thread sleeps, and the clock is the test's. */
@PlatformTest
@TestPropertySource(properties = {"spring.quartz.auto-startup=false", "isoflop.schedules.interval=1d"})
class ReconcilerTests {

    /** Long past, so that no clock of the machine plays a part. */
    private static final Instant START = Instant.parse("2020-06-01T00:00:10Z");

    private static final Duration ROUND = Duration.ofSeconds(1);

    private final Schedules schedules;
    private final Accounts accounts;
    private final FireLauncher launcher;
    private final Triggers triggers;
    private final Sweeps sweeps;
    private final FireStore fires;
    private final ScheduleStore store;
    private final Scheduler scheduler;
    private final JdbcClient jdbc;
    private Instant now = START;

    ReconcilerTests(
            Schedules schedules,
            Accounts accounts,
            FireLauncher launcher,
            Triggers triggers,
            Sweeps sweeps,
            FireStore fires,
            ScheduleStore store,
            Scheduler scheduler,
            JdbcClient jdbc) {
        this.schedules = schedules;
        this.accounts = accounts;
        this.launcher = launcher;
        this.triggers = triggers;
        this.sweeps = sweeps;
        this.fires = fires;
        this.store = store;
        this.scheduler = scheduler;
        this.jdbc = jdbc;
    }

    @BeforeEach
    void aDatasetIsReady() {
        if (jdbc.sql("select count(*) from dataset").query(Integer.class).single() == 0) {
            var dataset = sweeps.prepareDataset(spec());
            jdbc.sql("update run set state = 'succeeded' where id = ?")
                    .param(dataset.runId())
                    .update();
            jdbc.sql("update dataset set detail = ?::jsonb where id = ?")
                    .param("""
                            {"kind":"data","id":"%s","trainTokens":10000000,"validationTokens":1000,"validationBytes":4000,
                             "trainDocuments":10,"validationDocuments":1,"vocabSize":1024,"tokenizerHash":"abc","files":[]}
                            """.formatted(dataset.id()))
                    .param(dataset.id())
                    .update();
        }
    }

    @AfterEach
    void clean() {
        jdbc.sql("delete from schedule").update();
        jdbc.sql("delete from schedule_watch").update();
    }

    private static SweepSpec spec() {
        return spec("any", 16);
    }

    private static SweepSpec spec(String name, int dModel) {
        return new SweepSpec.IsoFlop(
                name,
                "reconciler",
                new SweepSpec.DatasetSpec("reconciler.txt", null, null),
                null,
                List.of(new SweepSpec.ModelEntry(null, dModel, 2, 2, null, null, null, null)),
                List.of(new SweepSpec.BudgetEntry(3e10, 2, null, null)),
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                null);
    }

    /** Every minute, as old as the test's clock. */
    private long everyMinute(@Nullable CatchUp catchUp, @Nullable Integer limit, @Nullable Overlap overlap) {
        return schedule("* * * * *", "UTC", catchUp, limit, overlap);
    }

    private long schedule(
            String cron, String zone, @Nullable CatchUp catchUp, @Nullable Integer limit, @Nullable Overlap overlap) {
        long id = schedules
                .create(new CreateSchedule("s-" + UUID.randomUUID(), spec(), cron, zone, catchUp, limit, overlap, null))
                .id();
        jdbc.sql("update schedule set accounted_until = ? where id = ?")
                .param(OffsetDateTime.ofInstant(now, ZoneOffset.UTC))
                .param(id)
                .update();
        return id;
    }

    /** The platform is up that long: a look every second. */
    private void up(Duration duration) {
        Instant end = now.plus(duration);
        while (now.isBefore(end)) {
            accounts.look(now);
            now = now.plus(ROUND);
        }
    }

    private void down(Duration duration) {
        now = now.plus(duration);
    }

    private void quartzFires(long id, String at) {
        var definition = store.find(id).orElseThrow().definition();
        fires.due(id, Instant.parse(at), definition.cron(), definition.zone());
    }

    /** State, origin and time of each fire, oldest first. */
    private List<String> rows(long id) {
        return jdbc.sql("""
                        select state || ' ' || origin || ' ' || to_char(fire_time at time zone 'UTC', 'DD HH24:MI')
                          from schedule_fire where schedule_id = ? order by fire_time""").param(id).query(String.class).list();
    }

    private List<String> reasons(long id) {
        return jdbc.sql("select coalesce(reason, '-') from schedule_fire where schedule_id = ? order by fire_time")
                .param(id)
                .query(String.class)
                .list();
    }

    @Test
    void aFireThatQuartzDidNotBringWhileAPlatformWasUpIsEnteredAfterTheGrace() {
        long id = everyMinute(CatchUp.SKIP, null, null);
        up(Duration.ofSeconds(45));
        quartzFires(id, "2020-06-01T00:01:00Z");
        up(Duration.ofSeconds(120));
        // 00:02:55 by now: 00:01 is there, 00:02 is lost and not yet a grace old
        assertThat(rows(id)).containsExactly("pending cron 01 00:01");
        up(Duration.ofSeconds(10));
        assertThat(rows(id)).containsExactly("pending cron 01 00:01", "pending repair 01 00:02");
        quartzFires(id, "2020-06-01T00:02:00Z");
        assertThat(rows(id)).as("too late, and no second fire").hasSize(2);
    }

    @Test
    void aRestartShorterThanTheGraceLosesNothingWhateverThePolicy() {
        long id = everyMinute(CatchUp.SKIP, null, null);
        up(Duration.ofSeconds(30));
        down(Duration.ofSeconds(50));
        up(Duration.ofSeconds(90));
        assertThat(rows(id)).containsExactly("pending repair 01 00:01");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            SKIP |   | missed cron, missed cron, missed cron, missed cron, missed cron
            ONCE |   | missed cron, missed cron, missed cron, missed cron, pending catch-up
            ALL  |   | pending catch-up, pending catch-up, pending catch-up, pending catch-up, pending catch-up
            ALL  | 2 | missed cron, missed cron, missed cron, pending catch-up, pending catch-up
            """)
    void whatCameDueWhileNoPlatformWasUpFollowsTheCatchUpPolicyOnce(CatchUp policy, Integer limit, String states) {
        long id = everyMinute(policy, limit, null);
        up(Duration.ofSeconds(30));
        down(Duration.ofMinutes(5));
        up(Duration.ofSeconds(65)); // fires of the time since the start are not a grace old yet
        assertThat(rows(id)).hasSize(5);
        assertThat(String.join(
                        ", ",
                        rows(id).stream()
                                .map(row -> row.replaceAll(" 01 .*", ""))
                                .toList()))
                .isEqualTo(states);
        if (policy == CatchUp.SKIP) {
            assertThat(reasons(id).getFirst())
                    .isEqualTo("No platform was up from 2020-06-01T00:00:39Z to 2020-06-01T00:05:40Z;"
                            + " catch-up is SKIP.");
        }
        quartzFires(id, "2020-06-01T00:06:00Z");
        up(Duration.ofSeconds(60));
        assertThat(rows(id)).as("and life goes on").hasSize(6).last().isEqualTo("pending cron 01 00:06");
    }

    @Test
    void twoDowntimesInARowAreOne() {
        long id = everyMinute(CatchUp.ONCE, null, null);
        up(Duration.ofSeconds(30));
        down(Duration.ofMinutes(3));
        up(Duration.ofSeconds(20));
        down(Duration.ofMinutes(3));
        up(Duration.ofSeconds(65));
        assertThat(rows(id).stream().filter(row -> row.startsWith("pending"))).hasSize(1);
        assertThat(rows(id)).hasSize(7).last().isEqualTo("pending catch-up 01 00:07");
    }

    @Test
    void aLongDowntimeOfAFrequentScheduleIsRecordedInPart() {
        long id = schedule("* * * * * ?", "UTC", CatchUp.ONCE, null, null);
        up(Duration.ofSeconds(2));
        down(Duration.ofDays(20));
        up(Duration.ofSeconds(62));
        assertThat(rows(id).stream().filter(row -> row.startsWith("missed"))).hasSize(100);
        assertThat(reasons(id).stream().filter(reason -> reason.endsWith("Earlier ones are not listed.")))
                .hasSize(1);
        assertThat(rows(id).stream().filter(row -> row.contains("catch-up"))).hasSize(1);
    }

    @Test
    void whatComesDueDuringAPauseIsNeitherMissedNorCaughtUpWith() {
        long id = everyMinute(CatchUp.ALL, null, null);
        up(Duration.ofSeconds(10));
        schedules.pause(id, true);
        up(Duration.ofMinutes(5));
        quartzFires(id, "2020-06-01T00:02:00Z");
        assertThat(rows(id)).isEmpty();
        schedules.pause(id, false);
        assertThat(store.find(id).orElseThrow().accountedUntil()).isAfter(now);
        up(Duration.ofMinutes(5));
        assertThat(rows(id)).isEmpty();
    }

    @Test
    void theNightsOfTheChangesAreAccountedForAsTheyFire() {
        now = Instant.parse("2026-10-24T22:00:10Z");
        long autumn = schedule("30 2 * * *", "Europe/Berlin", CatchUp.ALL, 10, null);
        accounts.look(now);
        down(Duration.ofHours(12));
        up(Duration.ofSeconds(62));
        assertThat(rows(autumn)).as("02:30 comes twice and fires once").containsExactly("pending catch-up 25 01:30");
        clean();
        now = Instant.parse("2026-03-28T23:00:10Z");
        long spring = schedule("30 2 * * *", "Europe/Berlin", CatchUp.ALL, 10, null);
        accounts.look(now);
        down(Duration.ofHours(12));
        up(Duration.ofSeconds(62));
        assertThat(rows(spring)).as("02:30 does not come, and is not missed").isEmpty();
    }

    @Test
    void ofFiresThatPileUpTheOverlapPolicyDecides() {
        for (Overlap overlap : Overlap.values()) {
            long id = everyMinute(null, null, overlap);
            quartzFires(id, "2020-06-01T00:01:00Z");
            quartzFires(id, "2020-06-01T00:02:00Z");
            quartzFires(id, "2020-06-01T00:03:00Z");
            launcher.launch();
            assertThat(states(id))
                    .as(overlap.name())
                    .isEqualTo(
                            switch (overlap) {
                                case SKIP -> "submitted skipped skipped";
                                case QUEUE -> "submitted pending pending";
                                case CANCEL_PREVIOUS -> "skipped skipped submitted";
                            });
            quartzFires(id, "2020-06-01T00:04:00Z");
            launcher.launch();
            assertThat(states(id))
                    .as(overlap.name())
                    .isEqualTo(
                            switch (overlap) {
                                case SKIP -> "submitted skipped skipped skipped";
                                case QUEUE -> "submitted pending pending pending";
                                case CANCEL_PREVIOUS -> "skipped skipped submitted submitted";
                            });
            assertThat(fires.sweepsAtWork(id)).hasSize(1);
            if (overlap == Overlap.QUEUE) {
                assertThat(reasons(id).getLast())
                        .isEqualTo("Waits for sweep %d of an earlier fire."
                                .formatted(fires.sweepsAtWork(id).getFirst()));
                sweeps.cancel(fires.sweepsAtWork(id).getFirst(), null);
                launcher.launch();
                assertThat(states(id)).isEqualTo("submitted submitted pending pending");
            }
        }
    }

    @Test
    void aQueueOfFiresThatNobodyWorksOffHasAnEnd() {
        long id = everyMinute(null, null, Overlap.QUEUE);
        for (int minute = 0; minute < FireLauncher.MOST_QUEUED + 3; minute++) {
            quartzFires(id, START.plusSeconds(50 + 60L * minute).toString());
        }
        launcher.launch();
        assertThat(Stream.of(states(id).split(" ")).collect(Collectors.groupingBy(s -> s, Collectors.counting())))
                .isEqualTo(Map.of("submitted", 1L, "pending", (long) FireLauncher.MOST_QUEUED - 1, "skipped", 3L));
        assertThat(reasons(id).getLast()).isEqualTo("100 earlier fires are waiting already.");
    }

    private String states(long id) {
        return String.join(
                " ",
                rows(id).stream().map(row -> row.substring(0, row.indexOf(' '))).toList());
    }

    @Test
    void aFireThatIsRefusedHasFailedAndTheNextOneIsTriedAgain() {
        long id = everyMinute(null, null, null);
        String name = store.find(id).orElseThrow().definition().name();
        sweeps.submit(spec(name + "-2020-06-01T00:01+0000", 24), Submitter.current());
        quartzFires(id, "2020-06-01T00:01:00Z");
        quartzFires(id, "2020-06-01T00:02:00Z");
        launcher.launch();
        assertThat(states(id)).isEqualTo("failed submitted");
        assertThat(reasons(id).getFirst()).contains("already has a sweep named " + name);
    }

    @Test
    void firesOfLongAgoThatCameToNothingAreForgotten() {
        long id = everyMinute(null, null, null);
        sweeps.submit(
                spec(store.find(id).orElseThrow().definition().name() + "-2020-06-01T00:01+0000", 24),
                Submitter.current());
        quartzFires(id, "2020-06-01T00:01:00Z");
        quartzFires(id, "2020-06-01T00:02:00Z");
        launcher.launch();
        quartzFires(id, "2020-06-01T00:03:00Z");
        fires.prune(Reconciler.FIRES_KEPT);
        assertThat(states(id)).as("settled just now").isEqualTo("failed submitted pending");
        jdbc.sql("update schedule_fire set settled_at = settled_at - interval '91 days' where schedule_id = ?")
                .param(id)
                .update();
        fires.prune(Reconciler.FIRES_KEPT);
        assertThat(states(id)).isEqualTo("submitted pending");
    }

    @Test
    void triggersFollowTheSchedules() throws Exception {
        long id = everyMinute(null, null, null);
        TriggerKey key = new TriggerKey(Long.toString(id), "schedules");
        triggers.sync();
        Trigger made = scheduler.getTrigger(key);
        assertThat(made.getMisfireInstruction()).isEqualTo(2);
        assertThat(scheduler.getJobDetail(made.getJobKey()).requestsRecovery()).isFalse();
        // lost, as a database that came back from a copy has lost it
        scheduler.unscheduleJob(key);
        triggers.sync();
        assertThat(scheduler.checkExists(key)).isTrue();
        schedules.pause(id, true);
        triggers.sync();
        assertThat(scheduler.checkExists(key)).isFalse();
    }
}
