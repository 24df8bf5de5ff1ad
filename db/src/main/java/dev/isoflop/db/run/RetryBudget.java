package dev.isoflop.db.run;

/** What a retry is charged to. */
public enum RetryBudget {
    /** Failures of the work itself. */
    FAILURE,
    PREEMPTION,
    /** Lost runners, machines, disks, networks. */
    INFRASTRUCTURE,
    /** Nothing was lost: the attempt had been granted and never begun. */
    FREE
}
