package dev.isoflop.runner;

import com.sun.management.OperatingSystemMXBean;
import dev.isoflop.protocol.runner.RegisterRunner;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** What the runner says about the machine it runs on. */
final class Machine {

    private static final Path MEMINFO = Path.of("/proc/meminfo");

    private Machine() {}

    static String host() {
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            return "localhost";
        }
    }

    static int cores() {
        return Runtime.getRuntime().availableProcessors();
    }

    static RegisterRunner describe(RunnerSettings settings, String instance, List<RegisterRunner.Device> devices) {
        String version = Machine.class.getPackage().getImplementationVersion();
        return new RegisterRunner(
                settings.name(),
                instance,
                settings.pool(),
                host(),
                ProcessHandle.current().pid(),
                version == null ? "development" : version,
                settings.slots(),
                cores(),
                devices.stream()
                        .mapToLong(RegisterRunner.Device::memoryBytes)
                        .max()
                        .orElse(Runtime.getRuntime().maxMemory()),
                devices,
                settings.kinds());
    }

    /** Bytes that work may still take: bounded by the Java heap, where the engine keeps its arenas, and by the machine. */
    static long freeMemoryBytes() {
        Runtime runtime = Runtime.getRuntime();
        long heap = runtime.maxMemory() - (runtime.totalMemory() - runtime.freeMemory());
        long unreserved = runtime.freeMemory() + machineAvailableBytes();
        return Math.max(0, Math.min(heap, unreserved));
    }

    private static long machineAvailableBytes() {
        try {
            if (Files.isReadable(MEMINFO)) {
                for (String line : Files.readAllLines(MEMINFO)) {
                    if (line.startsWith("MemAvailable:")) {
                        return Long.parseLong(line.replaceAll("\\D", "")) * 1024;
                    }
                }
            }
        } catch (IOException | NumberFormatException e) {
            // falls through: what the JVM knows is a lower bound
        }
        return ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getFreeMemorySize();
    }
}
