package dev.isoflop.db.run;

import dev.isoflop.protocol.api.RunState;
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
    public record Progress(long runId, int attempt, long step) {}

    /** A lease that has been silent for too long. */
    public record Silent(long runId, int attempt) {}

    /**
     * Renews the leases of the attempts reported, notes their steps and their device time, and returns those that were suspect. Reports of
     * attempts that hold no lease of this runner have no effect.
     */
    public List<Silent> renew(long runnerId, Collection<Progress> reported) {
        if (reported.isEmpty()) {
            return List.of();
        }
        Long[] ids = reported.stream().map(Progress::runId).toArray(Long[]::new);
        Integer[] attempts = reported.stream().map(Progress::attempt).toArray(Integer[]::new);
        Long[] steps = reported.stream().map(Progress::step).toArray(Long[]::new);
        // Runs before leases and by rising id, as everybody else takes them.
        List<Silent> suspect = jdbc
                .sql("""
                        with reported as (select * from unnest(:ids, :attempts) as o (run_id, attempt_no))
                        select r.id, r.attempt_no, r.state from run r join reported o on o.run_id = r.id
                        where r.attempt_no = o.attempt_no and r.state in ('assigned', 'running', 'suspect')
                        order by r.id for no key update of r
                        """)
                .param("ids", ids)
                .param("attempts", attempts)
                .query((rs, i) -> "suspect".equals(rs.getString(3)) ? new Silent(rs.getLong(1), rs.getInt(2)) : null)
                .list()
                .stream()
                .filter(java.util.Objects::nonNull)
                .toList();
        jdbc.sql("""
                        update run r set step = o.step
                        from unnest(:ids, :attempts, :steps) as o (run_id, attempt_no, step), lease l
                        where r.id = o.run_id and r.attempt_no = o.attempt_no and r.step < o.step
                          and l.run_id = r.id and l.attempt_no = r.attempt_no and l.runner_id = :runner
                        """)
                .param("ids", ids)
                .param("attempts", attempts)
                .param("steps", steps)
                .param("runner", runnerId)
                .update();
        jdbc.sql("""
                        update lease l set last_seen = now(), step = greatest(l.step, o.step),
                            device_seconds = l.device_seconds + s.share * extract(epoch from now() - l.last_seen)
                        from unnest(:ids, :attempts, :steps) as o (run_id, attempt_no, step),
                            (select run_id, share from lease_share where runner_id = :runner) s
                        where l.run_id = o.run_id and l.attempt_no = o.attempt_no and l.runner_id = :runner
                          and s.run_id = l.run_id
                        """)
                .param("ids", ids)
                .param("attempts", attempts)
                .param("steps", steps)
                .param("runner", runnerId)
                .update();
        return suspect;
    }

    /** Everything the runner holds, by rising run id. */
    public List<Lease> heldBy(long runnerId) {
        return jdbc.sql("""
                        select l.run_id, l.attempt_no, r.state, r.stop_intent,
                            coalesce(extract(epoch from r.stop_deadline - now()), 0)::float8 as left_s
                        from lease l join run r on r.id = l.run_id
                        where l.runner_id = ? order by l.run_id
                        """)
                .param(runnerId)
                .query((rs, i) -> new Lease(
                        rs.getLong(1),
                        rs.getInt(2),
                        RunStateConverter.parse(rs.getString(3)),
                        rs.getString(4),
                        rs.getDouble(5)))
                .list();
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
