package dev.isoflop.platform.orchestration;

import dev.isoflop.db.run.RunEntity;
import dev.isoflop.db.run.RunStore;
import dev.isoflop.db.run.RunTransitions;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.protocol.api.RunState;
import dev.isoflop.protocol.error.ErrorCode;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;

/**
 * Cancels runs. One that nobody holds ends at once; one that a runner holds is marked, its runner learns so by the next
 * heartbeat, and it ends when the runner reports or its lease runs out.
 *
 * <p>Concurrency: a run that ends while it is being cancelled keeps its end; a run that would go back to the queue ends
 * as cancelled instead.
 */
@Component
public class CancelRuns {

    private static final String CAUSE = "cancelled by a user";

    private final RunStore runs;
    private final RunTransitions transitions;

    CancelRuns(RunStore runs, RunTransitions transitions) {
        this.runs = runs;
        this.transitions = transitions;
    }

    /**
     * Cancels one run. Cancelling it again has no effect.
     *
     * @param expectedVersion version the caller has seen, checked under the lock; not checked when absent
     * @return the run as it is now
     * @throws ProblemException not-found; etag-mismatch; illegal-transition when the run has succeeded or failed
     */
    @Transactional
    public RunEntity cancel(long runId, @Nullable Long expectedVersion) {
        RunEntity run = runs.lock(runId)
                .orElseThrow(() -> new ProblemException(ErrorCode.NOT_FOUND, "There is no run " + runId + "."));
        if (expectedVersion != null && run.version() != expectedVersion) {
            throw new ProblemException(
                    ErrorCode.ETAG_MISMATCH,
                    "The run has changed since (it is %s, version %d). Look at it again."
                            .formatted(run.state().wireName(), run.version()));
        }
        if (run.state() == RunState.SUCCEEDED || run.state() == RunState.FAILED) {
            throw new ProblemException(
                    ErrorCode.ILLEGAL_TRANSITION,
                    "The run has already %s.".formatted(run.state().wireName()));
        }
        cancel(run, CAUSE);
        return run;
    }

    /**
     * Cancels every run of a sweep that has not ended. The caller has set {@code sweep.cancelled_at} before, flushed, in
     * the same transaction: that row lock is what keeps a run from going back to the queue meanwhile.
     *
     * @return how many runs were cancelled or asked to stop
     */
    @Transactional
    public int cancelSweep(long sweepId) {
        int cancelled = 0;
        for (long id : runs.unfinishedOf(sweepId)) {
            RunEntity run = runs.lock(id).orElseThrow();
            if (!run.state().isTerminal()) {
                cancel(run, "the sweep was cancelled");
                cancelled++;
            }
        }
        return cancelled;
    }

    private void cancel(RunEntity run, String cause) {
        switch (run.state()) {
            case QUEUED, PREEMPTED -> transitions.cancel(run, cause);
            case ASSIGNED, RUNNING, SUSPECT -> {
                if (!run.isBeingCancelled()) {
                    transitions.askToStop(run);
                }
            }
            case SUCCEEDED, FAILED, CANCELLED -> {}
        }
    }
}
