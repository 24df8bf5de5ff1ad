package dev.isoflop.platform.shared.problem;

import java.io.IOException;
import java.io.Serial;
import java.util.Locale;

/** A request's body goes on past what its path may carry. */
public final class BodyTooLargeException extends IOException {

    @Serial
    private static final long serialVersionUID = 1L;

    public BodyTooLargeException(long limit) {
        super(sentence(limit));
    }

    public static String sentence(long limit) {
        return String.format(Locale.ROOT, "The body is larger than the %,d bytes this path takes.", limit);
    }

    @Override
    public String getMessage() {
        return String.valueOf(super.getMessage());
    }
}
