package dev.isoflop.db.run;

import dev.isoflop.protocol.api.RunState;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;

/**
 * Leases: the right of one attempt to its run, for as long as its runner reports it. Ages are the database's.
 *
 * <p>The renewal is one statement per heartbeat and touches no index, so nearly all of its updates stay in their page
 * (heap-only tuples).
 */
@Repository
public class LeaseStore {

    private final JdbcClient jdbc;

    LeaseStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /** A leased run as one runner holds it. */
    public record Lease(
            long runId,
            int attempt,
            RunState state,
            @Nullable String stopIntent,
            double secondsToStopDeadline) {}

    /** An attempt and how far its runner says it is. */
    public record Progress(long runnerId, long runId, int attempt, long step) {}

    /** A lease that has been silent for too long. */
    public record Silent(long runId, int attempt) {}

    /**
     * A lease that a runner holds.
     *
     * @param back whether it was suspect and has been reported, and so is heard of again
     */
    public record Held(long runnerId, Lease lease, boolean back) {}

    /**
     * Renews the leases of the attempts reported, notes their steps and their device time, and returns everything the runners hold. Reports
     * of attempts that hold no lease of their runner have no effect. One statement, which sees what was committed before it began; the caller
     * has locked the runners' rows before, so what they were granted is there.
     *
     * @return by rising run id
     */
    public List<Held> renew(Collection<Long> runners, Collection<Progress> reported) {
        // Runs before leases and by rising id, as everybody else takes them. Shares are reckoned where each lease is
        // read once: joined later, they would be reckoned for every lease anew.
        return jdbc.sql("""
                        with locked as (
                            select l.run_id, l.attempt_no, l.runner_id, l.share, r.state, r.stop_intent, r.stop_deadline, r.step, o.step as told
                            from lease_share l join run r on r.id = l.run_id and r.attempt_no = l.attempt_no
                                left join unnest(:owners, :ids, :attempts, :steps) as o (runner_id, run_id, attempt_no, step)
                                    on o.run_id = l.run_id and o.attempt_no = l.attempt_no and o.runner_id = l.runner_id
                            where l.runner_id = any(:runners)
                            order by r.id for no key update of r
                        ), held as (
                            -- looked at once locked: whoever was waited for may have taken the run away
                            select * from locked where state in ('assigned', 'running', 'suspect')
                        ), moved as (
                            update run r set step = h.told from held h where r.id = h.run_id and h.told > h.step
                        ), renewed as (
                            update lease l set last_seen = now(), step = greatest(l.step, h.told),
                                device_seconds = l.device_seconds + h.share * extract(epoch from now() - l.last_seen)
                            from held h
                            where l.run_id = h.run_id and l.attempt_no = h.attempt_no and l.runner_id = h.runner_id
                              and h.told is not null
                        )
                        select run_id, attempt_no, state, stop_intent,
                            coalesce(extract(epoch from stop_deadline - now()), 0)::float8 as left_s,
                            runner_id, state = 'suspect' and told is not null as back
                        from held order by run_id
                        """)
                .param("runners", runners.toArray(Long[]::new))
                .param("owners", reported.stream().map(Progress::runnerId).toArray(Long[]::new))
                .param("ids", reported.stream().map(Progress::runId).toArray(Long[]::new))
                .param("attempts", reported.stream().map(Progress::attempt).toArray(Integer[]::new))
                .param("steps", reported.stream().map(Progress::step).toArray(Long[]::new))
                .query((rs, i) -> new Held(rs.getLong(6), lease(rs), rs.getBoolean(7)))
                .list();
    }

    private static Lease lease(ResultSet rs) throws SQLException {
        return new Lease(
                rs.getLong(1),
                rs.getInt(2),
                RunStateConverter.parse(rs.getString(3)),
                rs.getString(4),
                rs.getDouble(5));
    }

    /** How many other runs the runner of a lease holds. */
    public int heldBeside(Silent lease) {
        return jdbc.sql("""
                        select count(*) from lease other join lease l on l.runner_id = other.runner_id
                        where l.run_id = ? and other.run_id <> l.run_id
                        """).param(lease.runId()).query(Integer.class).single();
    }

    /** Everything the runner holds, by rising run id. */
    public List<Lease> heldBy(long runnerId) {
        return jdbc.sql("""
                        select l.run_id, l.attempt_no, r.state, r.stop_intent,
                            coalesce(extract(epoch from r.stop_deadline - now()), 0)::float8 as left_s
                        from lease l join run r on r.id = l.run_id
                        where l.runner_id = ? order by l.run_id
                        """).param(runnerId).query((rs, i) -> lease(rs)).list();
    }

    /** Leases not renewed for that long whose run is not suspect yet. */
    public List<Silent> silentFor(Duration age) {
        return silent(age, "and r.state <> 'suspect'");
    }

    /** Leases not renewed for that long. */
    public List<Silent> expired(Duration age) {
        return silent(age, "");
    }

    private List<Silent> silent(Duration age, String and) {
        return jdbc.sql("""
                        select l.run_id, l.attempt_no from lease l join run r on r.id = l.run_id
                        where l.last_seen < now() - make_interval(secs => :age) %s order by l.run_id
                        """.formatted(and))
                .param("age", age.toMillis() / 1e3)
                .query((rs, i) -> new Silent(rs.getLong(1), rs.getInt(2)))
                .list();
    }

    /** Whether the lease is still there and still that old; asked again once the run is locked. */
    public boolean isSilent(Silent lease, Duration age) {
        return jdbc.sql("""
                        select count(*) from lease
                        where run_id = :run and attempt_no = :attempt
                          and last_seen < clock_timestamp() - make_interval(secs => :age)
                        """)
                        .param("run", lease.runId())
                        .param("attempt", lease.attempt())
                        .param("age", age.toMillis() / 1e3)
                        .query(Integer.class)
                        .single()
                > 0;
    }
}
