package dev.isoflop.protocol.api;

import com.fasterxml.jackson.annotation.JsonProperty;

/** Where a run stands. The legal moves between states are one table in the platform, tested by itself. */
public enum RunState {
    /** Waiting for a runner (or for the run it depends on). */
    @JsonProperty("queued")
    QUEUED,
    /** Granted to a runner that has not begun it. */
    @JsonProperty("assigned")
    ASSIGNED,
    @JsonProperty("running")
    RUNNING,
    /** Its runner has gone silent, but the lease has not run out: nothing is relaunched yet. */
    @JsonProperty("suspect")
    SUSPECT,
    @JsonProperty("succeeded")
    SUCCEEDED,
    @JsonProperty("failed")
    FAILED,
    @JsonProperty("cancelled")
    CANCELLED,
    /** Stopped after a checkpoint to make room; goes back to the queue. */
    @JsonProperty("preempted")
    PREEMPTED;

    /** Whether the run has ended for good. */
    public boolean isTerminal() {
        return this == SUCCEEDED || this == FAILED || this == CANCELLED;
    }

    /** Whether some attempt holds a lease on the run. */
    public boolean isLeased() {
        return this == ASSIGNED || this == RUNNING || this == SUSPECT;
    }

    /** The name used in REST, tables and the dashboard. */
    public String wireName() {
        return name().toLowerCase(java.util.Locale.ROOT);
    }
}
