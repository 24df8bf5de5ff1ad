package dev.isoflop.protocol.runner;

import java.util.List;

/** All the runner should be doing. An attempt it executes that is not listed here is not its own: kill it. */
public record Directives(List<Directive> desired) {

    public Directives {
        desired = List.copyOf(desired);
    }

    /**
     * @param runId the run
     * @param attempt the attempt that is wanted
     * @param intent what to do with it
     * @param deadlineSeconds for {@link Intent#CHECKPOINT_AND_STOP}, seconds until it is killed; otherwise 0
     */
    public record Directive(long runId, int attempt, Intent intent, int deadlineSeconds) {}

    public enum Intent {
        RUN,
        /** Commit a checkpoint, then finish as preempted. */
        CHECKPOINT_AND_STOP,
        /** Stop now; finish as cancelled. */
        KILL
    }
}
