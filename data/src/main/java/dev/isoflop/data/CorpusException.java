package dev.isoflop.data;

import java.io.IOException;

/** A corpus that cannot be had or read; the message is a sentence for the user, with file and line where there is one. */
public final class CorpusException extends IOException {

    private static final long serialVersionUID = 1L;

    private final boolean mayPass;

    CorpusException(String message) {
        super(message);
        this.mayPass = false;
    }

    CorpusException(String message, Throwable cause) {
        super(message, cause);
        this.mayPass = false;
    }

    private CorpusException(String message, boolean mayPass) {
        super(message);
        this.mayPass = mayPass;
    }

    /** The source did not answer, which says nothing about the corpus. */
    static CorpusException unavailable(String message) {
        return new CorpusException(message, true);
    }

    /** Whether the same request may succeed later, with nothing changed by the user. */
    public boolean mayPass() {
        return mayPass;
    }
}
