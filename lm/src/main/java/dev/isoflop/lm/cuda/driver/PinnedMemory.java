package dev.isoflop.lm.cuda.driver;

import java.lang.foreign.MemorySegment;
import jcuda.driver.JCudaDriver;

/**
 * Host memory that stays where it is, so that copies from and to a device overlap with kernels, and which the device itself can write.
 *
 * <p>Concurrency: as any memory; the device writes it while copies or kernels that use it run, so wait for an event before reading. After
 * {@link #close} its segment must not be touched: nothing guards it.
 */
public final class PinnedMemory implements AutoCloseable {

    /** Usable from every context (1) and mapped into the device's addresses (2). */
    private static final int PORTABLE_AND_MAPPED = 3;

    private final CudaDevice device;
    private final Handles.HostPointer pointer;
    private final MemorySegment segment;
    private boolean closed;

    private PinnedMemory(CudaDevice device, Handles.HostPointer pointer, long bytes) {
        this.device = device;
        this.pointer = pointer;
        this.segment = MemorySegment.ofAddress(pointer.value()).reinterpret(bytes);
    }

    /** Allocates page-locked memory; dear, so once at set-up. */
    public static PinnedMemory allocate(CudaDevice device, long bytes) {
        device.bind();
        Handles.HostPointer pointer = new Handles.HostPointer();
        int code = JCudaDriver.cuMemHostAlloc(pointer, bytes, PORTABLE_AND_MAPPED);
        if (code != 0) {
            throw new CudaException(code, "allocation of " + bytes + " bytes of pinned host memory");
        }
        return new PinnedMemory(device, pointer, bytes);
    }

    /** The memory. */
    public MemorySegment segment() {
        return segment;
    }

    /** Its address, the same on the host and for kernels. */
    public long address() {
        return segment.address();
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            device.bind();
            CudaException.check(JCudaDriver.cuMemFreeHost(pointer), "release of pinned host memory");
        }
    }
}
