package dev.isoflop.protocol.runner;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * All the runner observes of itself.
 *
 * @param instance of the reporting process
 * @param freeMemoryBytes memory left
 * @param observed every attempt it is executing or whose end it has not yet had acknowledged
 * @param devices what its accelerators did since the last heartbeat; left out by a runner that has none, so that a
 *     platform older than this field takes its heartbeats
 * @param trouble why it takes no more runs, a sentence, such as a full disk; absent while all is well
 */
public record Heartbeat(
        String instance,
        long freeMemoryBytes,
        List<Observed> observed,

        @JsonInclude(JsonInclude.Include.NON_EMPTY) @JsonProperty(defaultValue = "[]")
        List<DeviceSample> devices,

        @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable String trouble) {

    public Heartbeat {
        observed = List.copyOf(observed);
        // absent from the JSON of a runner without accelerators, whatever its declared type
        devices = devices == null ? List.of() : List.copyOf(devices);
    }

    public Heartbeat(String instance, long freeMemoryBytes, List<Observed> observed, List<DeviceSample> devices) {
        this(instance, freeMemoryBytes, observed, devices, null);
    }

    /**
     * @param runId the run
     * @param attempt its attempt
     * @param step optimizer steps done, 0 where the kind has none
     * @param stage what it is doing, such as {@code training}
     */
    public record Observed(long runId, int attempt, long step, String stage) {}
}
