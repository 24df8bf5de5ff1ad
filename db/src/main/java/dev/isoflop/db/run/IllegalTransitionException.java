package dev.isoflop.db.run;

import dev.isoflop.protocol.api.RunState;

/** A move that {@link LegalTransitions} does not have: a defect of the caller, who has to look at the state first. */
public final class IllegalTransitionException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    IllegalTransitionException(long runId, RunState from, RunState to) {
        super("run %d is %s and cannot become %s".formatted(runId, from.wireName(), to.wireName()));
    }
}
