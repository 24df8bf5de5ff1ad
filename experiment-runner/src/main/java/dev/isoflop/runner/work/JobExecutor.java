package dev.isoflop.runner.work;

import dev.isoflop.protocol.job.JobSpec;

/** Executes one kind of work. */
@FunctionalInterface
public interface JobExecutor<S extends JobSpec> {

    /**
     * Runs on a thread of its own, to its end.
     *
     * @throws Exception classified by {@link Failures}
     */
    Outcome execute(S spec, AttemptContext context) throws Exception;
}
