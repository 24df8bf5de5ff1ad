package dev.isoflop.db.run;

import dev.isoflop.protocol.api.RunState;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A committed transition, published as a Spring application event. It is published after the commit, and after every
 * transition that was committed before it was written, on one thread of its own and outside any transaction: listen with a plain {@code @EventListener} (a
 * {@code @TransactionalEventListener} would never hear it) and open a transaction of your own for database work. A slow
 * listener delays those after it, never the request that made the transition. Events are not stored for listeners that
 * were down: the rows of {@code run_event} are the record.
 *
 * @param eventId id of the {@code run_event} row
 * @param runId the run
 * @param sweepId its sweep, if it has one
 * @param kind kind of work
 * @param from state before; absent when the run was made
 * @param to state now
 * @param attempt the run's attempt at that moment
 * @param cause one phrase
 * @param at database time
 */
public record RunTransitioned(
        long eventId,
        long runId,
        @Nullable Long sweepId,
        String kind,
        @Nullable RunState from,
        RunState to,
        int attempt,
        @Nullable String cause,
        Instant at) {}
