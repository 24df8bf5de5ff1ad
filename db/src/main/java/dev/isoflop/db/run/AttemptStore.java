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

    /** Closes the attempt and gives up its lease. */
    public void end(long runId, int attempt, String state, @Nullable String cause) {
        jdbc.sql("""
                        update attempt set state = :state, cause = :cause, ended_at = now()
                        where run_id = :run and attempt_no = :attempt and ended_at is null
                        """)
                .param("state", state)
                .param("cause", cause, java.sql.Types.VARCHAR)
                .param("run", runId)
                .param("attempt", attempt)
                .update();
        jdbc.sql("delete from lease where run_id = ? and attempt_no = ?")
                .param(runId)
                .param(attempt)
                .update();
    }

    /** Notes what a failure was judged to be, by which rule, and by which line. */
    public void judge(long runId, int attempt, String failureClass, String rule, String evidence) {
        jdbc.sql("""
                        update attempt set failure_class = ?, failure_rule = ?, failure_evidence = ?
                        where run_id = ? and attempt_no = ? and ended_at is null
                        """)
                .param(failureClass)
                .param(rule)
                .param(evidence)
                .param(runId)
                .param(attempt)
                .update();
    }

    /** Notes what is the matter with an attempt of that runner, which goes on. */
    public void remark(long runId, int attempt, long runnerId, @Nullable String remark) {
        jdbc.sql("""
                        update attempt set cause = :remark
                        where run_id = :run and attempt_no = :attempt and runner_id = :runner and ended_at is null
                          and cause is distinct from :remark
                        """)
                .param("remark", remark, java.sql.Types.VARCHAR)
                .param("run", runId)
                .param("attempt", attempt)
                .param("runner", runnerId)
                .update();
    }

    /** Whether it has committed a checkpoint. */
    public boolean hasCommitted(long runId, int attempt) {
        return jdbc.sql("select exists (select 1 from checkpoint where run_id = ? and attempt_no = ?)")
                .param(runId)
                .param(attempt)
                .query(Boolean.class)
                .single();
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
