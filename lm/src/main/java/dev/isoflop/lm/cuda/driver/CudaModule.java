package dev.isoflop.lm.cuda.driver;

import java.util.Arrays;
import jcuda.driver.CUmodule;
import jcuda.driver.JCudaDriver;

/**
 * Machine code loaded on a device.
 *
 * <p>Concurrency: any thread. Its kernels end with it.
 */
public final class CudaModule implements AutoCloseable {

    private static final int[] ELF = {0x7f, 'E', 'L', 'F'};

    private final CudaDevice device;
    private final CUmodule module = new CUmodule();
    private final String label;
    private boolean closed;

    private CudaModule(CudaDevice device, String label) {
        this.device = device;
        this.label = label;
    }

    /**
     * Loads a cubin, or PTX text that the driver compiles now.
     *
     * @param label what errors call it: the file it was compiled from
     */
    public static CudaModule load(CudaDevice device, byte[] code, String label) {
        device.bind();
        CudaModule loaded = new CudaModule(device, label);
        // the driver reads PTX up to a NUL
        byte[] image = isCubin(code) ? code : Arrays.copyOf(code, code.length + 1);
        CudaException.check(JCudaDriver.cuModuleLoadData(loaded.module, image), "load of", label);
        return loaded;
    }

    /** Whether bytes are machine code (an ELF file) rather than PTX. */
    public static boolean isCubin(byte[] code) {
        if (code.length < ELF.length) {
            return false;
        }
        for (int i = 0; i < ELF.length; i++) {
            if (code[i] != ELF[i]) {
                return false;
            }
        }
        return true;
    }

    /**
     * A kernel by its name, which has to be {@code extern "C"}.
     *
     * @throws CudaException {@code CUDA_ERROR_NOT_FOUND} if there is none
     */
    public Kernel function(String name) {
        device.bind();
        Handles.Function function = new Handles.Function();
        CudaException.check(JCudaDriver.cuModuleGetFunction(function, module, name), "kernel " + name + " of", label);
        return new Kernel(name, function);
    }

    /**
     * A global array of ints, copied to the host.
     *
     * @throws CudaException {@code CUDA_ERROR_NOT_FOUND} if there is none
     */
    public int[] ints(String name) {
        device.bind();
        Handles.DevicePointer at = new Handles.DevicePointer();
        long[] bytes = new long[1];
        CudaException.check(JCudaDriver.cuModuleGetGlobal(at, bytes, module, name), "variable " + name + " of", label);
        int[] values = new int[(int) (bytes[0] / 4)];
        DeviceMemory.at(device, at.value(), bytes[0]).download(values);
        return values;
    }

    public CudaDevice device() {
        return device;
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            device.bind();
            CudaException.check(JCudaDriver.cuModuleUnload(module), "unload of", label);
        }
    }

    @Override
    public String toString() {
        return label;
    }
}
