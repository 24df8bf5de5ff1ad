package dev.isoflop.db.prediction;

import java.sql.SQLException;
import java.sql.Types;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.dao.DataAccessException;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;
import org.springframework.transaction.annotation.Transactional;

/**
 * Makes predictions, ties them to runs, and scores them.
 *
 * <p>Concurrency: a trigger holds the run with {@code FOR SHARE} while a prediction is made for it or tied to it, which keeps its
 * start and its end waiting; whichever commits first decides. The unique key of run and fit decides between two that predict
 * the same.
 *
 * <p>Crash: a score is part of the transaction in which the run ends, so there is neither one without the other.
 */
@Repository
@Transactional
public class PredictionStore {

    private static final String RESTRICTED = "23001";

    private static final String SETTLE = """
            with ended as (
                select id, final_loss,
                       diverged or coalesce(failure_category = 'diverged', false) as diverged,
                       case when diverged or failure_category = 'diverged' then null
                            when state = 'cancelled' then 'the run was cancelled'
                            when state = 'failed' then 'the run failed: ' || coalesce(failure_code, 'no code')
                            when final_loss > 0 and final_loss < 'infinity' then null
                            else 'the run ended without a held-out loss' end as void
                  from run where id = ? and state in ('succeeded', 'failed', 'cancelled')
            ), known as (
                select p.id, e.void, e.diverged, e.final_loss as observed,
                       case when e.void is null and not e.diverged then ln(e.final_loss / p.loss) end as error
                  from prediction p join ended e on p.run_id = e.id where p.state = 'open'
            )
            update prediction p
               set state = case when k.void is null then 'scored' else 'void' end,
                   observed = case when k.void is null then k.observed end,
                   diverged = k.diverged,
                   log_error = k.error,
                   standardised = k.error / nullif(p.log_sd, 0),
                   covered = case when k.void is null then not k.diverged and k.observed between p.low and p.high end,
                   void_reason = k.void,
                   settled_at = now()
              from known k where p.id = k.id
            """;

    private final JdbcClient jdbc;

    PredictionStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /** A run had been given to a runner, or had ended, before it could be predicted. */
    public static final class RunBegunException extends RuntimeException {

        private static final long serialVersionUID = 1L;

        RunBegunException(Throwable cause) {
            super("the run waits no longer", cause);
        }
    }

    /**
     * @param created whether this call made it, rather than found the one of the same fit for the same run
     */
    public record Made(long id, boolean created) {}

    /** @throws RunBegunException if it is of a run that has begun */
    public Made create(NewPrediction p) {
        Optional<Long> made = guarded(() -> jdbc.sql("""
                        insert into prediction (experiment_id, fit_id, input_hash, method, law, n, d, flops, count_embeddings,
                            comparability, extrapolation_ratio, level, loss, low, high, log_sd, made_by, made_by_name, run_id, linked_at)
                        values (:experiment, :fit, :hash, :method, :law, :n, :d, :flops, :embeddings, :comparability, :ratio, :level,
                            :loss, :low, :high, :logSd, :by, :byName, :run, case when :run is not null then now() end)
                        on conflict (run_id, fit_id) where run_id is not null do nothing
                        returning id
                        """)
                .param("experiment", p.experimentId())
                .param("fit", p.fitId())
                .param("hash", p.inputHash())
                .param("method", p.method())
                .param("law", p.law())
                .param("n", p.n())
                .param("d", p.d())
                .param("flops", p.flops())
                .param("embeddings", p.countEmbeddings())
                .param("comparability", p.comparability(), Types.VARCHAR)
                .param("ratio", p.extrapolationRatio())
                .param("level", p.level())
                .param("loss", p.loss())
                .param("low", p.low())
                .param("high", p.high())
                .param("logSd", p.logSd())
                .param("by", p.madeBy())
                .param("byName", p.madeByName())
                .param("run", p.runId(), Types.BIGINT)
                .query(Long.class)
                .optional());
        @Nullable Long run = p.runId();
        if (made.isPresent() || run == null) {
            return new Made(made.orElseThrow(), true);
        }
        return new Made(find(run, p.fitId()).orElseThrow(), false);
    }

    /** The prediction of a run by a fit. */
    @Transactional(readOnly = true)
    public OptionalLong find(long runId, long fitId) {
        return jdbc.sql("select id from prediction where run_id = ? and fit_id = ?")
                .params(runId, fitId)
                .query(Long.class)
                .optional()
                .map(OptionalLong::of)
                .orElseGet(OptionalLong::empty);
    }

    /**
     * Ties a prediction that has no run yet to one that has not begun.
     *
     * @return whether it was free
     * @throws RunBegunException if the run has begun
     */
    public boolean link(long id, long runId) {
        return guarded(
                () -> jdbc.sql("update prediction set run_id = ?, linked_at = now() where id = ? and run_id is null")
                                .params(runId, id)
                                .update()
                        == 1);
    }

    /**
     * Scores what was predicted of a run that has ended, or voids it where there is nothing to compare; what has its score keeps it.
     * To be called in the transaction in which the run ends.
     *
     * @return predictions that were settled
     */
    public int settle(long runId) {
        return jdbc.sql(SETTLE).param(runId).update();
    }

    private static <T> T guarded(Supplier<T> write) {
        try {
            return write.get();
        } catch (DataAccessException e) {
            if (e.getMostSpecificCause() instanceof SQLException cause && RESTRICTED.equals(cause.getSQLState())) {
                throw new RunBegunException(e);
            }
            throw e;
        }
    }
}
