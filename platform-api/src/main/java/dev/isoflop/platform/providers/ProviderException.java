package dev.isoflop.platform.providers;

import java.io.Serial;

/** A provider did not do what it was asked; the message is for the user. */
public final class ProviderException extends Exception {

    @Serial
    private static final long serialVersionUID = 1L;

    private final boolean inDoubt;

    private ProviderException(String message, boolean inDoubt) {
        super(message);
        this.inDoubt = inDoubt;
    }

    /** It said no: nothing was started. */
    public static ProviderException refused(String message) {
        return new ProviderException(message, false);
    }

    /** It did not answer, and may have done it all the same. */
    public static ProviderException noAnswer(String message) {
        return new ProviderException(message, true);
    }

    /** Whether it may have been done all the same. */
    public boolean isInDoubt() {
        return inDoubt;
    }

    /** For the user. */
    @Override
    public String getMessage() {
        return String.valueOf(super.getMessage());
    }
}
