package dev.isoflop.db.metric;

import org.jspecify.annotations.Nullable;

/** What became of a batch. Only {@link Appended} stored anything. */
public sealed interface AppendOutcome {

    /**
     * @param nextSeq sequence number expected next
     * @param accepted points stored
     * @param progress newest values of what lists show
     */
    record Appended(long nextSeq, int accepted, Progress progress) implements AppendOutcome {}

    /** The batch was stored before. */
    record Repeated(long nextSeq) implements AppendOutcome {}

    /** A batch before this one is missing. */
    record Gap(long expectedSeq) implements AppendOutcome {}

    /**
     * The batch can never be stored.
     *
     * @param pointer JSON pointer into the batch
     * @param message what is wrong
     */
    record Invalid(String pointer, String message) implements AppendOutcome {}

    record UnknownAttempt() implements AppendOutcome {}

    /**
     * @param step last step of the batch, absent from an empty one
     * @param trainLoss last finite {@code train/loss} of the batch
     * @param tokensPerSecond last finite {@code train/tokens_per_second} of the batch
     */
    record Progress(
            @Nullable Long step,
            @Nullable Double trainLoss,
            @Nullable Double tokensPerSecond) {}
}
