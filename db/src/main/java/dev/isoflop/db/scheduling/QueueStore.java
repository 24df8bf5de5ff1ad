package dev.isoflop.db.scheduling;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;

/** The queue of a pool by experiment and priority, and what each experiment has had of the pool. */
@Repository
public class QueueStore {

    /** Experiments and priorities looked at; those of the highest priority first. */
    private static final int MOST_LINES = 500;

    private final JdbcClient jdbc;

    QueueStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /**
     * Queued runs of one experiment and one priority that may be granted now.
     *
     * @param experiment 0 for runs that belong to none
     * @param weight of its fair share
     * @param runs how many, counted as far as was asked
     * @param budgeted whether the experiment has a budget
     */
    public record Line(long experiment, int priority, double weight, int runs, boolean budgeted) {

        /** The line when that many of its runs have been granted. */
        public Line less(int granted) {
            return granted == 0 ? this : new Line(experiment, priority, weight, runs - granted, budgeted);
        }
    }

    /**
     * What an experiment has had of a pool.
     *
     * @param seconds device time of ended attempts, halved with every half-life, and of those that run, whole
     * @param attempts ended attempts, halved likewise
     * @param held attempts that run
     * @param heldSeconds their device time up to now
     */
    public record Usage(double seconds, double attempts, int held, double heldSeconds) {

        Usage plus(Usage o) {
            return new Usage(seconds + o.seconds, attempts + o.attempts, held + o.held, heldSeconds + o.heldSeconds);
        }
    }

    /**
     * The pool's lines that have a run to grant, the highest priority first.
     *
     * @param counted how many runs of a line are counted at most
     */
    public List<Line> lines(String pool, int counted) {
        // Walks the index from one pair to the next, so that its cost is that of the pairs and not of the runs.
        return jdbc.sql("""
                        with recursive pair as (
                            (select coalesce(experiment_id, 0) as experiment, -priority as low from run
                             where state = 'queued' and pool = :pool
                             order by coalesce(experiment_id, 0), (-priority) limit 1)
                            union all
                            select n.experiment, n.low from pair cross join lateral (
                                select coalesce(r.experiment_id, 0) as experiment, -r.priority as low from run r
                                where r.state = 'queued' and r.pool = :pool
                                  and (coalesce(r.experiment_id, 0), (-r.priority)) > (pair.experiment, pair.low)
                                order by coalesce(r.experiment_id, 0), (-r.priority) limit 1) n
                        )
                        select p.experiment, -p.low as priority, coalesce(x.weight, 1) as weight, c.runs,
                            x.flop_budget is not null or x.gpu_hour_budget is not null as budgeted
                        from pair p left join experiment x on x.id = p.experiment
                        cross join lateral (select count(*) as runs from (
                            select 1 from run r
                            where r.state = 'queued' and r.pool = :pool and coalesce(r.experiment_id, 0) = p.experiment
                              and -r.priority = p.low and r.not_before <= now()
                              and (r.waits_for is null
                                   or exists (select 1 from run d where d.id = r.waits_for and d.state = 'succeeded'))
                            limit :counted) counted) c
                        where c.runs > 0
                        order by p.low, p.experiment limit :most
                        """)
                .param("pool", pool)
                .param("counted", counted)
                .param("most", MOST_LINES)
                .query((rs, i) -> new Line(
                        rs.getLong("experiment"),
                        rs.getInt("priority"),
                        rs.getDouble("weight"),
                        rs.getInt("runs"),
                        rs.getBoolean("budgeted")))
                .list();
    }

    /** What every experiment has had of the pool; those that had nothing are absent. */
    public Map<Long, Usage> usage(String pool, Duration halfLife) {
        Map<Long, Usage> usage = new HashMap<>();
        jdbc.sql("""
                        with spent as (
                            select experiment_id, recent_seconds as seconds, recent_attempts as attempts, recent_at as at
                            from experiment_usage where pool = :pool
                            union all
                            select r.experiment_id, a.device_seconds, 1, a.ended_at
                            from attempt a join run r on r.id = a.run_id
                            where a.ended_at is not null and not a.billed and r.pool = :pool and r.experiment_id is not null
                        ), decayed as (
                            select experiment_id, power(0.5, extract(epoch from now() - at)::float8 / :halfLife) as kept, seconds, attempts
                            from spent
                        )
                        select experiment_id, sum(seconds * kept) as seconds, sum(attempts * kept) as attempts,
                            0 as held, 0::float8 as held_seconds
                        from decayed group by 1
                        union all
                        select r.experiment_id, 0, 0, count(*), sum(s.device_seconds + s.share * extract(epoch from now() - s.last_seen))
                        from lease_share s join run r on r.id = s.run_id
                        where r.pool = :pool and r.experiment_id is not null group by 1
                        """)
                .param("pool", pool)
                .param("halfLife", halfLife.toMillis() / 1e3)
                .query(rs -> {
                    usage.merge(
                            rs.getLong(1),
                            new Usage(rs.getDouble(2), rs.getDouble(3), rs.getInt(4), rs.getDouble(5)),
                            Usage::plus);
                });
        return usage;
    }
}
