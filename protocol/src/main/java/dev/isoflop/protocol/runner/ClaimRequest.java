package dev.isoflop.protocol.runner;

import java.util.List;

/**
 * @param slots how many more runs the runner can take now
 * @param freeMemoryBytes memory left for them; work known to need more is not granted
 * @param kinds kinds of work wanted
 */
public record ClaimRequest(int slots, long freeMemoryBytes, List<String> kinds) {

    public ClaimRequest {
        kinds = List.copyOf(kinds);
    }
}
