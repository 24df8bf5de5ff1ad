package dev.isoflop.db.run;

import dev.isoflop.db.prediction.PredictionStore;
import dev.isoflop.protocol.api.RunState;
import jakarta.persistence.EntityManager;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Propagation;
import org.springframework.transaction.annotation.Transactional;

/**
 * The only way to move a run between states. Every move is checked against {@link LegalTransitions}, writes its
 * {@code run_event} in the same transaction and is published as {@link RunTransitioned} after the commit. At the end of a run what
 * was predicted of it is scored, in the same transaction. Times come from the database.
 *
 * <p>Concurrency: the run must have been locked by {@link RunStore#lock} in the surrounding transaction. Each move is
 * flushed at once, so that plain SQL in the same transaction sees it.
 */
@Component
@Transactional(propagation = Propagation.MANDATORY)
public class RunTransitions {

    private final JdbcClient jdbc;
    private final EntityManager entities;
    private final RunStore runs;
    private final PredictionStore predictions;
    private final TransitionPublisher publisher;

    RunTransitions(
            JdbcClient jdbc,
            EntityManager entities,
            RunStore runs,
            PredictionStore predictions,
            TransitionPublisher publisher) {
        this.jdbc = jdbc;
        this.entities = entities;
        this.runs = runs;
        this.predictions = predictions;
        this.publisher = publisher;
    }

    public void begin(RunEntity run) {
        move(run, "started", r -> r.begin(runs.now()));
    }

    public void suspect(RunEntity run) {
        move(run, "runner is silent", RunEntity::suspect);
    }

    /** @param begun whether the attempt had started before its runner went silent */
    public void reachable(RunEntity run, boolean begun) {
        move(run, "runner is back", r -> r.reachable(begun));
    }

    public void succeed(RunEntity run, RunOutcome outcome) {
        move(run, outcome.diverged() ? "finished: the loss diverged" : "finished", r -> r.succeed(outcome, runs.now()));
    }

    /** Fails the run for good, and with it every queued run that waits for it. */
    public void fail(RunEntity run, RunFailure failure) {
        move(run, failure.code() + ": " + failure.message(), r -> r.fail(failure, runs.now()));
        failDependents(run, "failed");
    }

    /** Cancels the run for good; every queued run that waits for it fails. */
    public void cancel(RunEntity run, String cause) {
        move(run, cause, r -> r.cancel(runs.now()));
        failDependents(run, "was cancelled");
    }

    public void preempt(RunEntity run, String cause) {
        move(run, cause, RunEntity::preempt);
    }

    /**
     * Puts the run back into the queue, as far as its last checkpoint, and charges a budget, which must not be empty. The caller
     * has made sure, by {@link RunStore#holdSweepOf}, that the sweep is not cancelled.
     *
     * @param delay before it may be granted again
     */
    public void requeue(RunEntity run, RetryBudget charged, Duration delay, String cause) {
        long resumeStep = jdbc.sql("select coalesce(max(step), 0) from checkpoint where run_id = ?")
                .param(run.id())
                .query(Long.class)
                .single();
        move(run, cause, r -> r.requeue(charged, runs.now(), delay, resumeStep));
    }

    /**
     * Puts a run that failed for good back into the queue, with the budgets of a new one. The caller has made sure, by
     * {@link RunStore#holdSweepOf}, that the sweep is not cancelled.
     */
    public void release(RunEntity run) {
        NewRun.Retries anew = NewRun.Retries.DEFAULT;
        move(
                run,
                "released by a user",
                r -> r.release(runs.now(), anew.failures(), anew.preemptions(), anew.infrastructure()));
    }

    /** Has the runner told, by its next heartbeat, to stop the run for good. Not a move by itself. */
    public void askToStop(RunEntity run) {
        run.askToStop();
        entities.flush();
    }

    /**
     * Has the runner told, by its next heartbeat, to checkpoint the run and give it back. Not a move by itself.
     *
     * @param forRun the run it makes room for
     * @param patience after which the runner stops it as it is
     */
    public void askToMakeRoom(RunEntity run, long forRun, Duration patience) {
        run.askToMakeRoom(forRun, runs.now().plus(patience));
        entities.flush();
    }

    private void failDependents(RunEntity run, String what) {
        for (long id : runs.waitingFor(run.id())) {
            runs.lock(id)
                    .filter(r -> r.state() == RunState.QUEUED)
                    .ifPresent(dependent -> fail(
                            dependent,
                            new RunFailure(
                                    "dependency",
                                    "dependency-" + run.state().wireName(),
                                    "run %d (%s), which it waits for, %s".formatted(run.id(), run.name(), what))));
        }
    }

    private void move(RunEntity run, @Nullable String cause, Consumer<RunEntity> change) {
        RunState from = run.state();
        change.accept(run);
        entities.flush();
        if (run.state().isTerminal()) {
            predictions.settle(run.id());
        }
        RunTransitioned event = jdbc.sql("""
                        insert into run_event (run_id, sweep_id, from_state, to_state, attempt_no, cause)
                        values (:run, :sweep, :from, :to, :attempt, :cause) returning id, at
                        """)
                .param("run", run.id())
                .param("sweep", run.sweepId(), java.sql.Types.BIGINT)
                .param("from", from.wireName())
                .param("to", run.state().wireName())
                .param("attempt", run.attempt())
                .param("cause", cause, java.sql.Types.VARCHAR)
                .query((rs, i) -> new RunTransitioned(
                        rs.getLong("id"),
                        run.id(),
                        run.sweepId(),
                        run.kind(),
                        from,
                        run.state(),
                        run.attempt(),
                        cause,
                        rs.getObject("at", OffsetDateTime.class).toInstant()))
                .single();
        publisher.publishAfterCommit(List.of(event));
    }
}
