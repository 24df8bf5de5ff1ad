package dev.isoflop.db.runner;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;

/** Runners that were asked of a provider, and what the last look at each pool found. All times are the database's. */
@Repository
public class LaunchStore {

    private static final String COLUMNS = """
            l.id, l.key, l.pool, l.provider, l.external_id, l.state, l.slots, l.token_id, l.instance, l.place, l.reason,
            l.asked_at, l.started_at, l.stop_asked_at, l.ended_at,
            extract(epoch from now() - l.asked_at)::float8 as asked_s,
            extract(epoch from now() - coalesce(l.started_at, l.asked_at))::float8 as started_s,
            extract(epoch from now() - l.stop_asked_at)::float8 as stop_asked_s
            """;

    /** GPUs that run r has for itself, and the slots that takes. */
    private static final String GPUS = "coalesce(r.gpus, 0)";

    private static final String SLOTS = "greatest(1, ceil(:slots::numeric * " + GPUS + " / greatest(1, :gpus)))";

    private final JdbcClient jdbc;

    LaunchStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /** Where a launch is. */
    public enum State {
        /** The provider may have been asked, and has not answered. */
        ASKED,
        /** In the provider's queue. */
        WAITING,
        RUNNING,
        /** Told to end. */
        STOPPING,
        ENDED,
        /** Never started. */
        FAILED;

        String stored() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /**
     * @param slots runs it is expected to take at once
     * @param instance of the runner that registered under the key
     * @param askedSeconds since it was asked for
     * @param startedSeconds since it started, or was asked for
     * @param stopAskedSeconds since it was told to end; absent if it was not
     */
    public record Launch(
            long id,
            String key,
            String pool,
            String provider,
            @Nullable String externalId,
            State state,
            int slots,
            @Nullable Long tokenId,
            @Nullable String instance,
            @Nullable String place,
            @Nullable String reason,
            Instant askedAt,
            @Nullable Instant startedAt,
            @Nullable Instant endedAt,
            double askedSeconds,
            double startedSeconds,
            @Nullable Double stopAskedSeconds) {}

    /**
     * What one runner has.
     *
     * @param slots runs it takes at once; a command that has GPUs for itself takes its share of them
     */
    public record Size(long memoryBytes, int gpus, int slots) {

        /** Of which nothing is known: it may have whatever a run needs. */
        public static final Size ANY = new Size(Long.MAX_VALUE, Integer.MAX_VALUE, 1);
    }

    /**
     * Runs that wait.
     *
     * @param settled those that have been in the queue for longer than the time asked about
     * @param settledSlots what they take of a runner's slots
     * @param tooLarge those that need more memory or GPUs than a runner has; not among the others
     */
    public record Queue(int settled, int fresh, int settledSlots, int freshSlots, int tooLarge) {}

    /**
     * A runner of the pool that is being heard from.
     *
     * @param held runs it holds
     * @param heldSlots what they take of its slots
     * @param idleSeconds since it registered or its last run ended, whichever is later
     */
    public record Live(String name, int slots, int held, int heldSlots, double idleSeconds) {}

    /** Launches in a row, the latest ones, that ended without having taken a run; and how long ago the last ended. */
    public record Fruitless(int count, double secondsSince) {}

    /** @param due whether the provider may be asked again */
    public record Pool(
            String pool,
            String note,
            @Nullable String error,
            int failures,
            Instant retryAt,
            Instant checkedAt,
            boolean due) {}

    /** What tells this database's launches from those of others at the same provider: eight hexadecimal digits. */
    public String installation() {
        return jdbc.sql("select id from installation").query(String.class).single();
    }

    /** Notes that one will be asked for. */
    public void ask(String key, String pool, String provider, int slots, long tokenId) {
        jdbc.sql(
                        "insert into runner_launch (key, pool, provider, state, slots, token_id) values (?, ?, ?, 'asked', ?, ?)")
                .params(key, pool, provider, slots, tokenId)
                .update();
    }

    /** Those that have not ended, oldest first. */
    public List<Launch> open(String pool) {
        return jdbc.sql("select " + COLUMNS
                        + " from runner_launch l where l.pool = ? and l.ended_at is null order by l.id")
                .param(pool)
                .query((rs, i) -> launch(rs))
                .list();
    }

    /** Newest first. */
    public List<Launch> latest(String pool, int limit) {
        return jdbc.sql("select " + COLUMNS + " from runner_launch l where l.pool = ? order by l.id desc limit ?")
                .params(pool, limit)
                .query((rs, i) -> launch(rs))
                .list();
    }

    public Optional<Launch> find(String key) {
        return jdbc.sql("select " + COLUMNS + " from runner_launch l where l.key = ?")
                .param(key)
                .query((rs, i) -> launch(rs))
                .optional();
    }

    /** Notes what the provider said. One that was told to end stays so. */
    public void seen(long id, String externalId, boolean running, @Nullable String place, @Nullable String reason) {
        jdbc.sql("""
                        update runner_launch set external_id = :external, place = :place,
                            reason = case when state = 'stopping' then reason else :reason end,
                            started_at = case when :running then coalesce(started_at, now()) end,
                            state = case when state = 'stopping' then state
                                         when :running then 'running' else 'waiting' end
                        where id = :id and ended_at is null
                        """)
                .param("external", externalId)
                .param("running", running)
                .param("place", place, java.sql.Types.VARCHAR)
                .param("reason", reason, java.sql.Types.VARCHAR)
                .param("id", id)
                .update();
    }

    public void stopping(long id, String reason) {
        jdbc.sql(
                        "update runner_launch set state = 'stopping', stop_asked_at = now(), reason = ? where id = ? and ended_at is null")
                .params(reason, id)
                .update();
    }

    /** @param failed it never started */
    public void ended(long id, boolean failed, String reason) {
        jdbc.sql("update runner_launch set state = ?, ended_at = now(), reason = ? where id = ? and ended_at is null")
                .params((failed ? State.FAILED : State.ENDED).stored(), reason, id)
                .update();
    }

    /** Notes which processes have registered under the keys of the pool's launches. */
    public void noteRegistrations(String pool) {
        jdbc.sql("""
                update runner_launch l set instance = r.instance from runner r
                where l.pool = ? and l.ended_at is null and r.name = l.key and l.instance is distinct from r.instance
                """).param(pool).update();
    }

    /** Runs of the pool that could be claimed now. */
    public Queue queue(String pool, Size runner, Duration settled) {
        // a runner that has whatever a run needs: then the jobs need not be read, and the queue's index tells all
        boolean any = runner.gpus() == Integer.MAX_VALUE;
        String gpus = any ? "0" : GPUS;
        String slots = any ? "1" : SLOTS;
        return jdbc.sql("""
                        select count(*) filter (where fits and settled), count(*) filter (where fits and not settled),
                               coalesce(sum(slots) filter (where fits and settled), 0),
                               coalesce(sum(slots) filter (where fits and not settled), 0),
                               count(*) filter (where not fits)
                        from (select r.not_before <= now() - make_interval(secs => :settled)
                                        and (r.waits_for is null or exists (select 1 from run d where d.id = r.waits_for
                                            and d.finished_at <= now() - make_interval(secs => :settled))) as settled,
                                     r.memory_bytes <= :memory and GPUS <= :gpus as fits, SLOTS as slots
                              from run r
                              where r.state = 'queued' and r.pool = :pool and r.not_before <= now()
                                and (r.waits_for is null
                                     or exists (select 1 from run d where d.id = r.waits_for and d.state = 'succeeded'))
                              offset 0) q
                        """.replace("SLOTS", slots).replace("GPUS", gpus))
                .param("pool", pool)
                .param("memory", runner.memoryBytes())
                .param("gpus", runner.gpus())
                .param("slots", runner.slots())
                .param("settled", settled.toMillis() / 1e3)
                .query((rs, i) -> new Queue(rs.getInt(1), rs.getInt(2), rs.getInt(3), rs.getInt(4), rs.getInt(5)))
                .single();
    }

    /** Runners of the pool heard from within that time, whoever started them; not those whose launch is known to have ended. */
    public List<Live> live(String pool, Size runner, Duration heard) {
        return jdbc.sql("""
                        select me.name, me.slots, held.runs, held.slots,
                            extract(epoch from now() - greatest(me.registered_at,
                                (select max(a.ended_at) from attempt a where a.runner_id = me.id)))::float8 as idle
                        from runner me cross join lateral (
                            select count(*) as runs, coalesce(sum(SLOTS), 0) as slots
                            from lease l join run r on r.id = l.run_id where l.runner_id = me.id) held
                        where me.pool = :pool and me.last_seen > now() - make_interval(secs => :heard)
                          and not exists (select 1 from runner_launch l where l.key = me.name and l.ended_at is not null)
                        order by me.id
                        """.replace("SLOTS", SLOTS))
                .param("pool", pool)
                .param("gpus", runner.gpus())
                .param("slots", runner.slots())
                .param("heard", heard.toMillis() / 1e3)
                .query((rs, i) -> new Live(rs.getString(1), rs.getInt(2), rs.getInt(3), rs.getInt(4), rs.getDouble(5)))
                .list();
    }

    public Fruitless fruitless(String pool) {
        return jdbc.sql("""
                        select count(*), coalesce(min(extract(epoch from now() - ended_at)), 0)::float8
                        from (select l.ended_at, bool_or(exists (
                                  select 1 from attempt a join runner r on r.id = a.runner_id where r.name = l.key))
                                over (order by l.id desc) as fruit
                              from (select * from runner_launch where pool = ? and state = 'ended' and (started_at is not null or stop_asked_at is null)
                                    order by id desc limit 20) l) latest
                        where not fruit
                        """)
                .param(pool)
                .query((rs, i) -> new Fruitless(rs.getInt(1), rs.getDouble(2)))
                .single();
    }

    // --- the pools

    /** Names of pools that have live runners, queued runs or launches that have not ended. */
    public List<String> poolsInUse(Duration heard) {
        return jdbc.sql("""
                        select pool from runner where last_seen > now() - make_interval(secs => ?)
                        union select * from (
                            with recursive p as (
                                (select pool from run where state = 'queued' order by pool limit 1)
                                union all
                                select (select r.pool from run r where r.state = 'queued' and r.pool > p.pool order by r.pool limit 1)
                                from p where p.pool is not null
                            ) select pool from p where pool is not null) queued
                        union select pool from runner_launch where ended_at is null
                        """)
                .param(heard.toMillis() / 1e3)
                .query((rs, i) -> rs.getString(1))
                .list();
    }

    public Optional<Pool> pool(String pool) {
        return jdbc.sql("select *, retry_at <= now() as due from runner_pool where pool = ?")
                .param(pool)
                .query((rs, i) -> pool(rs))
                .optional();
    }

    /** The provider did all it was asked. */
    public void looked(String pool, String note) {
        look(pool, note, null, Duration.ZERO);
    }

    /** The provider failed. */
    public void failed(String pool, String note, String error, Duration wait) {
        look(pool, note, error, wait);
    }

    private void look(String pool, String note, @Nullable String error, Duration wait) {
        jdbc.sql("""
                        insert into runner_pool as p (pool, note, error, failures, retry_at)
                        values (:pool, :note, :error, case when :failed then 1 else 0 end, now() + make_interval(secs => :wait))
                        on conflict (pool) do update set note = excluded.note, error = excluded.error,
                            failures = case when :failed then p.failures + 1 else 0 end,
                            retry_at = excluded.retry_at, checked_at = now()
                        """)
                .param("pool", pool)
                .param("note", note)
                .param("error", error, java.sql.Types.VARCHAR)
                .param("failed", error != null)
                .param("wait", wait.toMillis() / 1e3)
                .update();
    }

    private static Pool pool(ResultSet rs) throws SQLException {
        return new Pool(
                rs.getString("pool"),
                rs.getString("note"),
                rs.getString("error"),
                rs.getInt("failures"),
                rs.getObject("retry_at", OffsetDateTime.class).toInstant(),
                rs.getObject("checked_at", OffsetDateTime.class).toInstant(),
                rs.getBoolean("due"));
    }

    private static Launch launch(ResultSet rs) throws SQLException {
        Object stopAsked = rs.getObject("stop_asked_s");
        return new Launch(
                rs.getLong("id"),
                rs.getString("key"),
                rs.getString("pool"),
                rs.getString("provider"),
                rs.getString("external_id"),
                State.valueOf(rs.getString("state").toUpperCase(Locale.ROOT)),
                rs.getInt("slots"),
                rs.getObject("token_id", Long.class),
                rs.getString("instance"),
                rs.getString("place"),
                rs.getString("reason"),
                rs.getObject("asked_at", OffsetDateTime.class).toInstant(),
                instant(rs, "started_at"),
                instant(rs, "ended_at"),
                rs.getDouble("asked_s"),
                rs.getDouble("started_s"),
                stopAsked == null ? null : ((Number) stopAsked).doubleValue());
    }

    private static @Nullable Instant instant(ResultSet rs, String column) throws SQLException {
        OffsetDateTime time = rs.getObject(column, OffsetDateTime.class);
        return time == null ? null : time.toInstant();
    }
}
