package dev.isoflop.lm.cuda.blas;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.isoflop.lm.cuda.driver.ComputeCapability;
import dev.isoflop.lm.cuda.driver.CudaDevice;
import dev.isoflop.lm.cuda.driver.CudaStream;
import dev.isoflop.lm.cuda.driver.NativeLibraries;
import dev.isoflop.lm.cuda.driver.NativeLibrary;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * cuBLASLt on one device.
 *
 * <p>Results are reproducible: a plan keeps one algorithm, and each stream has a workspace of its own, so products in several streams do
 * not disturb each other.
 *
 * <p>Concurrency: any thread that bound the device.
 */
public final class CublasLt implements AutoCloseable {

    private static final long HOPPER_WORKSPACE = 32L << 20;
    private static final long OLDER_WORKSPACE = 8L << 20;

    private final CudaDevice device;
    private final long handle;
    private final long version;
    private final long workspaceBytes;
    private boolean closed;

    private CublasLt(CudaDevice device) {
        this.device = device;
        device.bind();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(8, 8);
            CublasException.check(LtCalls.create(out.address()), "start of cuBLASLt on " + device.name());
            this.handle = out.get(JAVA_LONG, 0);
        }
        this.version = LtCalls.version();
        this.workspaceBytes =
                device.capability().isAtLeast(new ComputeCapability(9, 0)) ? HOPPER_WORKSPACE : OLDER_WORKSPACE;
    }

    /**
     * Finds the library and starts it on a device.
     *
     * @throws dev.isoflop.lm.cuda.driver.NativeLibraryException if there is none, with all that was tried
     */
    public static CublasLt open(CudaDevice device) {
        NativeLibraries.require(NativeLibrary.CUBLASLT);
        return new CublasLt(device);
    }

    /** 10000 × major + 100 × minor + patch: 130002 for 13.0.2. */
    public long version() {
        return version;
    }

    /** The most memory an algorithm may use beside its operands, in bytes, per stream. */
    public long workspaceBytes() {
        return workspaceBytes;
    }

    public CudaDevice device() {
        return device;
    }

    long handle() {
        return handle;
    }

    /** Gives a stream its workspace, if it has none yet; has to happen before the stream's products are captured. */
    public void prepare(CudaStream stream) {
        stream.workspace(workspaceBytes);
    }

    /**
     * Plans a product with the library's first proposal.
     *
     * @throws CublasException if the library has no algorithm for it
     */
    public MatmulPlan plan(MatmulProblem problem) {
        return new MatmulPlan(this, problem);
    }

    /** Plans a product with the algorithm a cache remembers, else with the library's first proposal. */
    public MatmulPlan plan(MatmulProblem problem, TuningCache cache) {
        MatmulPlan plan = new MatmulPlan(this, problem);
        cache.find(plan.key()).ifPresent(plan::use);
        return plan;
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            device.bind();
            CublasException.check(LtCalls.destroy(handle), "end of cuBLASLt");
        }
    }
}
