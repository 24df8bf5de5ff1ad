package dev.isoflop.platform.orchestration;

import dev.isoflop.db.run.AttemptStore;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.protocol.error.ErrorCode;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Propagation;
import org.springframework.transaction.annotation.Transactional;

/**
 * The fence every write of a runner passes: the attempt must be the run's current one and hold its lease.
 *
 * <p>Concurrency: the run's row stays locked until the caller's transaction ends, so the attempt cannot be taken away
 * between the check and the write, and the writes of one run come one after another.
 */
@Component
public class AttemptFence {

    private final AttemptStore attempts;

    AttemptFence(AttemptStore attempts) {
        this.attempts = attempts;
    }

    /** @throws ProblemException not-found for an unknown run, stale-attempt when the attempt has lost the run */
    @Transactional(propagation = Propagation.MANDATORY)
    public void lock(long runId, int attempt) {
        AttemptStore.Holder holder = attempts.lockHolder(runId)
                .orElseThrow(() -> new ProblemException(ErrorCode.NOT_FOUND, "There is no run " + runId + "."));
        if (!holder.is(attempt)) {
            throw stale(runId, attempt, holder.attempt(), holder.state().wireName());
        }
    }

    static ProblemException stale(long runId, int attempt, int current, String state) {
        return new ProblemException(
                ErrorCode.STALE_ATTEMPT,
                "Attempt %d of run %d may no longer write: the run is %s in attempt %d. Stop that work."
                        .formatted(attempt, runId, state, current));
    }
}
