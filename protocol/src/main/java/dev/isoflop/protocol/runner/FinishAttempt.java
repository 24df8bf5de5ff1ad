package dev.isoflop.protocol.runner;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.isoflop.protocol.job.JobResult;
import org.jspecify.annotations.Nullable;

/**
 * How an attempt ended.
 *
 * @param outcome what happened
 * @param result for {@link Outcome#SUCCEEDED}
 * @param failure for {@link Outcome#FAILED}
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record FinishAttempt(
        Outcome outcome,
        @Nullable JobResult result,
        @Nullable Failure failure) {

    public enum Outcome {
        SUCCEEDED,
        FAILED,
        /** Stopped on request after a checkpoint, or because the runner itself is going away. */
        PREEMPTED,
        CANCELLED
    }

    /**
     * @param category decides the retry budget
     * @param code short and stable, such as {@code out-of-memory}
     * @param message one sentence
     * @param stackTrace of the exception, or the last words of a program, if there are any: rules judge by them
     * @param exitCode of a program
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record Failure(
            Category category,
            String code,
            String message,
            @Nullable String stackTrace,
            @Nullable Integer exitCode) {

        public Failure(Category category, String code, String message, @Nullable String stackTrace) {
            this(category, code, message, stackTrace, null);
        }
    }

    /** Whose fault a failure is: decides which budget of retries it is charged to, if any. */
    public enum Category {
        /** The work itself: a bug in it, or a source that did not answer. */
        USER,
        /** What was asked for: a bad corpus, bad settings. Never retried, because it fails the same way every time. */
        INVALID_INPUT,
        /** Does not fit: never retried in the same shape. */
        OUT_OF_MEMORY,
        /** The machine, the disk, the network. */
        INFRASTRUCTURE
    }
}
