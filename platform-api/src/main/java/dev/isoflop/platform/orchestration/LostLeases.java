package dev.isoflop.platform.orchestration;

import dev.isoflop.db.run.AttemptStore;
import dev.isoflop.db.run.LeaseStore;
import dev.isoflop.db.run.RunEntity;
import dev.isoflop.db.run.RunStore;
import dev.isoflop.db.run.RunTransitions;
import dev.isoflop.protocol.api.RunState;
import java.time.Duration;
import java.util.Optional;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Propagation;
import org.springframework.transaction.annotation.Transactional;

/**
 * Takes runs away from runners that have gone silent.
 *
 * <p>Concurrency: each run is judged in a transaction of its own, and its silence is looked at again once it is locked,
 * so two platforms reaping at once, or a heartbeat that arrives in the last moment, do no harm.
 */
@Component
class LostLeases {

    private final RunStore runs;
    private final RunTransitions transitions;
    private final AttemptStore attempts;
    private final LeaseStore leases;
    private final Verdicts verdicts;
    private final Counters counters;

    LostLeases(
            RunStore runs,
            RunTransitions transitions,
            AttemptStore attempts,
            LeaseStore leases,
            Verdicts verdicts,
            Counters counters) {
        this.runs = runs;
        this.transitions = transitions;
        this.attempts = attempts;
        this.leases = leases;
        this.verdicts = verdicts;
        this.counters = counters;
    }

    /** Makes the run suspect if its lease has been silent that long. */
    @Transactional
    public void suspect(LeaseStore.Silent lease, Duration age) {
        held(lease)
                .filter(run -> run.state() != RunState.SUSPECT && leases.isSilent(lease, age))
                .ifPresent(transitions::suspect);
    }

    /** Ends the attempt if its lease has been silent that long. */
    @Transactional
    public void expire(LeaseStore.Silent lease, Duration age) {
        boolean sweepCancelled = runs.holdSweepOf(lease.runId());
        held(lease)
                .filter(run -> leases.isSilent(lease, age))
                .ifPresent(
                        run -> lose(run, lease.attempt(), "the runner was silent for its whole lease", sweepCancelled));
    }

    /** Ends every attempt of a runner whose process has been replaced, in the caller's transaction. */
    @Transactional(propagation = Propagation.MANDATORY)
    public void replaced(long runnerId) {
        var held = leases.heldBy(runnerId);
        // All sweeps before any run: the order of locks everybody keeps.
        var cancelled = held.stream()
                .map(LeaseStore.Lease::runId)
                .collect(java.util.stream.Collectors.toMap(id -> id, runs::holdSweepOf));
        for (LeaseStore.Lease lease : held) {
            held(new LeaseStore.Silent(lease.runId(), lease.attempt()))
                    .ifPresent(run -> lose(
                            run,
                            lease.attempt(),
                            "the runner was restarted",
                            cancelled.getOrDefault(lease.runId(), false)));
        }
    }

    private Optional<RunEntity> held(LeaseStore.Silent lease) {
        return runs.lock(lease.runId()).filter(run -> run.isHeldBy(lease.attempt()));
    }

    private void lose(RunEntity run, int attempt, String cause, boolean sweepCancelled) {
        boolean begun = attempts.find(run.id(), attempt).orElseThrow().started();
        attempts.end(run.id(), attempt, "lost", cause, null);
        counters.attemptEnded(run.kind(), "lost", "infrastructure");
        verdicts.carryOut(run, EndOfAttempt.lost(run, begun, cause, sweepCancelled));
    }
}
