package dev.isoflop.runner.work;

import dev.isoflop.protocol.job.JobResult;

/** How an execution ended, exceptions aside. */
public sealed interface Outcome {

    record Succeeded(JobResult result) implements Outcome {}

    /** Ended on request, after a checkpoint where there was time for one. */
    record Preempted() implements Outcome {}

    /** Ended because it was told to stop. */
    record Stopped() implements Outcome {}
}
