package dev.isoflop.runner.work;

import dev.isoflop.data.CorpusException;
import dev.isoflop.lm.cuda.driver.CudaException;
import dev.isoflop.protocol.runner.FinishAttempt.Category;
import dev.isoflop.protocol.runner.FinishAttempt.Failure;
import dev.isoflop.runner.platform.PlatformException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.NoSuchFileException;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Whose fault an exception is: decides which budget of retries it is charged to. */
public final class Failures {

    private static final int MAX_TRACE = 16_000;

    private Failures() {}

    /** The input or the settings are wrong: the user can mend it, another attempt cannot. */
    public static final class InvalidInputException extends Exception {
        private static final long serialVersionUID = 1L;

        public InvalidInputException(String message) {
            super(message);
        }

        public InvalidInputException(String message, Throwable cause) {
            super(message, cause);
        }
    }

    /** A program ended other than it should; it knows best how to say so. */
    public static final class CommandFailedException extends Exception {
        private static final long serialVersionUID = 1L;

        private final transient Failure failure;

        public CommandFailedException(Failure failure) {
            super(failure.message());
            this.failure = failure;
        }

        Failure failure() {
            return failure;
        }
    }

    public static Failure of(Throwable thrown) {
        Throwable cause = thrown instanceof UncheckedIOException e && e.getCause() != null ? e.getCause() : thrown;
        if (has(cause, OutOfMemoryError.class)) {
            return failure(Category.OUT_OF_MEMORY, "out-of-memory", "The work does not fit in memory", cause);
        }
        return switch (cause) {
            case CommandFailedException e -> e.failure();
            case InvalidInputException e -> failure(Category.INVALID_INPUT, "invalid-work", null, e);
            case OutOfDeviceMemoryException e -> failure(Category.OUT_OF_MEMORY, "out-of-device-memory", null, e);
            case CudaException e
            when e.isOutOfMemory() ->
                failure(Category.OUT_OF_MEMORY, "out-of-device-memory", "The GPU's memory is not enough", e);
            case CudaException e -> failure(Category.INFRASTRUCTURE, "gpu-error", null, e);
            case IOException e when isDiskFull(e) -> failure(Category.INFRASTRUCTURE, "disk-full", null, e);
            case CorpusException e when e.mayPass() -> failure(Category.USER, "corpus-unavailable", null, e);
            case CorpusException e -> failure(Category.INVALID_INPUT, "invalid-work", null, e);
            case NoSuchFileException e -> failure(Category.USER, "file-not-found", "No such file: " + e.getFile(), e);
            case IOException e -> failure(Category.INFRASTRUCTURE, "io-error", null, e);
            case PlatformException e -> failure(Category.INFRASTRUCTURE, "platform-refused", null, e);
            case org.springframework.web.client.RestClientException e ->
                failure(Category.INFRASTRUCTURE, "platform-unreachable", null, e);
            case IllegalArgumentException e -> failure(Category.INVALID_INPUT, "invalid-work", null, e);
            case InterruptedException e ->
                failure(Category.INFRASTRUCTURE, "interrupted", "The work was interrupted", e);
            case Throwable e -> failure(Category.USER, "unexpected-error", null, e);
        };
    }

    /** Whether there was no room, whatever was written. */
    static boolean isDiskFull(IOException e) {
        String message = String.valueOf(e.getMessage()).toLowerCase(Locale.ROOT);
        return message.contains("no space left") || message.contains("disk quota");
    }

    private static boolean has(Throwable thrown, Class<? extends Throwable> type) {
        for (Throwable t = thrown; t != null; t = t.getCause()) {
            if (type.isInstance(t)) {
                return true;
            }
        }
        return false;
    }

    private static Failure failure(Category category, String code, @Nullable String message, Throwable thrown) {
        String detail = thrown.getMessage() == null ? thrown.getClass().getSimpleName() : thrown.getMessage();
        StringWriter trace = new StringWriter();
        thrown.printStackTrace(new PrintWriter(trace));
        String text = trace.toString();
        return new Failure(
                category,
                code,
                message == null ? detail : message + " (" + detail + ")",
                text.substring(0, Math.min(MAX_TRACE, text.length())));
    }
}
