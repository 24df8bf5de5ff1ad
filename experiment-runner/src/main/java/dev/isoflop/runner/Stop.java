package dev.isoflop.runner;

/** Why an attempt is to end early, the later the stronger. */
enum Stop {
    NONE,
    /** Checkpoint, then end as preempted. */
    CHECKPOINT,
    /** The time for that checkpoint is over; still preempted. */
    DEADLINE,
    /** It has stalled; finish as failed, by the machine's fault. */
    STALLED,
    /** The platform wants it to end; finish as cancelled. */
    KILL,
    /** Not this runner's any more: nothing is written or reported. */
    REVOKED
}
