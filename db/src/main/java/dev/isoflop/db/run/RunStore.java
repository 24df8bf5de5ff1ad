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
import java.util.function.Function;
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

    /** Runs that one statement makes: it compares each with each. */
    private static final int MOST_AT_ONCE = 250;

    /** Ids rise in the order given, so that the n-th of them is the n-th run's. */
    private static final String INSERT = """
            with given as materialized (
                select * from unnest(:sweeps, :names, :kinds, :specs, :pools, :priorities, :awaited, :memory, :parameters,
                    :nonEmbedding, :tokens, :flops, :flopsExact, :budgets, :tokensPerStep, :steps, :seeds, :learningRates,
                    :comparability, :failures, :preemptions, :infrastructure)
                with ordinality as g (sweep, name, kind, spec, pool, priority, awaited, memory, parameters,
                    non_embedding, tokens, flops, flops_exact, budget, tokens_per_step, steps, seed, learning_rate,
                    comparability, failures, preemptions, infrastructure, nth)
            ), made as (
                insert into run (sweep_id, experiment_id, name, kind, gpus, state, pool, priority, waits_for, memory_bytes,
                    n_params, n_params_nonembed, tokens, flops, flops_exact, budget, tokens_per_step, steps, seed, learning_rate,
                    comparability, trace_parent, retries_failure, retries_preemption, retries_infrastructure)
                select sweep, (select experiment_id from sweep s where s.id = g.sweep), name, kind,
                    case when kind = 'command' then coalesce((spec::jsonb ->> 'gpus')::int, 0) end,
                    'queued', pool, priority, awaited, memory,
                    parameters, non_embedding, tokens, flops, flops_exact, budget, tokens_per_step, steps, seed, learning_rate,
                    comparability, :traceParent, failures, preemptions, infrastructure
                from given g order by nth
                returning id, sweep_id
            ), numbered as (
                select id, sweep_id, row_number() over (order by id) as nth from made
            ), job as (
                insert into run_job (run_id, spec, search)
                select n.id, g.spec::jsonb, lower(g.name) from numbered n join given g on g.nth = n.nth
            ), event as (
                insert into run_event (run_id, sweep_id, from_state, to_state, attempt_no, cause)
                select id, sweep_id, null, 'queued', 0, 'submitted' from numbered order by nth
                returning id, run_id, at
            )
            select id, run_id, at from event order by run_id
            """;

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
        List<RunTransitioned> events = new ArrayList<>(runs.size());
        for (int from = 0; from < runs.size(); from += MOST_AT_ONCE) {
            events.addAll(insert(runs.subList(from, Math.min(runs.size(), from + MOST_AT_ONCE))));
        }
        publisher.publishAfterCommit(events);
        return events.stream().map(RunTransitioned::runId).toList();
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

    /** @return their first events, in the same order */
    private List<RunTransitioned> insert(List<NewRun> runs) {
        return jdbc.sql(INSERT)
                .param("sweeps", each(runs, Long.class, NewRun::sweepId))
                .param("names", each(runs, String.class, NewRun::name))
                .param("kinds", each(runs, String.class, NewRun::kind))
                .param("specs", each(runs, String.class, NewRun::specJson))
                .param("pools", each(runs, String.class, NewRun::pool))
                .param("priorities", each(runs, Integer.class, NewRun::priority))
                .param("awaited", each(runs, Long.class, NewRun::waitsFor))
                .param("memory", each(runs, Long.class, NewRun::memoryBytes))
                .param("parameters", each(runs, Long.class, run -> run.size().parameters()))
                .param("nonEmbedding", each(runs, Long.class, run -> run.size().nonEmbeddingParameters()))
                .param("tokens", each(runs, Long.class, run -> run.size().tokens()))
                .param("flops", each(runs, Double.class, run -> run.size().flops()))
                .param("flopsExact", each(runs, Double.class, run -> run.size().flopsExact()))
                .param("budgets", each(runs, Double.class, run -> run.size().budget()))
                .param("tokensPerStep", each(runs, Long.class, run -> run.size().tokensPerStep()))
                .param("steps", each(runs, Long.class, run -> run.size().steps()))
                .param("seeds", each(runs, Long.class, NewRun::seed))
                .param("learningRates", each(runs, Double.class, NewRun::learningRate))
                .param("comparability", each(runs, String.class, NewRun::comparability))
                .param(
                        "failures",
                        each(runs, Integer.class, run -> run.retries().failures()))
                .param(
                        "preemptions",
                        each(runs, Integer.class, run -> run.retries().preemptions()))
                .param(
                        "infrastructure",
                        each(runs, Integer.class, run -> run.retries().infrastructure()))
                .param("traceParent", TraceParent.current(), java.sql.Types.VARCHAR)
                .query((rs, i) -> new RunTransitioned(
                        rs.getLong("id"),
                        rs.getLong("run_id"),
                        runs.get(i).sweepId(),
                        runs.get(i).kind(),
                        null,
                        RunState.QUEUED,
                        0,
                        "submitted",
                        rs.getObject("at", OffsetDateTime.class).toInstant()))
                .list();
    }

    @SuppressWarnings("unchecked")
    private static <T> @Nullable T[] each(List<NewRun> runs, Class<T> type, Function<NewRun, @Nullable T> part) {
        return runs.stream().map(part).toArray(n -> (T[]) java.lang.reflect.Array.newInstance(type, n));
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
