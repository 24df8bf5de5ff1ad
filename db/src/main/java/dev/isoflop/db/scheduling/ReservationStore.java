package dev.isoflop.db.scheduling;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;
import org.springframework.transaction.annotation.Propagation;
import org.springframework.transaction.annotation.Transactional;

/** Runs that do not fit beside what runs now, the runners that could make room for them, and which runner is to. */
@Repository
public class ReservationStore {

    private static final int MOST_WAITING = 8;

    private final JdbcClient jdbc;

    ReservationStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /**
     * A run that might have been granted for some time.
     *
     * @param gpus it wants for itself
     * @param avoids runners it is kept away from for now
     */
    public record Waiting(long run, String kind, int priority, long memoryBytes, int gpus, Set<Long> avoids) {}

    /**
     * A runner that is there.
     *
     * @param gpus it has
     * @param freeGpus not given to a command
     * @param kinds JSON array
     * @param reservedFor run it is being emptied for
     */
    public record Host(
            long runner,
            String kinds,
            int slots,
            long memoryBytes,
            int gpus,
            @Nullable Long reservedFor,
            List<Held> held) {}

    /**
     * What a runner holds.
     *
     * @param gpus it has for itself
     * @param canCheckpoint whether it runs, nobody has asked it to stop, and its budget of preemptions is not empty
     * @param stopping whether it has been asked to stop
     * @param startedSeconds how long its attempt runs
     */
    public record Held(
            long run,
            int attempt,
            int priority,
            long memoryBytes,
            int gpus,
            boolean canCheckpoint,
            boolean stopping,
            double startedSeconds) {}

    /** Pools in which something is queued. */
    public List<String> pools() {
        return jdbc.sql("""
                        with recursive p as (
                            (select pool from run where state = 'queued' order by pool limit 1)
                            union all
                            select (select r.pool from run r where r.state = 'queued' and r.pool > p.pool order by r.pool limit 1)
                            from p where p.pool is not null
                        ) select pool from p where pool is not null
                        """).query((rs, i) -> rs.getString(1)).list();
    }

    /**
     * The oldest runs of an experiment and a priority that could have been granted for that long.
     *
     * @param experiment 0 for runs that belong to none
     */
    public List<Waiting> waiting(String pool, long experiment, int priority, Duration patience) {
        return jdbc.sql("""
                        select r.id, r.kind, r.memory_bytes,
                            coalesce(r.gpus, 0) as gpus,
                            array(select n.id from run_avoids v join runner n on n.place = v.place
                                  where v.run_id = r.id and v.until > now() and n.pool = r.pool) as avoids
                        from run r left join run d on d.id = r.waits_for
                        where r.state = 'queued' and r.pool = :pool and coalesce(r.experiment_id, 0) = :experiment and -r.priority = -:priority
                          and greatest(r.not_before, d.finished_at) <= now() - make_interval(secs => :patience)
                          and (r.waits_for is null or d.state = 'succeeded')
                        order by r.id limit :most
                        """)
                .param("pool", pool)
                .param("experiment", experiment)
                .param("priority", priority)
                .param("patience", patience.toMillis() / 1e3)
                .param("most", MOST_WAITING)
                .query((rs, i) -> new Waiting(
                        rs.getLong("id"),
                        rs.getString("kind"),
                        priority,
                        rs.getLong("memory_bytes"),
                        rs.getInt("gpus"),
                        Set.of((Long[]) rs.getArray("avoids").getArray())))
                .list();
    }

    /** The pool's runners that were heard of within that time and take runs, with what they hold. */
    public List<Host> hosts(String pool, Duration heard) {
        Map<Long, Host> hosts = new TreeMap<>();
        jdbc.sql("""
                        select n.id, n.kinds, n.slots, n.memory_bytes, jsonb_array_length(n.devices) as devices, v.run_id as reserved,
                            l.run_id, l.attempt_no, r.priority, r.memory_bytes as run_memory, coalesce(l.gpus, 0) as gpus,
                            r.state = 'running' and r.kind in ('pretrain', 'command') and r.stop_intent is null
                                and r.retries_preemption > 0 as can,
                            r.stop_intent is not null as stopping,
                            coalesce(extract(epoch from now() - a.started_at), 0)::float8 as seconds
                        from runner n
                            left join reservation v on v.runner_id = n.id and v.until > now()
                            left join lease l on l.runner_id = n.id
                            left join run r on r.id = l.run_id
                            left join attempt a on a.run_id = l.run_id and a.attempt_no = l.attempt_no
                        where n.pool = :pool and n.last_seen > now() - make_interval(secs => :heard)
                            and n.trouble is null
                            and not exists (select 1 from place_set_aside aside where aside.place = n.place and aside.until > now())
                        order by n.id, l.run_id
                        """).param("pool", pool).param("heard", heard.toMillis() / 1e3).query(rs -> {
            long reserved = rs.getLong("reserved");
            Long reservedFor = rs.wasNull() ? null : reserved;
            Host host = hosts.get(rs.getLong("id"));
            if (host == null) {
                host = new Host(
                        rs.getLong("id"),
                        rs.getString("kinds"),
                        rs.getInt("slots"),
                        rs.getLong("memory_bytes"),
                        rs.getInt("devices"),
                        reservedFor,
                        new java.util.ArrayList<>());
                hosts.put(host.runner(), host);
            }
            long run = rs.getLong("run_id");
            if (!rs.wasNull()) {
                host.held()
                        .add(new Held(
                                run,
                                rs.getInt("attempt_no"),
                                rs.getInt("priority"),
                                rs.getLong("run_memory"),
                                rs.getInt("gpus"),
                                rs.getBoolean("can"),
                                rs.getBoolean("stopping"),
                                rs.getDouble("seconds")));
            }
        });
        return List.copyOf(hosts.values());
    }

    /** Has the runner emptied for the run, for that long from now; renews it if that is so already. A runner or a run that has another reservation keeps that. */
    @Transactional(propagation = Propagation.MANDATORY)
    public void reserve(long runner, long run, Duration time) {
        jdbc.sql("delete from reservation where runner_id = ? and until <= now()")
                .param(runner)
                .update();
        jdbc.sql("""
                        insert into reservation as v (run_id, runner_id, until)
                        values (:run, :runner, now() + make_interval(secs => :secs))
                        on conflict do nothing
                        """)
                .param("run", run)
                .param("runner", runner)
                .param("secs", time.toMillis() / 1e3)
                .update();
        jdbc.sql("update reservation set until = now() + make_interval(secs => ?) where run_id = ? and runner_id = ?")
                .param(time.toMillis() / 1e3)
                .param(run)
                .param(runner)
                .update();
    }

    /** Drops reservations that have run out, or whose run waits no more. */
    @Transactional
    public int prune() {
        return jdbc.sql("""
                        delete from reservation v using run r
                        where r.id = v.run_id and (v.until <= now() or r.state <> 'queued')
                        """).update();
    }
}
