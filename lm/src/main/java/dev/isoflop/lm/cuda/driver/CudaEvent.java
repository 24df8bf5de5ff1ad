package dev.isoflop.lm.cuda.driver;

import jcuda.driver.JCudaDriver;

/**
 * A mark in a stream: something to wait for, and with {@link #create timing} a time on the device's own clock.
 *
 * <p>Concurrency: recorded by one thread, may be waited for and asked by any that bound the device.
 */
public final class CudaEvent implements AutoCloseable {

    private static final int DISABLE_TIMING = 2;
    private static final int NOT_READY = 600;

    /** A node of the graph, rather than an order between its nodes. */
    private static final int RECORD_EXTERNAL = 1;

    private final CudaDevice device;
    private final Handles.Event event = new Handles.Event();
    private boolean closed;

    private CudaEvent(CudaDevice device, int flags) {
        this.device = device;
        device.bind();
        CudaException.check(JCudaDriver.cuEventCreate(event, flags), "creation of an event");
    }

    /** With a time. */
    public static CudaEvent create(CudaDevice device) {
        return new CudaEvent(device, 0);
    }

    /** Without a time: cheaper, for ordering streams. */
    public static CudaEvent withoutTiming(CudaDevice device) {
        return new CudaEvent(device, DISABLE_TIMING);
    }

    /** Marks what the stream was given so far. */
    public void record(CudaStream stream) {
        CudaException.check(DriverCalls.eventRecord(event.value(), stream.handle()), "record of an event");
    }

    /** The same as part of a graph under capture: every launch of the graph sets its time anew. */
    public void recordInGraph(CudaStream stream) {
        CudaException.check(
                JCudaDriver.cuEventRecordWithFlags(event, stream.jcuda(), RECORD_EXTERNAL),
                "record of an event in a graph");
    }

    /** Whether everything before the mark has run. */
    public boolean isDone() {
        int code = DriverCalls.eventQuery(event.value());
        if (code == NOT_READY) {
            return false;
        }
        CudaException.check(code, "query of an event");
        return true;
    }

    /** Waits until everything before the mark has run. */
    public void synchronize() {
        CudaException.check(JCudaDriver.cuEventSynchronize(event), "wait for an event");
    }

    /** Milliseconds from an earlier event's mark to this one's, both of which must have run. Its resolution is about half a microsecond. */
    public double millisSince(CudaEvent earlier) {
        float[] millis = new float[1];
        CudaException.check(JCudaDriver.cuEventElapsedTime(millis, earlier.event, event), "time between events");
        return millis[0];
    }

    long handle() {
        return event.value();
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            device.bind();
            CudaException.check(JCudaDriver.cuEventDestroy(event), "release of an event");
        }
    }
}
