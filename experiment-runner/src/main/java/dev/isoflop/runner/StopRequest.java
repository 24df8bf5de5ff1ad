package dev.isoflop.runner;

/**
 * How an attempt has been asked to end, which only ever grows stronger.
 *
 * <p>Concurrency: any number of threads.
 */
final class StopRequest {

    private volatile Stop stop = Stop.NONE;
    private volatile long deadlineNanos;
    private volatile boolean abandoned;

    /** @return false if it has been asked to end before: repeating the wish does not extend the time */
    synchronized boolean checkpointWithin(long nanos) {
        if (stop != Stop.NONE) {
            return false;
        }
        deadlineNanos = System.nanoTime() + nanos;
        stop = Stop.CHECKPOINT;
        return true;
    }

    /** @return false if it has been asked as strongly before */
    synchronized boolean raise(Stop to) {
        if (stop.compareTo(to) >= 0) {
            return false;
        }
        stop = to;
        return true;
    }

    /** Not even its end is to be reported: the process is going away. */
    void abandon() {
        abandoned = true;
    }

    Stop now() {
        Stop asked = stop;
        return asked == Stop.CHECKPOINT && System.nanoTime() - deadlineNanos >= 0 ? Stop.DEADLINE : asked;
    }

    /** Whether nothing is to be written or reported any more. */
    boolean isLost() {
        return abandoned || stop == Stop.REVOKED;
    }

    /** Whether the work is to end without a checkpoint. */
    boolean isStopped() {
        return abandoned || now().compareTo(Stop.DEADLINE) >= 0;
    }
}
