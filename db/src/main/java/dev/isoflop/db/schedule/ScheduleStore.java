package dev.isoflop.db.schedule;

import dev.isoflop.protocol.api.ScheduleViews.CatchUp;
import dev.isoflop.protocol.api.ScheduleViews.Overlap;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;
import org.springframework.transaction.annotation.Propagation;
import org.springframework.transaction.annotation.Transactional;

/**
 * Schedules, and when they were last looked at.
 *
 * <p>Concurrency: a schedule's row is locked by whoever turns its fires into sweeps or accounts for its fire times, before
 * any row of a fire. {@link #watch} lets one platform look at a time.
 */
@Repository
public class ScheduleStore {

    private static final String SELECT = """
            select id, name, spec, cron, zone, catch_up, catch_up_limit, overlap, paused, accounted_until, created_at,
                   updated_at, version from schedule
            """;

    private final JdbcClient jdbc;

    ScheduleStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /**
     * What a person says about a schedule.
     *
     * @param specJson SweepSpec
     * @param cron as it was written
     * @param zone IANA name
     */
    public record Definition(
            String name,
            String specJson,
            String cron,
            String zone,
            CatchUp catchUp,
            int catchUpLimit,
            Overlap overlap) {}

    /** @param accountedUntil every fire time up to here has its row, or needs none */
    public record Row(
            long id,
            Definition definition,
            boolean paused,
            Instant accountedUntil,
            Instant createdAt,
            Instant updatedAt,
            long version) {}

    /**
     * When the schedules were last looked at, by any platform.
     *
     * @param downFrom begin of the last time that nobody looked for long
     * @param downTo its end
     */
    public record Watch(
            Instant lookedAt,
            @Nullable Instant downFrom,
            @Nullable Instant downTo) {}

    /** @return its id; absent when there is one of that name */
    @Transactional(propagation = Propagation.MANDATORY)
    public OptionalLong create(Definition schedule, boolean paused) {
        return jdbc.sql("""
                        insert into schedule (name, spec, cron, zone, catch_up, catch_up_limit, overlap, paused)
                        values (:name, :spec::json, :cron, :zone, :catchUp, :limit, :overlap, :paused)
                        on conflict (name) do nothing returning id
                        """)
                .param("name", schedule.name())
                .param("spec", schedule.specJson())
                .param("cron", schedule.cron())
                .param("zone", schedule.zone())
                .param("catchUp", schedule.catchUp().wireName())
                .param("limit", schedule.catchUpLimit())
                .param("overlap", schedule.overlap().wireName())
                .param("paused", paused)
                .query(Long.class)
                .optional()
                .map(OptionalLong::of)
                .orElseGet(OptionalLong::empty);
    }

    /**
     * Stores what it is from now on. Times before now that have no row need none any more: they were of the old schedule.
     *
     * @param timing whether cron or zone are others
     */
    @Transactional(propagation = Propagation.MANDATORY)
    public void update(long id, Definition schedule, boolean timing) {
        jdbc.sql("""
                        update schedule
                           set name = :name, spec = :spec::json, cron = :cron, zone = :zone, catch_up = :catchUp,
                               catch_up_limit = :limit, overlap = :overlap, version = version + 1, updated_at = now(),
                               accounted_until = case when :timing then now() else accounted_until end
                         where id = :id
                        """)
                .param("id", id)
                .param("timing", timing)
                .param("name", schedule.name())
                .param("spec", schedule.specJson())
                .param("cron", schedule.cron())
                .param("zone", schedule.zone())
                .param("catchUp", schedule.catchUp().wireName())
                .param("limit", schedule.catchUpLimit())
                .param("overlap", schedule.overlap().wireName())
                .update();
    }

    /** Fire times within a pause need no row: a resumed schedule is accounted for until now. */
    @Transactional(propagation = Propagation.MANDATORY)
    public void pause(long id, boolean paused) {
        jdbc.sql("""
                        update schedule set paused = :paused, version = version + 1, updated_at = now(),
                               accounted_until = now()
                         where id = :id and paused <> :paused
                        """).param("id", id).param("paused", paused).update();
    }

    /** Takes the schedule and its fires away; the sweeps they submitted stay. */
    @Transactional(propagation = Propagation.MANDATORY)
    public void delete(long id) {
        jdbc.sql("delete from schedule where id = ?").param(id).update();
    }

    public Optional<Row> find(long id) {
        return jdbc.sql(SELECT + "where id = ?")
                .param(id)
                .query(ScheduleStore::row)
                .optional();
    }

    /**
     * Newest first.
     *
     * @param hidden experiments whose schedules are left out
     */
    public List<Row> list(long before, int limit, Collection<Long> hidden) {
        return jdbc.sql(SELECT + """
                        where id < :before
                          and not exists (select 1 from experiment e
                                           where e.id = any(:hidden) and e.name = schedule.spec ->> 'experiment')
                        order by id desc limit :limit
                        """)
                .param("before", before)
                .param("hidden", hidden.toArray(Long[]::new))
                .param("limit", limit)
                .query(ScheduleStore::row)
                .list();
    }

    /** Those that are not paused. */
    public List<Row> active() {
        return jdbc.sql(SELECT + "where not paused order by id")
                .query(ScheduleStore::row)
                .list();
    }

    /** The schedule as it is now, locked until the transaction ends. */
    @Transactional(propagation = Propagation.MANDATORY)
    public Optional<Row> lock(long id) {
        return jdbc.sql(SELECT + "where id = ? for no key update")
                .param(id)
                .query(ScheduleStore::row)
                .optional();
    }

    /** As {@link #lock}; absent also when another holds it, who is then doing what the caller would do. */
    @Transactional(propagation = Propagation.MANDATORY)
    public Optional<Row> tryLock(long id) {
        return jdbc.sql(SELECT + "where id = ? for no key update skip locked")
                .param(id)
                .query(ScheduleStore::row)
                .optional();
    }

    @Transactional(propagation = Propagation.MANDATORY)
    public void accountedUntil(long id, Instant until) {
        jdbc.sql("update schedule set accounted_until = ? where id = ?")
                .param(time(until))
                .param(id)
                .update();
    }

    /** The database's clock. */
    public Instant now() {
        return jdbc.sql("select now()").query((rs, i) -> instant(rs, 1)).single();
    }

    /**
     * The watch, locked until the transaction ends; it begins at the time given if there was none.
     *
     * @return absent when another platform is looking
     */
    @Transactional(propagation = Propagation.MANDATORY)
    public Optional<Watch> watch(Instant now) {
        jdbc.sql("insert into schedule_watch (looked_at) values (?) on conflict do nothing")
                .param(time(now))
                .update();
        return jdbc.sql("select looked_at, down_from, down_to from schedule_watch for update skip locked")
                .query((rs, i) -> new Watch(instant(rs, 1), optional(rs, 2), optional(rs, 3)))
                .optional();
    }

    @Transactional(propagation = Propagation.MANDATORY)
    public void watched(Watch watch) {
        jdbc.sql("update schedule_watch set looked_at = :at, down_from = :from, down_to = :to")
                .param("at", time(watch.lookedAt()))
                .param("from", time(watch.downFrom()), java.sql.Types.TIMESTAMP_WITH_TIMEZONE)
                .param("to", time(watch.downTo()), java.sql.Types.TIMESTAMP_WITH_TIMEZONE)
                .update();
    }

    private static Row row(ResultSet rs, int i) throws SQLException {
        return new Row(
                rs.getLong(1),
                new Definition(
                        rs.getString(2),
                        rs.getString(3),
                        rs.getString(4),
                        rs.getString(5),
                        CatchUp.valueOf(rs.getString(6).toUpperCase(Locale.ROOT)),
                        rs.getInt(7),
                        Overlap.valueOf(rs.getString(8).toUpperCase(Locale.ROOT))),
                rs.getBoolean(9),
                instant(rs, 10),
                instant(rs, 11),
                instant(rs, 12),
                rs.getLong(13));
    }

    static @Nullable OffsetDateTime time(@Nullable Instant instant) {
        return instant == null ? null : instant.atOffset(ZoneOffset.UTC);
    }

    static Instant instant(ResultSet rs, int column) throws SQLException {
        return rs.getObject(column, OffsetDateTime.class).toInstant();
    }

    static @Nullable Instant optional(ResultSet rs, int column) throws SQLException {
        OffsetDateTime time = rs.getObject(column, OffsetDateTime.class);
        return time == null ? null : time.toInstant();
    }
}
