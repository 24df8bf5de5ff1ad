package dev.isoflop.data;

import java.io.IOException;

/** A corpus that cannot be had or read; the message is a sentence for the user, with file and line where there is one. */
public final class CorpusException extends IOException {

    CorpusException(String message) {
        super(message);
    }

    CorpusException(String message, Throwable cause) {
        super(message, cause);
    }
}
