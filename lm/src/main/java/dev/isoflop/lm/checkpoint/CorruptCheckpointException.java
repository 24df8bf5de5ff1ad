package dev.isoflop.lm.checkpoint;

import java.io.IOException;

/** A file of a checkpoint is cut short, of the wrong kind, or does not fit the model; the message says which and why. */
public final class CorruptCheckpointException extends IOException {

    private static final long serialVersionUID = 1L;

    public CorruptCheckpointException(String message) {
        super(message);
    }

    public CorruptCheckpointException(String message, Throwable cause) {
        super(message, cause);
    }
}
