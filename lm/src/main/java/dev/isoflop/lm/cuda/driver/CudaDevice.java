package dev.isoflop.lm.cuda.driver;

import java.nio.charset.StandardCharsets;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdevice_attribute;
import jcuda.driver.JCudaDriver;

/**
 * One GPU with a context on it. What is allocated, loaded or created on it belongs to that context and is gone with it.
 *
 * <p>Concurrency: any thread may use a device, but CUDA knows a current context per thread: the thread that opens it has it, every other
 * one calls {@link #bind} first. Creating things (memory, streams, modules) binds by itself; launches, copies and graphs do not.
 *
 * <p>Crash: a sticky error ({@link CudaException#isSticky}) ruins the context for good, and a primary context for the whole process; the
 * process has to end. What the device held is lost, so whatever must survive has to be in a checkpoint.
 */
public final class CudaDevice implements AutoCloseable {

    /** Which context to work in. */
    public enum Context {
        /** The one all libraries of the process share; the default. */
        PRIMARY,
        /** One of its own, which ends with {@link CudaDevice#close}. */
        OWN
    }

    private final CUdevice device;
    private final Handles.Context context;
    private final Context kind;
    private final int ordinal;
    private final String name;
    private final String pciBusId;
    private final ComputeCapability capability;
    private final int multiprocessors;
    private final long l2Bytes;
    private final int maxSharedBytes;
    private boolean closed;

    private CudaDevice(int ordinal, CUdevice device, Handles.Context context, Context kind) {
        this.ordinal = ordinal;
        this.device = device;
        this.context = context;
        this.kind = kind;
        byte[] text = new byte[256];
        CudaException.check(JCudaDriver.cuDeviceGetName(text, text.length, device), "name of a device");
        int length = 0;
        while (length < text.length && text[length] != 0) {
            length++;
        }
        this.name = new String(text, 0, length, StandardCharsets.UTF_8);
        String[] id = new String[1];
        CudaException.check(JCudaDriver.cuDeviceGetPCIBusId(id, 32, device), "bus id of a device");
        this.pciBusId = id[0].replace("\0", "").strip();
        this.capability = new ComputeCapability(
                attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR),
                attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR));
        this.multiprocessors = attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
        this.l2Bytes = attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE);
        this.maxSharedBytes = attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN);
    }

    /** Opens a device in its primary context and binds it to this thread. */
    public static CudaDevice open(int ordinal) {
        return open(ordinal, Context.PRIMARY);
    }

    /**
     * Opens a device and binds it to this thread.
     *
     * @param ordinal in {@code [0, CudaDevices.count())}
     * @throws IllegalStateException if there are no devices, with the reason
     * @throws CudaException if the context cannot be made
     */
    public static CudaDevice open(int ordinal, Context kind) {
        if (CudaDevices.count() == 0) {
            throw new IllegalStateException("no CUDA device: " + CudaDevices.reason());
        }
        if (ordinal < 0 || ordinal >= CudaDevices.count()) {
            throw new IllegalArgumentException("device " + ordinal + " of " + CudaDevices.count());
        }
        CUdevice device = new CUdevice();
        CudaException.check(JCudaDriver.cuDeviceGet(device, ordinal), "open of device " + ordinal);
        Handles.Context context = new Handles.Context();
        switch (kind) {
            case PRIMARY ->
                CudaException.check(
                        JCudaDriver.cuDevicePrimaryCtxRetain(context, device), "primary context of device " + ordinal);
            case OWN ->
                CudaException.check(JCudaDriver.cuCtxCreate(context, 0, device), "own context on device " + ordinal);
        }
        CudaDevice opened = new CudaDevice(ordinal, device, context, kind);
        opened.bind();
        return opened;
    }

    /** Makes this device the one the calling thread works with. */
    public void bind() {
        CudaException.check(DriverCalls.setCurrent(context.value()), "use of device", name);
    }

    /** Waits for everything that was started in this context, by any thread. */
    public void synchronize() {
        bind();
        CudaException.check(JCudaDriver.cuCtxSynchronize(), "wait for device", name);
    }

    public int ordinal() {
        return ordinal;
    }

    /** What the vendor calls it: {@code NVIDIA H100 80GB HBM3}. */
    public String name() {
        return name;
    }

    /** Its address on the bus, by which NVML knows it too: {@code 0000:3B:00.0}. */
    public String pciBusId() {
        return pciBusId;
    }

    public ComputeCapability capability() {
        return capability;
    }

    /** Streaming multiprocessors. */
    public int multiprocessors() {
        return multiprocessors;
    }

    /** Bytes of the L2 cache. */
    public long l2Bytes() {
        return l2Bytes;
    }

    /** The most shared memory one block can have, in bytes, once its kernel opted in ({@link Kernel#maxDynamicShared}). */
    public int maxSharedBytes() {
        return maxSharedBytes;
    }

    /** Bytes of its memory. */
    public long totalBytes() {
        return memory()[1];
    }

    /** Bytes that can still be allocated, roughly: other processes count too. */
    public long freeBytes() {
        return memory()[0];
    }

    private long[] memory() {
        bind();
        long[] free = new long[1];
        long[] total = new long[1];
        CudaException.check(JCudaDriver.cuMemGetInfo(free, total), "memory of device", name);
        return new long[] {free[0], total[0]};
    }

    private int attribute(int attribute) {
        int[] value = new int[1];
        CudaException.check(
                JCudaDriver.cuDeviceGetAttribute(value, attribute, device), "attribute of device " + ordinal);
        return value[0];
    }

    /** Gives the context back. Close what was made on it first. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        switch (kind) {
            case PRIMARY ->
                CudaException.check(JCudaDriver.cuDevicePrimaryCtxRelease(device), "release of device", name);
            case OWN -> CudaException.check(JCudaDriver.cuCtxDestroy(context), "release of device", name);
        }
    }

    @Override
    public String toString() {
        return "GPU " + ordinal + " " + name + " (" + capability + ", " + multiprocessors + " SMs, " + pciBusId + ")";
    }
}
