package dev.isoflop.platform.orchestration;

import dev.isoflop.db.run.RunEntity;
import dev.isoflop.db.run.RunStore;
import dev.isoflop.db.run.RunTransitions;
import dev.isoflop.db.runner.PlaceStore;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.protocol.api.RunState;
import dev.isoflop.protocol.error.ErrorCode;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;

/** Gives runs that failed for good, quarantined ones above all, another chance. */
@Component
public class ReleaseRuns {

    private final RunStore runs;
    private final RunTransitions transitions;
    private final PlaceStore places;

    ReleaseRuns(RunStore runs, RunTransitions transitions, PlaceStore places) {
        this.runs = runs;
        this.transitions = transitions;
        this.places = places;
    }

    /**
     * Queues the run again, with its retries and counters as those of a new run; it goes on from its last checkpoint.
     *
     * @param expectedVersion version the caller has seen, checked under the lock; not checked when absent
     * @throws ProblemException not-found; etag-mismatch; illegal-transition when it has not failed or its sweep is cancelled
     */
    @Transactional
    public void release(long runId, @Nullable Long expectedVersion) {
        boolean sweepCancelled = runs.holdSweepOf(runId);
        RunEntity run = runs.lock(runId)
                .orElseThrow(() -> new ProblemException(ErrorCode.NOT_FOUND, "There is no run " + runId + "."));
        if (expectedVersion != null && run.version() != expectedVersion) {
            throw new ProblemException(
                    ErrorCode.ETAG_MISMATCH,
                    "The run has changed since (it is %s, version %d). Look at it again."
                            .formatted(run.state().wireName(), run.version()));
        }
        if (run.state() != RunState.FAILED || sweepCancelled) {
            throw new ProblemException(
                    ErrorCode.ILLEGAL_TRANSITION,
                    sweepCancelled
                            ? "The sweep of this run was cancelled."
                            : "Only a run that has failed can be released; this one is %s."
                                    .formatted(run.state().wireName()));
        }
        places.forgetAvoided(runId);
        transitions.release(run);
    }
}
