package dev.isoflop.runner.platform;

import dev.isoflop.protocol.error.ErrorCode;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** The platform understood a request and answered it with a problem. */
public final class PlatformException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final int status;
    private final @Nullable ErrorCode code;
    private final @Nullable Long expectedSeq;
    private final Duration retryAfter;
    private final boolean foreign;

    /** One that says nothing of when to ask again. */
    public PlatformException(
            int status, @Nullable ErrorCode code, @Nullable String detail, @Nullable Long expectedSeq) {
        this(status, code, detail, expectedSeq, Duration.ZERO);
    }

    /** @param retryAfter how long the platform wants to be left alone; zero if it says nothing */
    public PlatformException(
            int status,
            @Nullable ErrorCode code,
            @Nullable String detail,
            @Nullable Long expectedSeq,
            Duration retryAfter) {
        this(status, code, detail, expectedSeq, retryAfter, false);
    }

    private PlatformException(
            int status,
            @Nullable ErrorCode code,
            @Nullable String detail,
            @Nullable Long expectedSeq,
            Duration retryAfter,
            boolean foreign) {
        super((code == null ? "HTTP " + status : code.slug()) + (detail == null ? "" : ": " + detail));
        this.status = status;
        this.code = code;
        this.expectedSeq = expectedSeq;
        this.retryAfter = retryAfter;
        this.foreign = foreign;
    }

    /** How long the platform wants to be left alone; zero if it says nothing. */
    public Duration retryAfter() {
        return retryAfter;
    }

    /** HTTP status of the answer. */
    public int status() {
        return status;
    }

    /** The typed code; absent when the answer was not one of the platform's own problems (a proxy's page, say). */
    public @Nullable ErrorCode code() {
        return code;
    }

    /** For {@link ErrorCode#BATCH_GAP}: the sequence number the platform waits for. */
    public @Nullable Long expectedSeq() {
        return expectedSeq;
    }

    /** Whether this attempt has lost its right to write: its work must stop at once. */
    public boolean isStaleAttempt() {
        return code == ErrorCode.STALE_ATTEMPT;
    }

    /**
     * Whether the same request may be answered differently a moment later. That a request is wrong, or meant for nothing that is there, only the
     * platform itself can say: a page of somebody's between here and there says that the platform was not asked.
     */
    public boolean isTransient() {
        return status >= 500
                || status == 408
                || status == 429
                || code == ErrorCode.IDEMPOTENCY_IN_PROGRESS
                || foreign && (status == 400 || status == 404);
    }

    /** An answer that is not the platform's own. */
    static PlatformException foreign(int status, @Nullable String text, Duration retryAfter) {
        return new PlatformException(status, null, text, null, retryAfter, true);
    }
}
