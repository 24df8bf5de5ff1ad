package dev.isoflop.runner.work.command;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * Lines of a stream of bytes in UTF-8, however long and however odd. A progress bar that returns the carriage over and over is a
 * line every {@value #BAR_SECONDS} seconds, not one for each of its updates.
 */
final class LineReader {

    /** Longest line; what is beyond becomes a line of its own. */
    static final int MAX_LINE = 64 << 10;

    static final int BAR_SECONDS = 5;

    private final LongSupplier nanos;
    private final Consumer<String> lines;
    private final ByteArrayOutputStream line = new ByteArrayOutputStream();
    private long lastBar;
    private boolean barShown;
    private boolean carriage;

    LineReader(Consumer<String> lines, LongSupplier nanos) {
        this.lines = lines;
        this.nanos = nanos;
    }

    /** Reads to the end of the stream, which comes when the last process that holds it has closed it. */
    void read(InputStream in) throws IOException {
        try (InputStream from = new BufferedInputStream(in, 1 << 16)) {
            for (int b = from.read(); b >= 0; b = from.read()) {
                take((byte) b);
            }
        } finally {
            if (line.size() > 0) {
                emit();
            }
        }
    }

    private void take(byte b) {
        if (b == '\n') {
            carriage = false;
            emit();
            return;
        }
        if (carriage) { // overwritten, as a terminal would
            carriage = false;
            bar();
        }
        if (b == '\r') {
            carriage = line.size() > 0;
            return;
        }
        line.write(b);
        if (line.size() >= MAX_LINE) {
            emit();
        }
    }

    private void bar() {
        long now = nanos.getAsLong();
        if (!barShown || now - lastBar >= BAR_SECONDS * 1_000_000_000L) {
            barShown = true;
            lastBar = now;
            emit();
        }
        line.reset();
    }

    private void emit() {
        lines.accept(line.toString(StandardCharsets.UTF_8));
        line.reset();
    }
}
