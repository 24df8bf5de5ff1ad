package dev.isoflop.runner.work.gpu;

import dev.isoflop.lm.cuda.engine.GpuPlan;
import dev.isoflop.lm.cuda.engine.LaneCalibration;

/** The device a {@link LaneGroup} trains on, as far as groups know it. */
interface LaneHost {

    LaneCalibration calibration();

    /** Bytes that an array may take at once. */
    long freeBytes();

    /**
     * Takes memory for an array, waiting until others have given theirs back.
     *
     * @throws dev.isoflop.runner.work.OutOfDeviceMemoryException if it would not even fit alone
     */
    void reserve(long bytes) throws InterruptedException;

    /** Makes an array; its memory is reserved. Called by the group's thread, which alone uses it. */
    LaneArray open(LaneGroup.Shape shape, GpuPlan plan);

    /** A group failed in a way that may concern all of the process. */
    void failed(Throwable error);

    /**
     * A group has ended.
     *
     * @param bytes it had reserved
     */
    void ended(LaneGroup group, long bytes);
}
