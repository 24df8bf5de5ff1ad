package dev.isoflop.lm.cuda.engine;

import dev.isoflop.lm.cuda.driver.CudaDevice;
import dev.isoflop.lm.cuda.driver.PinnedMemory;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/**
 * What the host tells a step and hears from it, through page-locked memory: a ring of slots for hyperparameters and window starts, a ring
 * of slots for metrics, and how many steps the device has finished. So the host may be some steps ahead, and neither waits for the other
 * unless the ring is full.
 *
 * <p>Concurrency: one host thread writes and reads; the device's accesses are ordered by launches on one side and by fences before the
 * count on the other.
 */
final class StepRing implements AutoCloseable {

    /** Steps the host may be ahead. */
    static final int SLOTS = 8;

    private static final int METRIC_BYTES = 16;
    private static final VarHandle LONG = ValueLayout.JAVA_LONG.varHandle();

    private final PinnedMemory controls;
    private final PinnedMemory metrics;
    private final PinnedMemory finished;
    private final int lanes;
    private final int slotBytes;

    /** @param slotBytes of one step's hyperparameters and starts */
    StepRing(CudaDevice device, int lanes, int slotBytes) {
        this.lanes = lanes;
        this.slotBytes = slotBytes;
        this.controls = PinnedMemory.allocate(device, (long) SLOTS * slotBytes);
        this.metrics = PinnedMemory.allocate(device, (long) SLOTS * lanes * METRIC_BYTES);
        this.finished = PinnedMemory.allocate(device, 64);
        controls.segment().fill((byte) 0);
        finished.segment().fill((byte) 0);
    }

    long controlAddress() {
        return controls.address();
    }

    long metricAddress() {
        return metrics.address();
    }

    long finishedAddress() {
        return finished.address();
    }

    /** Where in the ring a step's control begins, in bytes: hyperparameters of all lanes, then starts. */
    long controlOffset(long step) {
        return step % SLOTS * slotBytes;
    }

    void setFloat(long offset, float value) {
        controls.segment().set(ValueLayout.JAVA_FLOAT, offset, value);
    }

    void setLong(long offset, long value) {
        controls.segment().set(ValueLayout.JAVA_LONG, offset, value);
    }

    /** Steps the device has finished. */
    long finished() {
        return (long) LONG.getAcquire(finished.segment(), 0L);
    }

    /** Begins anew: no step has finished. Only while the device is idle. */
    void reset() {
        controls.segment().fill((byte) 0);
        LONG.setRelease(finished.segment(), 0L, 0L);
    }

    /** Sum of a finished step's losses, nats. */
    double loss(long step, int lane) {
        return metrics.segment().get(ValueLayout.JAVA_DOUBLE, metric(step, lane));
    }

    /** Its gradient norm before clipping. */
    float norm(long step, int lane) {
        return metrics.segment().get(ValueLayout.JAVA_FLOAT, metric(step, lane) + 8);
    }

    private long metric(long step, int lane) {
        return (step % SLOTS * lanes + lane) * METRIC_BYTES;
    }

    @Override
    public void close() {
        controls.close();
        metrics.close();
        finished.close();
    }
}
