package dev.isoflop.db.run;

import dev.isoflop.protocol.api.RunState;
import java.util.EnumSet;
import java.util.Set;

/**
 * The legal moves of a run, and nothing else. Every writer goes through {@link RunTransitions}, which asks this table;
 * the one bulk statement that does not (the claim) makes a single move, queued to assigned, that its own condition
 * checks row by row.
 */
public final class LegalTransitions {

    private LegalTransitions() {}

    /** The states a run may move to from the given one; empty for terminal states. */
    public static Set<RunState> from(RunState state) {
        return switch (state) {
            // Failed without ever having been tried: the run it waits for ended without success.
            case QUEUED -> EnumSet.of(RunState.ASSIGNED, RunState.CANCELLED, RunState.FAILED);
            case ASSIGNED ->
                EnumSet.of(
                        RunState.RUNNING,
                        RunState.SUSPECT,
                        RunState.QUEUED,
                        RunState.FAILED,
                        RunState.SUCCEEDED,
                        RunState.CANCELLED,
                        RunState.PREEMPTED);
            case RUNNING ->
                EnumSet.of(
                        RunState.SUCCEEDED,
                        RunState.FAILED,
                        RunState.CANCELLED,
                        RunState.PREEMPTED,
                        RunState.SUSPECT,
                        RunState.QUEUED);
            case SUSPECT ->
                EnumSet.of(
                        RunState.RUNNING,
                        RunState.ASSIGNED,
                        RunState.QUEUED,
                        RunState.SUCCEEDED,
                        RunState.FAILED,
                        RunState.CANCELLED,
                        RunState.PREEMPTED);
            case PREEMPTED -> EnumSet.of(RunState.QUEUED, RunState.CANCELLED, RunState.FAILED);
            // A person has released it.
            case FAILED -> EnumSet.of(RunState.QUEUED);
            case SUCCEEDED, CANCELLED -> EnumSet.noneOf(RunState.class);
        };
    }

    public static boolean allows(RunState from, RunState to) {
        return from(from).contains(to);
    }
}
