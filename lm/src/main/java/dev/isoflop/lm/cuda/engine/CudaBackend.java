package dev.isoflop.lm.cuda.engine;

import dev.isoflop.lm.cuda.blas.CublasLt;
import dev.isoflop.lm.cuda.blas.TuningCache;
import dev.isoflop.lm.cuda.compile.CompileOptions;
import dev.isoflop.lm.cuda.compile.KernelCompiler;
import dev.isoflop.lm.cuda.driver.CudaDevice;
import dev.isoflop.lm.cuda.driver.CudaModule;
import dev.isoflop.lm.cuda.driver.Kernel;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * What all models on one GPU share: the device, cuBLASLt, the loaded kernels, and which algorithm is the fastest for which product.
 *
 * <p>Concurrency: any thread that bound the device; kernels are loaded under a lock.
 */
public final class CudaBackend implements AutoCloseable {

    private static final String FOLDER = "dev/isoflop/lm/cuda/";

    private final CudaDevice device;
    private final CublasLt blas;
    private final KernelCompiler compiler;
    private final TuningCache tuning;
    private final Map<String, CudaModule> modules = new HashMap<>();
    private final Map<String, Kernel> kernels = new HashMap<>();

    private CudaBackend(CudaDevice device, Path cache) {
        this.device = device;
        this.compiler = new KernelCompiler(device.capability(), cache.resolve("kernels"));
        this.tuning = TuningCache.open(cache.resolve("matmul.json"));
        this.blas = CublasLt.open(device);
    }

    /**
     * Opens a GPU.
     *
     * @param ordinal in {@code [0, CudaDevices.count())}
     * @param cache a directory for compiled kernels and timings, made if needed, kept between processes
     * @throws IllegalStateException if there is no GPU, with the reason
     * @throws dev.isoflop.lm.cuda.driver.NativeLibraryException if a library is missing, with all that was tried
     */
    public static CudaBackend open(int ordinal, Path cache) {
        CudaDevice device = CudaDevice.open(ordinal);
        try {
            return new CudaBackend(device, cache);
        } catch (RuntimeException e) {
            device.close();
            throw e;
        }
    }

    public CudaDevice device() {
        return device;
    }

    CublasLt blas() {
        return blas;
    }

    /**
     * Takes in how the products of a checkpoint's run were computed, where this machine does not know better, so that the run goes on
     * bitwise; before its array is made. A checkpoint of another backend has nothing to say.
     */
    public void adopt(Path checkpoint) {
        tuning.adopt(checkpoint.resolve(LaneSnapshot.PRODUCTS));
    }

    TuningCache tuning() {
        return tuning;
    }

    /** A file's code on the device, loaded on first use. */
    synchronized CudaModule module(String file) {
        return modules.computeIfAbsent(file, f -> compiler.load(device, FOLDER + f, CompileOptions.none()));
    }

    /** A kernel of a file, {@code swiglu.cu}. */
    synchronized Kernel kernel(String file, String name) {
        Kernel known = kernels.get(name);
        if (known == null) {
            known = module(file).function(name);
            kernels.put(name, known);
        }
        return known;
    }

    /** Unloads everything; what was made with it has to be closed before. */
    @Override
    public void close() {
        modules.values().forEach(CudaModule::close);
        blas.close();
        device.close();
    }
}
