package dev.isoflop.protocol.runner;

import java.util.List;

/**
 * All the runner observes of itself.
 *
 * @param instance of the reporting process
 * @param freeMemoryBytes memory left
 * @param observed every attempt it is executing or whose end it has not yet had acknowledged
 */
public record Heartbeat(String instance, long freeMemoryBytes, List<Observed> observed) {

    public Heartbeat {
        observed = List.copyOf(observed);
    }

    /**
     * @param runId the run
     * @param attempt its attempt
     * @param step optimizer steps done, 0 where the kind has none
     * @param stage what it is doing, such as {@code training}
     */
    public record Observed(long runId, int attempt, long step, String stage) {}
}
