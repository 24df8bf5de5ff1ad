package dev.isoflop.lm.cuda.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import jcuda.driver.CUfunction_attribute;
import jcuda.driver.JCudaDriver;

/**
 * A function that runs on the device. Launching it costs a few microseconds of the host's time and allocates nothing.
 *
 * <p>Concurrency: any thread that bound the device; {@link Args} are one thread's.
 */
public final class Kernel {

    /** Whether every launch is waited for, so that an error is reported by the kernel that caused it. Slow; for debugging. */
    static final boolean BLOCKING = Boolean.getBoolean("isoflop.cuda.blocking");

    private static final int DEFAULT_SHARED_BYTES = 48 << 10;
    private static final int UNKNOWN = -1;

    private final String name;
    private final Handles.Function function;
    private final long handle;
    private final int parameters;
    private final int[] sizes;
    private int dynamicSharedLimit = DEFAULT_SHARED_BYTES;

    Kernel(String name, Handles.Function function) {
        this.name = name;
        this.function = function;
        this.handle = function.value();
        int[] found = new int[1024];
        int count = 0;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment answer = arena.allocate(16, 8);
            int code;
            while ((code = DriverCalls.parameterInfo(handle, count, answer.address(), answer.address() + 8)) == 0) {
                found[count++] = (int) answer.get(ValueLayout.JAVA_LONG, 8);
            }
            // a driver older than CUDA 12.4 cannot tell: then nothing is checked
            this.parameters = code == 500 ? UNKNOWN : count;
        }
        this.sizes = Arrays.copyOf(found, count);
    }

    public String name() {
        return name;
    }

    /**
     * Launches it in a stream's order, with one-dimensional blocks.
     *
     * @param gridX blocks, at most 2³¹ - 1
     * @param gridY blocks, at most 65535
     * @param gridZ blocks, at most 65535
     * @param block threads of a block, at most 1024
     * @param sharedBytes dynamic shared memory of a block; over 48 KiB only after {@link #maxDynamicShared}
     * @param args its arguments, in order
     * @throws IllegalArgumentException if the arguments are not the kernel's by number and size
     * @throws CudaException if the launch fails, or an earlier kernel did
     */
    public void launch(CudaStream stream, int gridX, int gridY, int gridZ, int block, int sharedBytes, Args args) {
        launch(stream, gridX, gridY, gridZ, block, 1, 1, sharedBytes, args);
    }

    /** The same with blocks of up to three dimensions. */
    public void launch(
            CudaStream stream,
            int gridX,
            int gridY,
            int gridZ,
            int blockX,
            int blockY,
            int blockZ,
            int sharedBytes,
            Args args) {
        if (parameters != UNKNOWN) {
            check(args);
        }
        int code = DriverCalls.launchKernel(
                handle, gridX, gridY, gridZ, blockX, blockY, blockZ, sharedBytes, stream.handle(), args.table());
        if (code != 0) {
            throw new CudaException(
                    code,
                    "launch of %s<<<%d x %d x %d, %d x %d x %d, %d bytes>>>"
                            .formatted(name, gridX, gridY, gridZ, blockX, blockY, blockZ, sharedBytes));
        }
        if (BLOCKING && !stream.isCapturing()) {
            CudaException.check(DriverCalls.synchronize(stream.handle()), "run of", name);
        }
    }

    /** A missing argument would make the driver read whatever lies behind the table: better an exception. */
    private void check(Args args) {
        boolean right = args.count() == parameters;
        for (int i = 0; right && i < parameters; i++) {
            right = args.size(i) == sizes[i];
        }
        if (!right) {
            int[] given = new int[args.count()];
            Arrays.setAll(given, args::size);
            throw new IllegalArgumentException("kernel " + name + " takes parameters of " + Arrays.toString(sizes)
                    + " bytes, was given " + Arrays.toString(given));
        }
    }

    /**
     * Lets blocks have this much dynamic shared memory; needed over 48 KiB.
     *
     * @param bytes at most {@link CudaDevice#maxSharedBytes} less the kernel's static shared memory
     */
    public Kernel maxDynamicShared(int bytes) {
        if (bytes > dynamicSharedLimit) {
            CudaException.check(
                    JCudaDriver.cuFuncSetAttribute(
                            function, CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, bytes),
                    "shared memory of " + bytes + " bytes for",
                    name);
            dynamicSharedLimit = bytes;
        }
        return this;
    }

    /** Registers of a thread. */
    public int registers() {
        return attribute(CUfunction_attribute.CU_FUNC_ATTRIBUTE_NUM_REGS);
    }

    /** Bytes of local memory of a thread: more than 0 means spilled registers or arrays indexed at run time. */
    public int localBytes() {
        return attribute(CUfunction_attribute.CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES);
    }

    /** Bytes of static shared memory of a block. */
    public int staticSharedBytes() {
        return attribute(CUfunction_attribute.CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES);
    }

    /** How many blocks a multiprocessor holds at once, for persistent grids. */
    public int blocksPerMultiprocessor(int block, int sharedBytes) {
        int[] blocks = new int[1];
        CudaException.check(
                JCudaDriver.cuOccupancyMaxActiveBlocksPerMultiprocessor(blocks, function, block, sharedBytes),
                "occupancy of",
                name);
        return blocks[0];
    }

    private int attribute(int attribute) {
        int[] value = new int[1];
        CudaException.check(JCudaDriver.cuFuncGetAttribute(value, attribute, function), "attribute of", name);
        return value[0];
    }

    @Override
    public String toString() {
        return name;
    }
}
