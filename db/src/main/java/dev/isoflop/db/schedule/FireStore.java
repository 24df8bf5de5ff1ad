package dev.isoflop.db.schedule;

import static dev.isoflop.db.schedule.ScheduleStore.instant;
import static dev.isoflop.db.schedule.ScheduleStore.optional;
import static dev.isoflop.db.schedule.ScheduleStore.time;

import dev.isoflop.protocol.api.ScheduleViews.FireState;
import dev.isoflop.protocol.api.ScheduleViews.Origin;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;
import org.springframework.transaction.annotation.Propagation;
import org.springframework.transaction.annotation.Transactional;

/**
 * Fires of schedules. The unique (schedule, time) makes a fire happen once, whichever process inserts it and however often
 * it tries.
 */
@Repository
public class FireStore {

    private static final String SELECT = """
            select f.id, f.schedule_id, f.fire_time, f.origin, f.state, f.reason, f.data_run_id, f.sweep_id, s.name,
                   f.created_at, f.settled_at
              from schedule_fire f left join sweep s on s.id = f.sweep_id
            """;

    private final JdbcClient jdbc;
    /** Says which process inserted a row, for people. */
    private final String process = "pid " + ProcessHandle.current().pid();

    FireStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /** @param dataRunId the run that prepares the dataset, once the fire has asked for it */
    public record Row(
            long id,
            long scheduleId,
            Instant fireTime,
            Origin origin,
            FireState state,
            @Nullable String reason,
            @Nullable Long dataRunId,
            @Nullable Long sweepId,
            @Nullable String sweep,
            Instant createdAt,
            @Nullable Instant settledAt) {}

    /**
     * Enters the fire of a schedule whose time has come, unless it is entered already or the schedule is gone, paused or
     * has another timing by now.
     */
    public void due(long scheduleId, Instant fireTime, String cron, String zone) {
        jdbc.sql("""
                        insert into schedule_fire (schedule_id, fire_time, origin, state, inserted_by)
                        select id, :at, 'cron', 'pending', :by from schedule
                         where id = :schedule and not paused and cron = :cron and zone = :zone
                        on conflict (schedule_id, fire_time) do nothing
                        """)
                .param("at", time(fireTime))
                .param("by", process)
                .param("schedule", scheduleId)
                .param("cron", cron)
                .param("zone", zone)
                .update();
    }

    /** @return its id; absent when there is a fire of that time already */
    public OptionalLong enter(
            long scheduleId, Instant fireTime, Origin origin, FireState state, @Nullable String reason) {
        return jdbc.sql("""
                        insert into schedule_fire (schedule_id, fire_time, origin, state, inserted_by, reason, settled_at)
                        values (:schedule, :at, :origin, :state, :by, :reason,
                                case when :state = 'pending' then null else now() end)
                        on conflict (schedule_id, fire_time) do nothing returning id
                        """)
                .param("schedule", scheduleId)
                .param("at", time(fireTime))
                .param("origin", origin.wireName())
                .param("state", state.wireName())
                .param("by", process)
                .param("reason", reason)
                .query(Long.class)
                .optional()
                .map(OptionalLong::of)
                .orElseGet(OptionalLong::empty);
    }

    /** Times after the first instant and up to the second that have a fire. */
    public Set<Instant> times(long scheduleId, Instant after, Instant until) {
        return jdbc
                .sql("select fire_time from schedule_fire where schedule_id = ? and fire_time > ? and fire_time <= ?")
                .param(scheduleId)
                .param(time(after))
                .param(time(until))
                .query((rs, i) -> instant(rs, 1))
                .list()
                .stream()
                .collect(Collectors.toSet());
    }

    /** Schedules with fires that are pending. */
    public List<Long> schedulesWithPending() {
        return jdbc.sql("select distinct schedule_id from schedule_fire where state = 'pending' order by schedule_id")
                .query((rs, i) -> rs.getLong(1))
                .list();
    }

    /** The schedule's pending fires, oldest first. */
    public List<Row> pending(long scheduleId) {
        return jdbc.sql(SELECT + "where f.schedule_id = ? and f.state = 'pending' order by f.fire_time")
                .param(scheduleId)
                .query(FireStore::row)
                .list();
    }

    /** Forgets fires without a sweep that were settled that long ago; those that submitted one stand as long as it does. */
    public int prune(Duration age) {
        return jdbc.sql("""
                        delete from schedule_fire where state in ('skipped', 'missed', 'failed') and sweep_id is null
                           and settled_at < now() - make_interval(secs => ?)
                        """).param((double) age.toSeconds()).update();
    }

    /** Sweeps the schedule has submitted of which a run has not ended, oldest first. */
    public List<Long> sweepsAtWork(long scheduleId) {
        return jdbc.sql("""
                        select f.sweep_id from schedule_fire f
                         where f.schedule_id = ? and f.sweep_id is not null
                           and exists (select from run r where r.sweep_id = f.sweep_id
                                          and r.state not in ('succeeded', 'failed', 'cancelled'))
                         order by f.sweep_id
                        """).param(scheduleId).query((rs, i) -> rs.getLong(1)).list();
    }

    /** Newest first. */
    public List<Row> list(long scheduleId, Instant before, int limit) {
        return jdbc.sql(SELECT + "where f.schedule_id = ? and f.fire_time < ? order by f.fire_time desc limit ?")
                .param(scheduleId)
                .param(time(before))
                .param(limit)
                .query(FireStore::row)
                .list();
    }

    public Optional<Row> find(long id) {
        return jdbc.sql(SELECT + "where f.id = ?")
                .param(id)
                .query(FireStore::row)
                .optional();
    }

    /** Says what a pending fire waits for. */
    @Transactional(propagation = Propagation.MANDATORY)
    public void waits(long id, String reason, @Nullable Long dataRunId) {
        jdbc.sql("""
                        update schedule_fire set reason = :reason, data_run_id = coalesce(:run, data_run_id)
                         where id = :id and state = 'pending'
                           and (reason is distinct from :reason
                                or data_run_id is distinct from coalesce(cast(:run as bigint), data_run_id))
                        """)
                .param("id", id)
                .param("reason", reason)
                .param("run", dataRunId, java.sql.Types.BIGINT)
                .update();
    }

    @Transactional(propagation = Propagation.MANDATORY)
    public void submitted(long id, long sweepId) {
        settle(id, FireState.SUBMITTED, null, sweepId);
    }

    /** Settles a pending fire without a sweep. */
    @Transactional(propagation = Propagation.MANDATORY)
    public void settled(long id, FireState state, String reason) {
        settle(id, state, reason, null);
    }

    private void settle(long id, FireState state, @Nullable String reason, @Nullable Long sweepId) {
        jdbc.sql("""
                        update schedule_fire set state = :state, reason = :reason, sweep_id = :sweep, settled_at = now()
                         where id = :id and state = 'pending'
                        """)
                .param("id", id)
                .param("state", state.wireName())
                .param("reason", reason)
                .param("sweep", sweepId, java.sql.Types.BIGINT)
                .update();
    }

    private static Row row(ResultSet rs, int i) throws SQLException {
        return new Row(
                rs.getLong(1),
                rs.getLong(2),
                instant(rs, 3),
                Origin.valueOf(rs.getString(4).toUpperCase(Locale.ROOT).replace('-', '_')),
                FireState.valueOf(rs.getString(5).toUpperCase(Locale.ROOT)),
                rs.getString(6),
                rs.getObject(7, Long.class),
                rs.getObject(8, Long.class),
                rs.getString(9),
                instant(rs, 10),
                optional(rs, 11));
    }
}
