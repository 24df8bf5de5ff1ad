package dev.isoflop.db.scheduling;

import java.util.List;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;

/** Accounts of an experiment's sweeps, reckoned from every attempt. */
@Repository
public class LedgerStore {

    private final JdbcClient jdbc;

    LedgerStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /**
     * FLOPs as in {@code Ledger.Account}; times in device seconds.
     *
     * @param lost of the replayed FLOPs, those of attempts whose runner was lost
     * @param wastedSeconds device time of what was replayed or abandoned
     */
    public record Line(
            long sweep,
            String name,
            double planned,
            double executed,
            double achieved,
            double lost,
            double failed,
            double preempted,
            double abandonedFailed,
            double abandonedCancelled,
            double remaining,
            double gpuSeconds,
            double deviceSeconds,
            double wastedSeconds,
            long attempts) {}

    /** One line for each sweep, newest first. */
    public List<Line> lines(long experiment) {
        // Each attempt wastes what it reached beyond the step the next one began at. The sum of all that, and of how
        // far the
        // run stands now, is what was executed: the first attempt begins at 0.
        return jdbc.sql("""
                        with attempts as (
                            select r.sweep_id, r.state as run_state, a.state,
                                case when r.steps > 0 then r.flops / r.steps else 0 end as each,
                                a.resumed_from_step as began,
                                case when a.ended_at is null then greatest(a.resumed_from_step, coalesce(l.step, 0)) else a.last_step end as reached,
                                lead(a.resumed_from_step) over run as next,
                                r.step as stands,
                                case when a.ended_at is null
                                    then coalesce(l.device_seconds + s.share * extract(epoch from now() - l.last_seen), 0)
                                    else a.device_seconds end as seconds,
                                coalesce(s.gpu, a.on_gpu) as gpu
                            from run r cross join lateral (select * from attempt where run_id = r.id offset 0) a
                                left join lease l on l.run_id = a.run_id and l.attempt_no = a.attempt_no
                                left join lease_share s on s.run_id = l.run_id
                            where r.experiment_id = :x and r.attempt_no > 0
                            window run as (partition by a.run_id order by a.attempt_no)
                        ), kept as (
                            select *, greatest(0, reached - began) as taken,
                                case when next is not null then greatest(0, reached - next)
                                     when run_state = 'queued' then greatest(0, reached - stands) else 0 end as wasted
                            from attempts
                        ), done as (
                            select sweep_id, count(*) as attempts, sum(taken * each) as executed,
                                sum((taken - wasted) * each) filter (where run_state not in ('failed', 'cancelled')) as achieved,
                                sum(wasted * each) filter (where state = 'lost') as lost,
                                sum(wasted * each) filter (where state = 'preempted') as preempted,
                                sum(wasted * each) filter (where state not in ('lost', 'preempted')) as failed,
                                sum((taken - wasted) * each) filter (where run_state = 'failed') as abandoned_failed,
                                sum((taken - wasted) * each) filter (where run_state = 'cancelled') as abandoned_cancelled,
                                sum(seconds) as seconds, sum(seconds) filter (where gpu) as gpu_seconds,
                                sum(case when run_state in ('failed', 'cancelled') then seconds
                                         when taken > 0 then seconds * least(1, wasted::float8 / taken)
                                         when next is not null or run_state = 'queued' then seconds else 0 end) as wasted_seconds
                            from kept group by sweep_id
                        ), planned as (
                            select sweep_id, sum(flops) as flops,
                                sum(flops_left(flops, step, steps))
                                    filter (where state not in ('succeeded', 'failed', 'cancelled')) as remaining
                            from run where experiment_id = :x group by sweep_id
                        )
                        select s.id, s.name, coalesce(p.flops, 0) as planned, coalesce(d.executed, 0) as executed,
                            coalesce(d.achieved, 0) as achieved, coalesce(d.lost, 0) as lost, coalesce(d.failed, 0) as failed,
                            coalesce(d.preempted, 0) as preempted, coalesce(d.abandoned_failed, 0) as abandoned_failed,
                            coalesce(d.abandoned_cancelled, 0) as abandoned_cancelled, coalesce(p.remaining, 0) as remaining,
                            coalesce(d.gpu_seconds, 0) as gpu_seconds, coalesce(d.seconds, 0) as seconds,
                            coalesce(d.wasted_seconds, 0) as wasted_seconds, coalesce(d.attempts, 0) as attempts
                        from sweep s left join planned p on p.sweep_id = s.id left join done d on d.sweep_id = s.id
                        where s.experiment_id = :x order by s.id desc
                        """)
                .param("x", experiment)
                .query((rs, i) -> new Line(
                        rs.getLong("id"),
                        rs.getString("name"),
                        rs.getDouble("planned"),
                        rs.getDouble("executed"),
                        rs.getDouble("achieved"),
                        rs.getDouble("lost"),
                        rs.getDouble("failed"),
                        rs.getDouble("preempted"),
                        rs.getDouble("abandoned_failed"),
                        rs.getDouble("abandoned_cancelled"),
                        rs.getDouble("remaining"),
                        rs.getDouble("gpu_seconds"),
                        rs.getDouble("seconds"),
                        rs.getDouble("wasted_seconds"),
                        rs.getLong("attempts")))
                .list();
    }
}
