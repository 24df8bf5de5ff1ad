package dev.isoflop.protocol.runner;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import org.jspecify.annotations.Nullable;

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
     * An accelerator the runner offers. What a runner cannot tell, or one older than the field does not say, is absent.
     *
     * @param index number of the device on its host, which samples name it by
     * @param name as the driver names it, such as {@code NVIDIA H100 80GB HBM3}
     * @param memoryBytes total memory of the device
     * @param pciBusId its address on the bus, such as {@code 0000:3B:00.0}
     * @param multiprocessors streaming multiprocessors
     * @param computeCapability such as {@code 9.0}
     * @param cudaVersion the newest CUDA its driver speaks, such as {@code 13.0}
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record Device(
            int index,
            String name,
            long memoryBytes,
            @Nullable String pciBusId,
            @Nullable Integer multiprocessors,
            @Nullable String computeCapability,
            @Nullable String cudaVersion) {}
}
