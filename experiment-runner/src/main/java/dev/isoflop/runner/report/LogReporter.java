package dev.isoflop.runner.report;

import dev.isoflop.protocol.runner.LogBatch;
import dev.isoflop.runner.WallClock;
import dev.isoflop.runner.platform.PlatformException;
import dev.isoflop.runner.platform.Retry;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * Carries the log of one attempt to the platform, numbered so that repeats are harmless.
 *
 * <p>Concurrency: any thread may log and never waits; one virtual thread of this object's own sends. While the platform
 * is away {@value #CAPACITY} lines are kept in memory and {@value #SPOOL_BYTES} bytes more on disk; of what comes then the number is
 * logged instead.
 *
 * <p>Crash: lines not yet sent are lost with the process.
 */
public final class LogReporter implements AutoCloseable {

    static final int CAPACITY = 5_000;
    static final long SPOOL_BYTES = 32L << 20;
    private static final int BATCH_LINES = 500;
    private static final int MAX_LINE = 8_000;

    private final Consumer<LogBatch> sender;
    private final Retry retry;
    private final Duration linger;
    private final String what;
    private final Runnable onStale;
    private final LogSpool waiting;
    private final Thread thread;
    private long nextSeq;
    private boolean hurry;
    private boolean stopped;

    /** @param spool file for the lines that do not fit in memory */
    public LogReporter(
            String what, Consumer<LogBatch> sender, Path spool, Duration linger, Retry retry, Runnable onStale) {
        this.what = what;
        this.waiting = new LogSpool(spool, CAPACITY, SPOOL_BYTES);
        this.sender = sender;
        this.linger = linger;
        this.retry = retry;
        this.onStale = onStale;
        this.thread = Thread.ofVirtual().name("log " + what).start(this::run);
    }

    /** @param level INFO, WARN or ERROR */
    public synchronized void line(String level, String text) {
        String cut = text.length() > MAX_LINE ? text.substring(0, MAX_LINE) + "…" : text;
        for (String line : cut.split("\\R")) {
            waiting.add(new LogBatch.Line(WallClock.millis(), level, line));
        }
    }

    /** Waits until every line so far has been sent; false if {@code giveUp} turned true or this was closed before. */
    public synchronized boolean awaitSent(BooleanSupplier giveUp) throws InterruptedException {
        while (!waiting.isEmpty()) {
            if (stopped || giveUp.getAsBoolean()) {
                return false;
            }
            hurry = true;
            notifyAll();
            wait(50);
        }
        return true;
    }

    private void run() {
        try {
            for (List<LogBatch.Line> lines = next(); !lines.isEmpty(); lines = next()) {
                LogBatch batch = new LogBatch(nextSeq, lines);
                if (!retry.untilAcknowledged("log of " + what, this::isStopped, () -> sender.accept(batch))) {
                    return;
                }
                nextSeq += lines.size();
                synchronized (this) {
                    waiting.remove(lines.size());
                    notifyAll();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (PlatformException e) {
            if (e.isStaleAttempt()) {
                onStale.run();
            }
        } finally {
            synchronized (this) {
                stopped = true;
                notifyAll();
            }
        }
    }

    private synchronized boolean isStopped() {
        return stopped;
    }

    /** The lines to send next, after collecting for a while; empty only when closed. */
    private synchronized List<LogBatch.Line> next() throws InterruptedException {
        long end = System.nanoTime() + linger.toNanos();
        while (!stopped) {
            long left = (end - System.nanoTime()) / 1_000_000;
            if (!waiting.isEmpty() && (hurry || left <= 0 || waiting.size() >= BATCH_LINES)) {
                hurry = false;
                List<LogBatch.Line> lines = waiting.first(BATCH_LINES);
                if (!lines.isEmpty()) {
                    return lines;
                }
            }
            wait(Math.max(left, waiting.isEmpty() ? 50 : 1));
        }
        return List.of();
    }

    @Override
    public void close() {
        synchronized (this) {
            stopped = true;
            notifyAll();
        }
        thread.interrupt();
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        synchronized (this) {
            waiting.close();
        }
    }
}
