package dev.isoflop.db.run;

import dev.isoflop.protocol.api.RunState;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;

/** Attempts: who executed a run when, and how it ended. Rows are inserted by the claim. */
@Repository
public class AttemptStore {

    private final JdbcClient jdbc;

    AttemptStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /**
     * @param state assigned or running, then succeeded, failed, preempted, cancelled as reported, or lost
     * @param started whether it had begun to execute
     * @param ended whether it is over
     */
    public record AttemptRow(long runId, int attempt, long runnerId, String state, boolean started, boolean ended) {}

    public Optional<AttemptRow> find(long runId, int attempt) {
        return jdbc.sql("""
                        select runner_id, state, started_at is not null, ended_at is not null from attempt
                        where run_id = ? and attempt_no = ?
                        """)
                .param(runId)
                .param(attempt)
                .query((rs, i) -> new AttemptRow(
                        runId, attempt, rs.getLong(1), rs.getString(2), rs.getBoolean(3), rs.getBoolean(4)))
                .optional();
    }

    public void start(long runId, int attempt) {
        jdbc.sql("""
                        update attempt set state = 'running', started_at = coalesce(started_at, now())
                        where run_id = ? and attempt_no = ? and ended_at is null
                        """).param(runId).param(attempt).update();
    }

    /**
     * Closes the attempt, gives up its lease and closes its account: the device time up to now, or, if the attempt is lost, up to
     * when its runner was last heard of, and the FLOPs of the steps it took.
     *
     * @param steps how far it came, if its runner said so; the last heartbeat or point of a metric otherwise
     */
    public void end(long runId, int attempt, String state, @Nullable String cause, @Nullable Long steps) {
        jdbc.sql("""
                        with held as (
                            select l.step, s.gpu, l.device_seconds + case when :state = 'lost' then 0
                                else s.share * extract(epoch from now() - l.last_seen) end as seconds
                            from lease l join lease_share s on s.run_id = l.run_id
                            where l.run_id = :run and l.attempt_no = :attempt
                              and s.runner_id = (select runner_id from attempt where run_id = :run and attempt_no = :attempt)
                        ), reached as (
                            select a.run_id, a.attempt_no, greatest(a.resumed_from_step, coalesce(cast(:steps as bigint), greatest(
                                (select step from held),
                                (select max(step) from checkpoint c where c.run_id = :run and c.attempt_no = :attempt),
                                (select max(last_step) from metric_head m where m.run_id = :run and m.attempt_no = :attempt)), 0)) as step
                            from attempt a where a.run_id = :run and a.attempt_no = :attempt
                        )
                        update attempt a set state = :state, cause = :cause, ended_at = now(),
                            last_step = d.step,
                            flops = case when r.steps > 0
                                then r.flops * least(1, (d.step - a.resumed_from_step)::float8 / r.steps) else 0 end,
                            device_seconds = coalesce((select seconds from held), 0),
                            on_gpu = coalesce((select gpu from held), false)
                        from reached d, run r
                        where a.run_id = d.run_id and a.attempt_no = d.attempt_no and r.id = a.run_id and a.ended_at is null
                        """)
                .param("state", state)
                .param("cause", cause, java.sql.Types.VARCHAR)
                .param("steps", steps, java.sql.Types.BIGINT)
                .param("run", runId)
                .param("attempt", attempt)
                .update();
        jdbc.sql("delete from lease where run_id = ? and attempt_no = ?")
                .param(runId)
                .param(attempt)
                .update();
    }

    /** How often the run has been lost by its runner, for the backoff. */
    public int timesLost(long runId) {
        return jdbc.sql("select count(*) from attempt where run_id = ? and state in ('lost', 'failed')")
                .param(runId)
                .query(Integer.class)
                .single();
    }

    /**
     * Locks the run and returns what the fence looks at.
     *
     * @return empty when there is no such run
     */
    public Optional<Holder> lockHolder(long runId) {
        return jdbc.sql("select attempt_no, state from run where id = ? for no key update")
                .param(runId)
                .query((rs, i) -> new Holder(rs.getInt(1), RunStateConverter.parse(rs.getString(2))))
                .optional();
    }

    /** The run's current attempt and its state. */
    public record Holder(int attempt, RunState state) {

        public boolean is(int other) {
            return attempt == other && state.isLeased();
        }
    }
}
