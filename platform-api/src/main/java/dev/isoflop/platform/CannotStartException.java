package dev.isoflop.platform;

import java.io.Serial;

/** The platform cannot start for a reason that its user can mend; the message is one sentence that says how. */
public final class CannotStartException extends RuntimeException {

    @Serial
    private static final long serialVersionUID = 1L;

    public CannotStartException(String message) {
        super(message);
    }

    public CannotStartException(String message, Throwable cause) {
        super(message, cause);
    }
}
