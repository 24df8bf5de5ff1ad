package dev.isoflop.platform.shared.web;

import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.protocol.error.ErrorCode;
import org.jspecify.annotations.Nullable;

/** Reads {@code If-Match: "VERSION"}; {@code *} asks for no check. */
public final class IfMatch {

    private IfMatch() {}

    /**
     * @return the version the client has seen, absent for {@code *}
     * @throws ProblemException if-match-missing, or etag-mismatch when it is no version of ours
     */
    public static @Nullable Long version(@Nullable String header) {
        if (header == null || header.isBlank()) {
            throw new ProblemException(
                    ErrorCode.IF_MATCH_MISSING, "Send If-Match with the version you have seen, or * for any.");
        }
        String value = header.trim();
        if (value.equals("*")) {
            return null;
        }
        if (value.startsWith("W/")) {
            value = value.substring(2);
        }
        if (value.length() >= 2 && value.startsWith("\"") && value.endsWith("\"")) {
            value = value.substring(1, value.length() - 1);
        }
        int dash = value.indexOf('-');
        try {
            return Long.parseLong(dash < 0 ? value : value.substring(0, dash));
        } catch (NumberFormatException e) {
            ProblemException problem =
                    new ProblemException(ErrorCode.ETAG_MISMATCH, header + " is no version of this resource.");
            problem.initCause(e);
            throw problem;
        }
    }
}
