package dev.isoflop.lm.cuda.driver;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * What a GPU is doing, from NVIDIA's management library. It needs no context and sees every process's work. A GPU is named by its bus id:
 * NVML numbers them otherwise than CUDA, and {@code CUDA_VISIBLE_DEVICES} is nothing to it.
 *
 * <p>Concurrency: any thread, one reading at a time per object. A reading takes some tens of microseconds to a millisecond: sample in
 * seconds, not in steps.
 */
public final class Nvml implements AutoCloseable {

    private static final int SM_CLOCK = 1;
    private static final int GPU_TEMPERATURE = 0;
    private static final FunctionDescriptor HANDLE_AND_POINTER = FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG);

    /**
     * One reading; what the device does not tell is NaN or -1.
     *
     * @param utilisationPercent the share of the last sample period (up to a second) in which some kernel ran
     * @param memoryUsedBytes of all processes and the driver
     * @param memoryTotalBytes all of it
     * @param powerWatts of the whole board
     * @param temperatureCelsius of the chip
     * @param smClockMhz of the multiprocessors, now
     */
    public record Reading(
            double utilisationPercent,
            long memoryUsedBytes,
            long memoryTotalBytes,
            double powerWatts,
            double temperatureCelsius,
            int smClockMhz) {}

    private final MethodHandle utilisation;
    private final MethodHandle memory;
    private final MethodHandle power;
    private final MethodHandle temperature;
    private final MethodHandle clock;
    private final MethodHandle shutdown;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment answer = arena.allocate(64, 8);
    private final long device;
    private boolean closed;

    private Nvml(String function, String busId, int index) {
        NativeLibraries.Found library = NativeLibraries.require(NativeLibrary.NVML);
        MethodHandle init = library.function("nvmlInit_v2", FunctionDescriptor.of(JAVA_INT));
        MethodHandle find = library.function(
                function, busId.isEmpty() ? FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG) : HANDLE_AND_POINTER);
        this.utilisation = library.function("nvmlDeviceGetUtilizationRates", HANDLE_AND_POINTER);
        this.memory = library.function("nvmlDeviceGetMemoryInfo", HANDLE_AND_POINTER);
        this.power = library.function("nvmlDeviceGetPowerUsage", HANDLE_AND_POINTER);
        FunctionDescriptor ofKind = FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_LONG);
        this.temperature = library.function("nvmlDeviceGetTemperature", ofKind);
        this.clock = library.function("nvmlDeviceGetClockInfo", ofKind);
        this.shutdown = library.function("nvmlShutdown", FunctionDescriptor.of(JAVA_INT));
        int code;
        String what = "start of NVML";
        try {
            code = (int) init.invokeExact();
            if (code == 0) {
                what = "search for GPU " + (busId.isEmpty() ? index : busId);
                code = busId.isEmpty()
                        ? (int) find.invokeExact(index, answer.address())
                        : (int) find.invokeExact(arena.allocateFrom(busId).address(), answer.address());
            }
        } catch (Throwable e) {
            throw new IllegalStateException("NVML could not be called", e);
        }
        if (code != 0) {
            arena.close();
            throw new IllegalStateException(what + " failed with NVML error " + code);
        }
        this.device = answer.get(JAVA_LONG, 0);
    }

    /**
     * The GPU a CUDA device is.
     *
     * @throws NativeLibraryException without the library
     * @throws IllegalStateException if NVML does not start or does not know the device
     */
    public static Nvml of(CudaDevice device) {
        return byBusId(device.pciBusId());
    }

    /** By its bus id, {@code 0000:3B:00.0}. */
    public static Nvml byBusId(String pciBusId) {
        return new Nvml("nvmlDeviceGetHandleByPciBusId_v2", pciBusId, 0);
    }

    /** By NVML's own number, which need not be CUDA's. */
    public static Nvml byIndex(int index) {
        return new Nvml("nvmlDeviceGetHandleByIndex_v2", "", index);
    }

    /** Reads it all now. */
    public synchronized Reading read() {
        if (closed) {
            throw new IllegalStateException("closed");
        }
        long at = answer.address();
        try {
            // unsigned gpu, memory (percent)
            double percent = (int) utilisation.invokeExact(device, at) == 0 ? answer.get(JAVA_INT, 0) : Double.NaN;
            // unsigned long long total, free, used
            boolean known = (int) memory.invokeExact(device, at) == 0;
            long total = known ? answer.get(JAVA_LONG, 0) : -1;
            long used = known ? answer.get(JAVA_LONG, 16) : -1;
            double watts = (int) power.invokeExact(device, at) == 0 ? answer.get(JAVA_INT, 0) / 1000.0 : Double.NaN;
            double celsius = (int) temperature.invokeExact(device, GPU_TEMPERATURE, at) == 0
                    ? answer.get(JAVA_INT, 0)
                    : Double.NaN;
            int megahertz = (int) clock.invokeExact(device, SM_CLOCK, at) == 0 ? answer.get(JAVA_INT, 0) : -1;
            return new Reading(percent, used, total, watts, celsius, megahertz);
        } catch (Throwable e) {
            throw new IllegalStateException("NVML could not be read", e);
        }
    }

    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        try {
            int ignored = (int) shutdown.invokeExact(); // nothing could be done about it
        } catch (Throwable e) {
            throw new IllegalStateException("NVML could not be stopped", e);
        } finally {
            arena.close();
        }
    }
}
