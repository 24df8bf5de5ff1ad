package dev.isoflop.platform.orchestration;

import dev.isoflop.db.run.RetryBudget;
import dev.isoflop.db.run.RunEntity;
import dev.isoflop.db.run.RunFailure;
import dev.isoflop.protocol.runner.FinishAttempt;
import dev.isoflop.protocol.runner.FinishAttempt.Failure;

/**
 * What becomes of a run whose attempt ended without success. A pure function of what is left of the budgets, so that the
 * rule can be read in one place and tested exactly.
 */
sealed interface EndOfAttempt {

    /** Ends for good. */
    record Failed(RunFailure failure) implements EndOfAttempt {}

    /** Ends for good, because somebody wanted it to. */
    record Cancelled(String cause) implements EndOfAttempt {}

    /**
     * Goes back to the queue.
     *
     * @param preempted whether it passes through the state preempted
     * @param backOff whether it has to wait before it may be granted again
     */
    record Retried(RetryBudget charged, String cause, boolean preempted, boolean backOff) implements EndOfAttempt {}

    /** The runner reports a failure. */
    static EndOfAttempt failed(RunEntity run, Failure failure, boolean sweepCancelled) {
        String cause = failure.code() + ": " + failure.message();
        RunFailure last = new RunFailure(category(failure.category()), failure.code(), failure.message());
        return switch (failure.category()) {
            case USER -> retry(run, new Retried(RetryBudget.FAILURE, cause, false, false), last, sweepCancelled);
            case INVALID_INPUT, OUT_OF_MEMORY -> stopped(run, sweepCancelled) ? cancelled(run) : new Failed(last);
            case INFRASTRUCTURE ->
                retry(run, new Retried(RetryBudget.INFRASTRUCTURE, cause, false, true), last, sweepCancelled);
        };
    }

    /** The runner gave the run back: it was told to, or is going away. */
    static EndOfAttempt preempted(RunEntity run, boolean begun, boolean sweepCancelled) {
        return retry(
                run,
                new Retried(
                        begun ? RetryBudget.PREEMPTION : RetryBudget.FREE,
                        run.makesRoomFor() == null
                                ? "preempted"
                                : "preempted: it made room for run %d".formatted(run.makesRoomFor()),
                        true,
                        false),
                new RunFailure("preemption", "preempted-too-often", "It was preempted and has no such retries left."),
                sweepCancelled);
    }

    /** The lease ran out, or the runner's process was replaced. */
    static EndOfAttempt lost(RunEntity run, boolean begun, String cause, boolean sweepCancelled) {
        return retry(
                run,
                new Retried(begun ? RetryBudget.INFRASTRUCTURE : RetryBudget.FREE, cause, false, begun),
                new RunFailure("infrastructure", "runner-lost", "Its runner was lost and it has no such retries left."),
                sweepCancelled);
    }

    private static EndOfAttempt retry(RunEntity run, Retried wanted, RunFailure otherwise, boolean sweepCancelled) {
        if (stopped(run, sweepCancelled)) {
            return cancelled(run);
        }
        return run.retriesLeft(wanted.charged()) > 0 ? wanted : new Failed(otherwise);
    }

    private static boolean stopped(RunEntity run, boolean sweepCancelled) {
        return run.isBeingCancelled() || sweepCancelled;
    }

    private static Cancelled cancelled(RunEntity run) {
        return new Cancelled(run.isBeingCancelled() ? "cancelled by a user" : "the sweep was cancelled");
    }

    private static String category(FinishAttempt.Category category) {
        return switch (category) {
            case USER -> "user";
            case INVALID_INPUT -> "invalid_input";
            case OUT_OF_MEMORY -> "out_of_memory";
            case INFRASTRUCTURE -> "infrastructure";
        };
    }
}
