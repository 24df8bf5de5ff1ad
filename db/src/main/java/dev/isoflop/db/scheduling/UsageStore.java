package dev.isoflop.db.scheduling;

import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;
import org.springframework.transaction.annotation.Propagation;
import org.springframework.transaction.annotation.Transactional;

/** What experiments have spent, and what their budgets leave them. */
@Repository
public class UsageStore {

    private final JdbcClient jdbc;

    UsageStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /**
     * @param flopBudget FLOPs it may execute; none: no bound
     * @param gpuHourBudget hours of a GPU it may use; none: no bound
     */
    public record Budget(OptionalDouble flopBudget, OptionalDouble gpuHourBudget) {}

    /**
     * @param flops executed by attempts that have ended
     * @param heldFlops what attempts that run have executed and have left to execute
     * @param gpuHours used, those of attempts that run included
     * @param leftFlops what attempts that run have left to execute
     * @param gpuFlops executed on GPUs by attempts that have ended
     * @param gpuFlopSeconds device time of those attempts
     */
    public record Spent(
            double flops, double heldFlops, double gpuHours, double leftFlops, double gpuFlops, double gpuFlopSeconds) {

        /** Device time below which an attempt's start is most of what is known. */
        private static final double ENOUGH_SECONDS = 60;

        /** GPU-hours that a FLOP has taken; empty while too little of it was seen. */
        public OptionalDouble gpuHoursPerFlop() {
            return gpuFlopSeconds >= ENOUGH_SECONDS && gpuFlops > 0
                    ? OptionalDouble.of(gpuFlopSeconds / 3600 / gpuFlops)
                    : OptionalDouble.empty();
        }
    }

    /** The experiment's budget, if it has one. */
    public Optional<Budget> budget(long experiment) {
        return budgets(List.of(experiment), "").values().stream().findFirst();
    }

    /** The same, its row locked until the transaction ends: claims and submissions come one after the other. */
    @Transactional(propagation = Propagation.MANDATORY)
    public Optional<Budget> lockBudget(long experiment) {
        return lockBudgets(List.of(experiment)).values().stream().findFirst();
    }

    /** Budgets of those of the experiments that have one, their rows locked, by rising id. */
    @Transactional(propagation = Propagation.MANDATORY)
    public Map<Long, Budget> lockBudgets(Collection<Long> experiments) {
        return budgets(experiments, "order by id for no key update");
    }

    private Map<Long, Budget> budgets(Collection<Long> experiments, String and) {
        Map<Long, Budget> budgets = new HashMap<>();
        jdbc.sql("""
                        select id, flop_budget, gpu_hour_budget from experiment
                        where id = any(?) and (flop_budget is not null or gpu_hour_budget is not null)
                        """ + and).param(experiments.toArray(Long[]::new)).query(rs -> {
            double flops = rs.getDouble(2);
            OptionalDouble flopBudget = rs.wasNull() ? OptionalDouble.empty() : OptionalDouble.of(flops);
            double hours = rs.getDouble(3);
            OptionalDouble hourBudget = rs.wasNull() ? OptionalDouble.empty() : OptionalDouble.of(hours);
            budgets.put(rs.getLong(1), new Budget(flopBudget, hourBudget));
        });
        return budgets;
    }

    public Spent spent(long experiment) {
        return jdbc.sql("""
                        with ended as (
                            select coalesce(sum(flops), 0) as flops, coalesce(sum(gpu_seconds), 0) as gpu_seconds,
                                coalesce(sum(gpu_flops), 0) as gpu_flops, coalesce(sum(gpu_flop_seconds), 0) as gpu_flop_seconds
                            from experiment_usage where experiment_id = :x
                        ), unbilled as (
                            select coalesce(sum(a.flops), 0) as flops, coalesce(sum(a.device_seconds) filter (where a.on_gpu), 0) as gpu_seconds,
                                coalesce(sum(a.flops) filter (where a.on_gpu), 0) as gpu_flops,
                                coalesce(sum(a.device_seconds) filter (where a.on_gpu and a.flops > 0), 0) as gpu_flop_seconds
                            from attempt a join run r on r.id = a.run_id
                            where a.ended_at is not null and not a.billed and r.experiment_id = :x
                        ), held as (
                            select coalesce(sum(case when r.steps > 0
                                       then r.flops * greatest(0, 1 - a.resumed_from_step::float8 / r.steps) else 0 end), 0) as flops,
                                coalesce(sum(flops_left(r.flops, l.step, r.steps)) filter (where r.steps > 0), 0) as left_flops,
                                coalesce(sum(l.device_seconds + s.share * extract(epoch from now() - l.last_seen)) filter (where s.gpu), 0)
                                    as gpu_seconds
                            from run r join lease l on l.run_id = r.id
                                join attempt a on a.run_id = l.run_id and a.attempt_no = l.attempt_no
                                join lease_share s on s.run_id = l.run_id
                            where r.experiment_id = :x and r.state in ('assigned', 'running', 'suspect')
                        )
                        select e.flops + u.flops, h.flops, (e.gpu_seconds + u.gpu_seconds + h.gpu_seconds) / 3600,
                            h.left_flops, e.gpu_flops + u.gpu_flops, e.gpu_flop_seconds + u.gpu_flop_seconds
                        from ended e, unbilled u, held h
                        """)
                .param("x", experiment)
                .query((rs, i) -> new Spent(
                        rs.getDouble(1),
                        rs.getDouble(2),
                        rs.getDouble(3),
                        rs.getDouble(4),
                        rs.getDouble(5),
                        rs.getDouble(6)))
                .single();
    }

    /** FLOPs that the experiment's queued runs have left to execute. */
    public double queuedFlops(long experiment) {
        return jdbc.sql("""
                        select coalesce(sum(flops_left(flops, step, steps)), 0)
                        from run where experiment_id = ? and state in ('queued', 'preempted')
                        """).param(experiment).query(Double.class).single();
    }

    /**
     * Adds the attempts that have ended since to the sums. Two platforms that do so at once add each attempt once.
     *
     * @param halfLife after which what was spent counts half in the fair share
     * @return attempts added
     */
    @Transactional
    public int fold(Duration halfLife) {
        return jdbc.sql("""
                        with due as (
                            select run_id, attempt_no from attempt where ended_at is not null and not billed
                            order by run_id, attempt_no limit 10000 for update skip locked
                        ), billed as (
                            update attempt a set billed = true from due d, run r
                            where a.run_id = d.run_id and a.attempt_no = d.attempt_no and r.id = a.run_id
                            returning r.experiment_id, r.pool, a.device_seconds, a.on_gpu, a.flops,
                                power(0.5, extract(epoch from now() - a.ended_at)::float8 / :halfLife) as kept
                        ), added as (
                            insert into experiment_usage as u (experiment_id, pool, device_seconds, gpu_seconds, flops,
                                gpu_flops, gpu_flop_seconds, recent_seconds, recent_attempts)
                            select experiment_id, pool, sum(device_seconds), coalesce(sum(device_seconds) filter (where on_gpu), 0),
                                sum(flops), coalesce(sum(flops) filter (where on_gpu), 0),
                                coalesce(sum(device_seconds) filter (where on_gpu and flops > 0), 0),
                                sum(device_seconds * kept), sum(kept)
                            from billed where experiment_id is not null group by 1, 2 order by 1, 2
                            on conflict (experiment_id, pool) do update set
                                device_seconds = u.device_seconds + excluded.device_seconds,
                                gpu_seconds = u.gpu_seconds + excluded.gpu_seconds,
                                flops = u.flops + excluded.flops,
                                gpu_flops = u.gpu_flops + excluded.gpu_flops,
                                gpu_flop_seconds = u.gpu_flop_seconds + excluded.gpu_flop_seconds,
                                recent_seconds = u.recent_seconds
                                    * power(0.5, extract(epoch from now() - u.recent_at)::float8 / :halfLife) + excluded.recent_seconds,
                                recent_attempts = u.recent_attempts
                                    * power(0.5, extract(epoch from now() - u.recent_at)::float8 / :halfLife) + excluded.recent_attempts,
                                recent_at = now()
                        )
                        select count(*) from billed
                        """)
                .param("halfLife", halfLife.toMillis() / 1e3)
                .query(Integer.class)
                .single();
    }
}
