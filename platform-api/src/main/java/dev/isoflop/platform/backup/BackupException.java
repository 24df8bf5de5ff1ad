package dev.isoflop.platform.backup;

import java.io.Serial;

/** A backup or a restore that is refused, for a reason that its user can act on: the message says it. */
final class BackupException extends RuntimeException {

    @Serial
    private static final long serialVersionUID = 1L;

    BackupException(String message) {
        super(message);
    }

    BackupException(String message, Throwable cause) {
        super(message, cause);
    }
}
