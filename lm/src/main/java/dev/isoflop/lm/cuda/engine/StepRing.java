package dev.isoflop.lm.cuda.engine;

import dev.isoflop.lm.cuda.driver.CudaDevice;
import dev.isoflop.lm.cuda.driver.PinnedMemory;
import dev.isoflop.lm.train.TrainingOptions;
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
    private static final int GRADIENT_SCALE = 32;
    private static final VarHandle LONG = ValueLayout.JAVA_LONG.varHandle();

    private final PinnedMemory controls;
    private final PinnedMemory metrics;
    private final PinnedMemory finished;
    private final int lanes;
    private final int batch;
    private final int slotBytes;

    StepRing(CudaDevice device, GpuPlan plan) {
        this.lanes = plan.lanes();
        this.batch = plan.batch();
        this.slotBytes = Arenas.stepBytes(plan);
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

    /** Where a lane's {@code Hyper} of adamw.cu begins. */
    private long hyper(long step, int lane) {
        return step % SLOTS * slotBytes + (long) Arenas.HYPER_BYTES * lane;
    }

    /** Lets a lane stand still in a step: gradients times 0 are no update. */
    void hold(long step, int lane) {
        set(hyper(step, lane) + GRADIENT_SCALE, 0f);
    }

    /**
     * Says what a lane's update is made with.
     *
     * @param done steps the lane's run has done before, which decide the learning rate and Adam's corrections
     */
    void update(long step, int lane, TrainingOptions o, long done) {
        long at = hyper(step, lane);
        set(at, (float) o.schedule().learningRate(done, o));
        set(at + 4, (float) o.beta1());
        set(at + 8, (float) o.beta2());
        set(at + 12, (float) o.epsilon());
        set(at + 16, (float) o.weightDecay());
        set(at + 20, (float) (1.0 / (1.0 - Math.pow(o.beta1(), done + 1))));
        set(at + 24, (float) (1.0 / Math.sqrt(1.0 - Math.pow(o.beta2(), done + 1))));
        set(at + 28, (float) o.gradientClip());
        set(at + GRADIENT_SCALE, 1f);
    }

    /** Says where a window of a lane's pass begins in the data. */
    void start(long step, int lane, int pass, int sequence, long token) {
        long index = ((long) pass * lanes + lane) * batch + sequence;
        controls.segment().set(ValueLayout.JAVA_LONG, hyper(step, lanes) + 8 * index, token);
    }

    private void set(long offset, float value) {
        controls.segment().set(ValueLayout.JAVA_FLOAT, offset, value);
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
