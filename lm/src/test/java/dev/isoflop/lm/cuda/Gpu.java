package dev.isoflop.lm.cuda;

import dev.isoflop.lm.cuda.compile.CompileOptions;
import dev.isoflop.lm.cuda.compile.KernelCompiler;
import dev.isoflop.lm.cuda.driver.CudaDevice;
import dev.isoflop.lm.cuda.driver.CudaDevices;
import dev.isoflop.lm.cuda.driver.CudaModule;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Assumptions;

/** The first GPU, for tests tagged {@code gpu}; without one they skip and say why. */
public final class Gpu {

    private Gpu() {}

    /** Keeps the primary context for the whole process: libraries do not expect it to go and come back between tests. */
    private static final class Kept {
        static final CudaDevice DEVICE = CudaDevice.open(0);
    }

    public static CudaDevice require() {
        Assumptions.assumeTrue(CudaDevices.count() > 0, () -> "no GPU: " + CudaDevices.reason());
        Kept.DEVICE.bind();
        return CudaDevice.open(0);
    }

    /** The test kernels, compiled for the device. */
    public static CudaModule testKernels(CudaDevice device, Map<String, ?> defines) {
        Path cache = Path.of(System.getProperty("java.io.tmpdir"), "isoflop-test-kernels");
        return new KernelCompiler(device.capability(), cache)
                .load(device, "dev/isoflop/lm/cuda/driver_tests.cu", CompileOptions.defining(defines));
    }

    /** A file of the engine's kernels, {@code rope.cu}, compiled for the device. */
    public static CudaModule kernels(CudaDevice device, String file) {
        Path cache = Path.of(System.getProperty("java.io.tmpdir"), "isoflop-test-kernels");
        return new KernelCompiler(device.capability(), cache)
                .load(device, "dev/isoflop/lm/cuda/" + file, CompileOptions.none());
    }

    public static float[] normal(Random random, int length) {
        float[] values = new float[length];
        for (int i = 0; i < length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    /** A figure for whoever reads the output of a test run. */
    public static void figure(String name, double value, String unit) {
        System.out.printf("figure %s %.3f %s%n", name, value, unit);
    }
}
