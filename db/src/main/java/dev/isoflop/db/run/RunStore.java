package dev.isoflop.db.run;

import dev.isoflop.protocol.api.RunState;
import dev.isoflop.telemetry.TraceParent;
import jakarta.persistence.EntityManager;
import jakarta.persistence.LockModeType;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;
import org.springframework.transaction.annotation.Propagation;
import org.springframework.transaction.annotation.Transactional;

/**
 * Makes runs and locks them.
 *
 * <p>Concurrency: every transaction that touches several rows takes them in one order, or two of them could wait for
 * each other: runner, then sweep, then runs by rising id, then attempts and leases. {@link #lock} is a
 * {@code FOR NO KEY UPDATE}, so rows that merely refer to a run can still be inserted by others.
 */
@Repository
@Transactional(propagation = Propagation.MANDATORY)
public class RunStore {

    private final JdbcClient jdbc;
    private final EntityManager entities;
    private final TransitionPublisher publisher;

    RunStore(JdbcClient jdbc, EntityManager entities, TransitionPublisher publisher) {
        this.jdbc = jdbc;
        this.entities = entities;
        this.publisher = publisher;
    }

    /**
     * A run was to wait for one that has already ended without success. Not an IllegalStateException, which Spring would
     * wrap on its way out of a repository.
     */
    public static final class DependencyEndedException extends RuntimeException {

        private static final long serialVersionUID = 1L;

        DependencyEndedException(long runId, RunState state) {
            super("run %d, which is to be waited for, is %s".formatted(runId, state.wireName()));
        }
    }

    /**
     * Queues a run.
     *
     * @return its id
     * @throws DependencyEndedException when the run it waits for has failed or was cancelled
     */
    public long create(NewRun run) {
        return createAll(List.of(run)).getFirst();
    }

    /**
     * Queues runs, in the order given, each with its first event. They belong to the trace that this thread works for, if there is one.
     *
     * @return their ids, in the same order
     * @throws DependencyEndedException when a run they wait for has failed or was cancelled
     */
    public List<Long> createAll(List<NewRun> runs) {
        runs.stream()
                .map(NewRun::waitsFor)
                .filter(java.util.Objects::nonNull)
                .distinct()
                .sorted()
                .forEach(this::holdDependency);
        List<Long> ids = new ArrayList<>(runs.size());
        List<RunTransitioned> events = new ArrayList<>(runs.size());
        for (NewRun run : runs) {
            RunTransitioned event = insert(run);
            ids.add(event.runId());
            events.add(event);
        }
        publisher.publishAfterCommit(events);
        return ids;
    }

    /**
     * Holds the awaited run until the new ones are committed: otherwise it could fail in between, and nobody would tell
     * the runs that wait for it.
     */
    private void holdDependency(Long runId) {
        RunState state = jdbc.sql("select state from run where id = ? for share")
                .param(runId)
                .query((rs, i) -> RunStateConverter.parse(rs.getString(1)))
                .optional()
                .orElseThrow(() -> new IllegalArgumentException("no run " + runId + " to wait for"));
        if (state == RunState.FAILED || state == RunState.CANCELLED) {
            throw new DependencyEndedException(runId, state);
        }
    }

    private RunTransitioned insert(NewRun run) {
        return jdbc.sql("""
                        with made as (
                            insert into run (sweep_id, experiment_id, name, kind, gpus, state, pool, priority, waits_for, memory_bytes,
                                n_params, n_params_nonembed, tokens, flops, flops_exact, budget, tokens_per_step, steps,
                                seed, learning_rate, comparability, trace_parent,
                                retries_failure, retries_preemption, retries_infrastructure)
                            values (:sweep, (select experiment_id from sweep where id = :sweep), :name, :kind,
                                case when :kind = 'command' then coalesce((:spec::jsonb ->> 'gpus')::int, 0) end, 'queued', :pool, :priority, :waitsFor, :memory,
                                :parameters, :nonEmbedding, :tokens, :flops, :flopsExact, :budget, :tokensPerStep, :steps,
                                :seed, :learningRate, :comparability, :traceParent,
                                :failures, :preemptions, :infrastructure)
                            returning id, sweep_id
                        ), job as (
                            insert into run_job (run_id, spec) select id, :spec::jsonb from made
                        )
                        insert into run_event (run_id, sweep_id, from_state, to_state, attempt_no, cause)
                        select id, sweep_id, null, 'queued', 0, 'submitted' from made
                        returning id, run_id, at
                        """)
                .param("sweep", run.sweepId(), java.sql.Types.BIGINT)
                .param("name", run.name())
                .param("kind", run.kind())
                .param("spec", run.specJson())
                .param("pool", run.pool())
                .param("priority", run.priority())
                .param("waitsFor", run.waitsFor(), java.sql.Types.BIGINT)
                .param("memory", run.memoryBytes())
                .param("parameters", run.size().parameters())
                .param("nonEmbedding", run.size().nonEmbeddingParameters())
                .param("tokens", run.size().tokens())
                .param("flops", run.size().flops())
                .param("flopsExact", run.size().flopsExact())
                .param("budget", run.size().budget())
                .param("tokensPerStep", run.size().tokensPerStep())
                .param("steps", run.size().steps())
                .param("seed", run.seed(), java.sql.Types.BIGINT)
                .param("learningRate", run.learningRate(), java.sql.Types.DOUBLE)
                .param("comparability", run.comparability(), java.sql.Types.VARCHAR)
                .param("traceParent", TraceParent.current(), java.sql.Types.VARCHAR)
                .param("failures", run.retries().failures())
                .param("preemptions", run.retries().preemptions())
                .param("infrastructure", run.retries().infrastructure())
                .query((rs, i) -> new RunTransitioned(
                        rs.getLong("id"),
                        rs.getLong("run_id"),
                        run.sweepId(),
                        run.kind(),
                        null,
                        RunState.QUEUED,
                        0,
                        "submitted",
                        rs.getObject("at", OffsetDateTime.class).toInstant()))
                .single();
    }

    /** The run as it is now, locked until the transaction ends. */
    public Optional<RunEntity> lock(long id) {
        // Refreshed under the lock: the caller may have read the run before somebody else changed it.
        @Nullable RunEntity run = entities.find(RunEntity.class, id);
        if (run == null) {
            return Optional.empty();
        }
        entities.refresh(run, LockModeType.PESSIMISTIC_WRITE);
        return Optional.of(run);
    }

    /**
     * Holds the run's sweep against cancellation until the transaction ends. Call it before locking the run.
     *
     * @return whether the sweep has been cancelled; false for a run without one
     */
    public boolean holdSweepOf(long runId) {
        return jdbc.sql("""
                        select s.cancelled_at is not null from sweep s
                        where s.id = (select sweep_id from run where id = ?) for share
                        """).param(runId).query(Boolean.class).optional().orElse(false);
    }

    /** Ids of the runs of a sweep that have not ended, rising. */
    public List<Long> unfinishedOf(long sweepId) {
        return jdbc.sql("""
                        select id from run
                        where sweep_id = ? and state not in ('succeeded', 'failed', 'cancelled') order by id
                        """).param(sweepId).query((rs, i) -> rs.getLong(1)).list();
    }

    /** Ids of queued runs that wait for this one, rising. */
    public List<Long> waitingFor(long runId) {
        return jdbc.sql("select id from run where waits_for = ? and state = 'queued' order by id")
                .param(runId)
                .query((rs, i) -> rs.getLong(1))
                .list();
    }

    /** The database's clock at the start of the transaction. */
    public Instant now() {
        return jdbc.sql("select now()")
                .query((rs, i) -> rs.getObject(1, OffsetDateTime.class).toInstant())
                .single();
    }
}
