package dev.isoflop.platform.shared.problem;

import dev.isoflop.protocol.error.ErrorCode;
import dev.isoflop.protocol.error.Problem;
import java.net.URI;
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

    public ProblemException(ErrorCode code, String detail) {
        this(code, detail, List.of(), null, null);
    }

    public ProblemException(ErrorCode code, String detail, List<Problem.FieldError> errors) {
        this(code, detail, errors, null, null);
    }

    public ProblemException(
            ErrorCode code, String detail, List<Problem.FieldError> errors, @Nullable Long expectedSeq) {
        this(code, detail, errors, expectedSeq, null);
    }

    /** @param location of what stands in the way, sent as the answer's Location */
    public ProblemException(ErrorCode code, String detail, URI location) {
        this(code, detail, List.of(), null, location);
    }

    /**
     * @param errors how the request differs from what stands in the way
     * @param location of what stands in the way, sent as the answer's Location
     */
    public ProblemException(ErrorCode code, String detail, List<Problem.FieldError> errors, URI location) {
        this(code, detail, errors, null, location);
    }

    private ProblemException(
            ErrorCode code,
            String detail,
            List<Problem.FieldError> errors,
            @Nullable Long expectedSeq,
            @Nullable URI location) {
        super(code.slug() + ": " + detail);
        this.code = code;
        this.detail = detail;
        this.errors = List.copyOf(errors);
        this.expectedSeq = expectedSeq;
        this.location = location;
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
}
