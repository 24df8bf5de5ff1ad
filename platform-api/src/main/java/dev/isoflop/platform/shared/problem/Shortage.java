package dev.isoflop.platform.shared.problem;

import dev.isoflop.protocol.error.ErrorCode;
import java.io.IOException;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.util.Locale;
import java.util.Optional;

/**
 * Tells failures of what the platform stands on (a full disk, a database that is away) from its own: they are answered so that a
 * client knows that the same request will do later.
 */
public final class Shortage {

    /** PostgreSQL's: disk full. */
    private static final String DISK_FULL = "53100";

    private Shortage() {}

    /** The problem that an exception stands for, if a shortage is behind it. */
    public static Optional<ProblemException> behind(Throwable e) {
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            if (cause instanceof SQLException sql) {
                String state = sql.getSQLState() == null ? "" : sql.getSQLState();
                if (state.equals(DISK_FULL)) {
                    return Optional.of(new ProblemException(
                            ErrorCode.STORAGE_FULL,
                            "The database's disk is full; make room, then repeat the request."));
                }
                // connection failures, insufficient resources, a server that is shutting down or starting
                if (cause instanceof SQLTransientConnectionException
                        || state.startsWith("08")
                        || state.startsWith("53")
                        || state.startsWith("57P")) {
                    return Optional.of(unavailable());
                }
            }
            if (cause instanceof IOException io && isDiskFull(io)) {
                return Optional.of(new ProblemException(
                        ErrorCode.STORAGE_FULL,
                        "The disk of the artifacts is full; make room, then repeat the request. Nothing was stored."));
            }
        }
        return Optional.empty();
    }

    /** That the database is away. */
    public static ProblemException unavailable() {
        return new ProblemException(
                ErrorCode.UNAVAILABLE, "The platform cannot reach its database; repeat the request later.");
    }

    private static boolean isDiskFull(IOException e) {
        String message = String.valueOf(e.getMessage()).toLowerCase(Locale.ROOT);
        return message.contains("no space left") || message.contains("disk quota");
    }
}
