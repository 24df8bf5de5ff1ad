package dev.isoflop.platform.shared.problem;

import dev.isoflop.protocol.error.ErrorCode;
import dev.isoflop.protocol.error.Problem;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A request that is refused, answered as an RFC 9457 problem. */
public final class ProblemException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final ErrorCode code;
    private final String detail;
    private final transient List<Problem.FieldError> errors;
    private final @Nullable Long expectedSeq;
    private final @Nullable URI location;
    private final @Nullable Duration retryAfter;

    public ProblemException(ErrorCode code, String detail) {
        this(code, detail, List.of(), null, null, null);
    }

    /** @param retryAfter when the same request may be answered differently, sent as Retry-After */
    public ProblemException(ErrorCode code, String detail, Duration retryAfter) {
        this(code, detail, List.of(), null, null, retryAfter);
    }

    public ProblemException(ErrorCode code, String detail, List<Problem.FieldError> errors) {
        this(code, detail, errors, null, null, null);
    }

    public ProblemException(
            ErrorCode code, String detail, List<Problem.FieldError> errors, @Nullable Long expectedSeq) {
        this(code, detail, errors, expectedSeq, null, null);
    }

    /** @param location of what stands in the way, sent as the answer's Location */
    public ProblemException(ErrorCode code, String detail, URI location) {
        this(code, detail, List.of(), null, location, null);
    }

    /**
     * @param errors how the request differs from what stands in the way
     * @param location of what stands in the way, sent as the answer's Location
     */
    public ProblemException(ErrorCode code, String detail, List<Problem.FieldError> errors, URI location) {
        this(code, detail, errors, null, location, null);
    }

    private ProblemException(
            ErrorCode code,
            String detail,
            List<Problem.FieldError> errors,
            @Nullable Long expectedSeq,
            @Nullable URI location,
            @Nullable Duration retryAfter) {
        super(code.slug() + ": " + detail);
        this.code = code;
        this.detail = detail;
        this.errors = List.copyOf(errors);
        this.expectedSeq = expectedSeq;
        this.location = location;
        this.retryAfter = retryAfter;
    }

    /**
     * An invalid request, for one field of it.
     *
     * @param pointer to the field, such as /plan/devices
     * @param fault what is wrong and what would be right, after the field's name and without a full stop
     */
    public static ProblemException field(String pointer, String fault) {
        return new ProblemException(
                ErrorCode.INVALID_REQUEST,
                pointer.substring(pointer.lastIndexOf('/') + 1) + " " + fault + ".",
                List.of(new Problem.FieldError(pointer, fault, null, null)));
    }

    public ErrorCode code() {
        return code;
    }

    /** One sentence for this occurrence. */
    public String detail() {
        return detail;
    }

    public List<Problem.FieldError> errors() {
        return errors;
    }

    /** For batch-gap, the sequence number waited for. */
    public @Nullable Long expectedSeq() {
        return expectedSeq;
    }

    public @Nullable URI location() {
        return location;
    }

    public @Nullable Duration retryAfter() {
        return retryAfter;
    }
}
