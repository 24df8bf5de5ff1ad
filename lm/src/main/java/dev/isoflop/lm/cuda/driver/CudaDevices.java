package dev.isoflop.lm.cuda.driver;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import jcuda.driver.JCudaDriver;

/**
 * Which GPUs this process can use. The first question loads the driver and JCuda's library and starts CUDA; without a driver the answer is
 * none, with the reason.
 *
 * <p>Concurrency: any thread; the driver is started once per process.
 */
public final class CudaDevices {

    private CudaDevices() {}

    /**
     * @param count devices
     * @param driverVersion the newest CUDA the driver speaks, as 1000 × major + 10 × minor; 0 without a driver
     * @param reason why there are none; empty if there are some
     */
    private record Availability(int count, int driverVersion, String reason) {

        static Availability none(String reason) {
            return new Availability(0, 0, reason);
        }
    }

    private static final class Probe {
        static final Availability RESULT = probe();
    }

    /** How many devices there are, 0 if CUDA cannot be used. Never throws. */
    public static int count() {
        return Probe.RESULT.count();
    }

    /** Why {@link #count} is 0; empty if it is not. */
    public static String reason() {
        return Probe.RESULT.reason();
    }

    /** The newest CUDA the driver speaks, as 1000 × major + 10 × minor (13000 for 13.0); 0 without a driver. */
    public static int driverVersion() {
        return Probe.RESULT.driverVersion();
    }

    /** Opens every device, in the order of their ordinals; the caller closes them. */
    public static List<CudaDevice> openAll() {
        List<CudaDevice> devices = new ArrayList<>();
        for (int i = 0; i < count(); i++) {
            devices.add(CudaDevice.open(i));
        }
        return devices;
    }

    private static Availability probe() {
        String system = System.getProperty("os.name", "") + " " + System.getProperty("os.arch", "");
        if (!system.toLowerCase(Locale.ROOT).matches("linux (amd64|x86_64)")) {
            return Availability.none("CUDA is supported on Linux on x86-64; this is " + system);
        }
        try {
            NativeLibraries.Found driver = NativeLibraries.require(NativeLibrary.DRIVER);
            if (driver.where().startsWith("/")) {
                // JCuda's library asks the loader for libcuda.so.1 by name: once it is loaded from its file, that name
                // is known
                System.load(driver.where());
            }
            JCudaDriver.setExceptionsEnabled(false);
            int started = JCudaDriver.cuInit(0);
            if (started != 0) {
                return Availability.none(String.valueOf(new CudaException(started, "start of CUDA").getMessage()));
            }
            int[] answer = new int[1];
            CudaException.check(JCudaDriver.cuDriverGetVersion(answer), "driver version");
            int version = answer[0];
            CudaException.check(JCudaDriver.cuDeviceGetCount(answer), "count of devices");
            return new Availability(answer[0], version, answer[0] == 0 ? "the driver sees no device" : "");
        } catch (NativeLibraryException | CudaException e) {
            return Availability.none(String.valueOf(e.getMessage()));
        } catch (LinkageError | RuntimeException e) {
            return Availability.none("JCuda's native library could not be loaded: " + e);
        }
    }
}
