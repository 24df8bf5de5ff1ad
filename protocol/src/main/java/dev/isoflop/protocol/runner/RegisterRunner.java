package dev.isoflop.protocol.runner;

import java.util.List;

/**
 * @param name stable name of the runner, unique on the platform (host name and a suffix, say)
 * @param instance random per process, so that a restarted runner is told from a repeated request
 * @param pool named group it serves
 * @param host host name
 * @param pid process id on that host
 * @param version of the runner
 * @param slots runs it executes at once
 * @param cores processor cores it may use
 * @param memoryBytes memory it may use
 * @param devices accelerators, empty on a CPU runner
 * @param kinds kinds of work it can execute, such as {@code pretrain}
 */
public record RegisterRunner(
        String name,
        String instance,
        String pool,
        String host,
        long pid,
        String version,
        int slots,
        int cores,
        long memoryBytes,
        List<Device> devices,
        List<String> kinds) {

    public RegisterRunner {
        devices = List.copyOf(devices);
        kinds = List.copyOf(kinds);
    }

    /**
     * @param index number of the device on its host
     * @param name as the driver names it
     * @param memoryBytes total memory of the device
     */
    public record Device(int index, String name, long memoryBytes) {}
}
