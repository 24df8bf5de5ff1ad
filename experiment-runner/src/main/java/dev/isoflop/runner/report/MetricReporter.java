package dev.isoflop.runner.report;

import dev.isoflop.protocol.error.ErrorCode;
import dev.isoflop.protocol.runner.MetricAck;
import dev.isoflop.protocol.runner.MetricBatch;
import dev.isoflop.runner.platform.PlatformException;
import dev.isoflop.runner.platform.Retry;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * Carries the metrics of one attempt to the platform, in order and exactly once.
 *
 * <p>Concurrency: the training thread records and never waits for the network; one virtual thread of this object's own
 * sends, collecting points for {@code linger} before each request, and repeats a batch with the same number until it is
 * answered.
 *
 * <p>Crash: see {@link MetricSpool}. {@link #awaitAcknowledged} is the barrier a checkpoint waits at.
 */
public final class MetricReporter implements AutoCloseable {

    private final MetricSpool spool;
    private final Function<MetricBatch, MetricAck> sender;
    private final Retry retry;
    private final Duration linger;
    private final String what;
    private final Runnable onStale;
    private final Consumer<Exception> onFailure;
    private final Object lock = new Object();
    private final Thread thread;
    private boolean hurry;
    private volatile boolean stopped;

    /**
     * @param what names the attempt in the log
     * @param sender one request to the platform
     * @param spoolDirectory where batches wait that do not fit in memory
     * @param spoolBytes most bytes there
     * @param linger how long to collect points before sending them
     * @param onStale the attempt has lost its right to write
     * @param onFailure metrics can no longer be delivered or kept: the attempt must fail rather than lose them
     */
    public MetricReporter(
            String what,
            Function<MetricBatch, MetricAck> sender,
            Path spoolDirectory,
            long spoolBytes,
            Duration linger,
            Retry retry,
            Runnable onStale,
            Consumer<Exception> onFailure) {
        this.what = what;
        this.sender = sender;
        this.spool = new MetricSpool(spoolDirectory, spoolBytes);
        this.linger = linger;
        this.retry = retry;
        this.onStale = onStale;
        this.onFailure = onFailure;
        this.thread = Thread.ofVirtual().name("metrics " + what).start(this::run);
    }

    /**
     * Takes one point; never waits for the network.
     *
     * @param timeMillis when it was measured
     */
    public void record(String metric, long step, double value, long timeMillis) {
        spool.record(metric, step, value, timeMillis);
    }

    /** Whether so many points wait that the work should pause until some have been taken. */
    public boolean isOverBound() {
        return spool.isOverBound();
    }

    /** Points recorded so far: what to wait for at a checkpoint. */
    public long recorded() {
        return spool.recorded();
    }

    /**
     * Waits until the platform has acknowledged the first {@code points} points.
     *
     * @return false if {@code giveUp} turned true or this reporter was closed before
     */
    public boolean awaitAcknowledged(long points, BooleanSupplier giveUp) throws InterruptedException {
        synchronized (lock) {
            while (spool.acknowledged() < points) {
                if (stopped || giveUp.getAsBoolean()) {
                    return false;
                }
                hurry = true;
                lock.notifyAll();
                lock.wait(50);
            }
            return true;
        }
    }

    private void run() {
        try {
            while (!stopped) {
                collect();
                MetricBatch batch = spool.oldest();
                if (batch != null && !deliver(batch)) {
                    return;
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (IOException | RuntimeException e) {
            onFailure.accept(e);
        } finally {
            stopped = true;
            synchronized (lock) {
                lock.notifyAll();
            }
        }
    }

    private void collect() throws InterruptedException {
        long end = System.nanoTime() + linger.toNanos();
        synchronized (lock) {
            while (!stopped && !hurry && !spool.isFull()) {
                long left = (end - System.nanoTime()) / 1_000_000;
                if (left <= 0) {
                    break;
                }
                lock.wait(left);
            }
            hurry = false;
        }
    }

    /** Sends until answered; false when there is no use in sending more. */
    private boolean deliver(MetricBatch batch) throws IOException {
        try {
            Optional<MetricAck> ack =
                    retry.untilAnswered("metrics of " + what, () -> stopped, () -> sender.apply(batch));
            if (ack.isEmpty()) {
                return false;
            }
            spool.acknowledge(Math.max(batch.seq() + 1, ack.get().nextSeq()));
        } catch (PlatformException e) {
            Long expected = e.expectedSeq();
            if (e.code() == ErrorCode.BATCH_GAP && expected != null) {
                spool.follow(expected);
            } else if (e.isStaleAttempt()) {
                onStale.run();
                return false;
            } else {
                throw e;
            }
        }
        synchronized (lock) {
            lock.notifyAll();
        }
        return true;
    }

    /** Ends sending, whether or not everything was delivered: {@link #awaitAcknowledged} comes first. */
    @Override
    public void close() {
        stopped = true;
        thread.interrupt();
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
