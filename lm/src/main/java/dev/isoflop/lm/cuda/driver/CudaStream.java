package dev.isoflop.lm.cuda.driver;

import jcuda.driver.JCudaDriver;
import org.jspecify.annotations.Nullable;

/**
 * A queue of work on a device, run in order, beside other streams. It does not wait for the driver's default stream, nor that for it.
 *
 * <p>Concurrency: given work by one thread at a time.
 */
public final class CudaStream implements AutoCloseable {

    private static final int NON_BLOCKING = 1;
    private static final int NOT_READY = 600;

    private final CudaDevice device;
    private final Handles.Stream stream = new Handles.Stream();
    private final long handle;
    private @Nullable DeviceMemory workspace;
    private boolean capturing;
    private boolean closed;

    private CudaStream(CudaDevice device, int priority) {
        this.device = device;
        device.bind();
        CudaException.check(
                JCudaDriver.cuStreamCreateWithPriority(stream, NON_BLOCKING, priority), "creation of a stream");
        this.handle = stream.value();
    }

    public static CudaStream create(CudaDevice device) {
        return new CudaStream(device, 0);
    }

    /** @param priority lower numbers go first; 0 is the default and last, a device has about five more */
    public static CudaStream create(CudaDevice device, int priority) {
        return new CudaStream(device, priority);
    }

    public CudaDevice device() {
        return device;
    }

    /** The driver's handle. */
    public long handle() {
        return handle;
    }

    /** Waits until all it was given has run; errors of kernels come out here. */
    public void synchronize() {
        CudaException.check(DriverCalls.synchronize(handle), "wait for a stream");
    }

    /** Whether all it was given has run. */
    public boolean isIdle() {
        int code = JCudaDriver.cuStreamQuery(stream);
        if (code == NOT_READY) {
            return false;
        }
        CudaException.check(code, "query of a stream");
        return true;
    }

    /** Lets what comes next wait for an event of another stream; the host does not wait. */
    public void waitFor(CudaEvent event) {
        CudaException.check(DriverCalls.waitEvent(handle, event.handle()), "wait for an event in a stream");
    }

    /**
     * Memory that library calls in this stream may overwrite, at least this large; it grows when it must and lives as long as the stream.
     *
     * @throws IllegalStateException if it would have to grow while the stream is being captured: ask for it before
     */
    public DeviceMemory workspace(long bytes) {
        DeviceMemory current = workspace;
        if (current != null && current.bytes() >= bytes) {
            return current;
        }
        if (capturing) {
            throw new IllegalStateException(
                    "the stream's workspace has to be " + bytes + " bytes before its work is captured");
        }
        if (current != null) {
            synchronize();
            current.close();
            workspace = null;
        }
        DeviceMemory grown = DeviceMemory.allocate(device, Math.max(bytes, 256));
        workspace = grown;
        return grown;
    }

    boolean isCapturing() {
        return capturing;
    }

    void capturing(boolean value) {
        capturing = value;
    }

    Handles.Stream jcuda() {
        return stream;
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        device.bind();
        if (workspace != null) {
            synchronize();
            workspace.close();
        }
        CudaException.check(JCudaDriver.cuStreamDestroy(stream), "release of a stream");
    }
}
