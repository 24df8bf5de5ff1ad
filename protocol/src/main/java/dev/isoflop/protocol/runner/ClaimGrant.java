package dev.isoflop.protocol.runner;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.isoflop.protocol.job.FileRef;
import dev.isoflop.protocol.job.JobSpec;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The runs granted, possibly none. Each comes with a lease that the heartbeats renew. */
public record ClaimGrant(List<Assignment> assignments) {

    public ClaimGrant {
        assignments = List.copyOf(assignments);
    }

    /**
     * @param runId the run
     * @param attempt number of this execution, from 1; names the runner's right to write
     * @param name of the run, for logs
     * @param job what to do
     * @param resume last committed checkpoint of an earlier attempt, to continue from
     * @param stallAfterSeconds without a step after which the attempt counts as stalled, if the sweep says so
     * @param traceParent W3C's {@code traceparent} of the claim, in the trace of the run's submission; absent where nothing is traced
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record Assignment(
            long runId,
            int attempt,
            String name,
            JobSpec job,
            @Nullable Resume resume,
            @Nullable Integer stallAfterSeconds,
            @Nullable String traceParent) {

        /** Of a run that is not traced, and whose sweep says nothing of stalls. */
        public Assignment(long runId, int attempt, String name, JobSpec job, @Nullable Resume resume) {
            this(runId, attempt, name, job, resume, null, null);
        }
    }

    /**
     * @param step steps done in the checkpoint
     * @param trainSeconds training seconds spent up to it
     * @param files what the checkpoint holds
     */
    public record Resume(long step, double trainSeconds, List<FileRef> files) {

        public Resume {
            files = List.copyOf(files);
        }
    }
}
