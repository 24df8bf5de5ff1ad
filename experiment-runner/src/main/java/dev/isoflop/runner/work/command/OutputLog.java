package dev.isoflop.runner.work.command;

import java.util.Locale;
import java.util.function.BiConsumer;
import java.util.function.LongSupplier;
import java.util.function.UnaryOperator;

/**
 * What a program prints, on its way to the run's log: at most so many bytes and lines a second over time, and so many bytes in all. Of
 * what is left out, a line says how much. Colours and other escape sequences are kept as they are.
 *
 * <p>Concurrency: two threads write, one for each stream. Both share the allowance.
 */
final class OutputLog {

    /**
     * @param bytesPerSecond in the long run
     * @param burstBytes that may come at once
     * @param linesPerSecond in the long run
     * @param burstLines that may come at once
     * @param totalBytes of one attempt
     */
    record Limits(double bytesPerSecond, double burstBytes, double linesPerSecond, double burstLines, long totalBytes) {

        /** Enough for a program that talks a lot, little enough for thousands of runs on one platform. */
        static final Limits STANDARD = new Limits(64 << 10, 1 << 20, 500, 4_000, 32L << 20);
    }

    private final Limits limits;
    private final BiConsumer<String, String> sink;
    private final UnaryOperator<String> mask;
    private final LongSupplier nanos;
    private double bytes;
    private double lines;
    private long last;
    private long total;
    private long droppedLines;
    private long droppedBytes;
    private boolean full;

    /**
     * @param sink takes level and line
     * @param mask hides secrets
     * @param nanos a monotonic clock
     */
    OutputLog(Limits limits, BiConsumer<String, String> sink, UnaryOperator<String> mask, LongSupplier nanos) {
        this.limits = limits;
        this.sink = sink;
        this.mask = mask;
        this.nanos = nanos;
        this.bytes = limits.burstBytes();
        this.lines = limits.burstLines();
        this.last = nanos.getAsLong();
    }

    synchronized void line(String level, String text) {
        long now = nanos.getAsLong();
        double seconds = (now - last) * 1e-9;
        last = now;
        bytes = Math.min(limits.burstBytes(), bytes + seconds * limits.bytesPerSecond());
        lines = Math.min(limits.burstLines(), lines + seconds * limits.linesPerSecond());
        long size = text.length() + 1L;
        if (!full && total + size > limits.totalBytes()) {
            full = true;
            tellDropped();
            sink.accept(
                    "WARN",
                    String.format(
                            Locale.ROOT,
                            "… the output has reached %,d bytes: the rest is left out",
                            limits.totalBytes()));
        }
        if (full || bytes < size || lines < 1) {
            droppedLines++;
            droppedBytes += size;
            return;
        }
        tellDropped();
        bytes -= size;
        lines -= 1;
        total += size;
        sink.accept(level, mask.apply(text));
    }

    /** Says what was left out last. */
    synchronized void end() {
        tellDropped();
    }

    private void tellDropped() {
        if (droppedLines > 0) {
            sink.accept(
                    "WARN",
                    String.format(
                            Locale.ROOT,
                            "… %,d lines (%,d bytes) left out here: %s",
                            droppedLines,
                            droppedBytes,
                            full ? "the log is full" : "the program prints faster than the log takes"));
            droppedLines = 0;
            droppedBytes = 0;
        }
    }
}
