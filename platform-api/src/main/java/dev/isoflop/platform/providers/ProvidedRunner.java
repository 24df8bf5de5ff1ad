package dev.isoflop.platform.providers;

import org.jspecify.annotations.Nullable;

/**
 * A runner as its provider sees it.
 *
 * @param key of the request
 * @param externalId the provider's id
 * @param place host or node, once it has one
 * @param reason why it waits or how it ended, in the provider's words
 */
public record ProvidedRunner(
        String key,
        String externalId,
        State state,
        @Nullable String place,
        @Nullable String reason) {

    /** What may be told of any provider. */
    public enum State {
        /** In the provider's queue, perhaps again after its node failed. */
        WAITING,
        RUNNING,
        ENDED
    }
}
