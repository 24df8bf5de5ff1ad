package dev.isoflop.cli.client;

import dev.isoflop.protocol.error.Problem;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The platform answered with a problem. The message says all of it in words. */
public final class ApiException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final int status;
    private final @Nullable String code;

    ApiException(int status, @Nullable Problem problem) {
        super(sentence(status, problem));
        this.status = status;
        this.code = problem == null ? null : problem.code();
    }

    public int status() {
        return status;
    }

    /** Whether the problem carries this slug of {@link dev.isoflop.protocol.error.ErrorCode}. */
    public boolean is(String slug) {
        return slug.equals(code);
    }

    private static String sentence(int status, @Nullable Problem problem) {
        if (problem == null) {
            return "the platform answered with HTTP " + status;
        }
        String said = problem.detail() == null ? problem.title() : problem.detail();
        // absent in JSON that is no problem, such as a proxy's own, it is null whatever its declared type
        StringBuilder text = new StringBuilder(said == null ? "the platform answered with HTTP " + status : said);
        List<Problem.FieldError> errors = problem.errors();
        if (errors != null) {
            for (Problem.FieldError e : errors) {
                text.append("\n  ").append(e.pointer()).append(": ").append(e.message());
                if (e.expected() != null) {
                    text.append(", expected ").append(e.expected());
                }
                if (e.nearest() != null) {
                    text.append("; did you mean ").append(e.nearest()).append('?');
                }
            }
        }
        return text.toString();
    }
}
