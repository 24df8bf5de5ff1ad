package dev.isoflop.protocol.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Pools and the runners that the platform starts for them, as answered over REST. */
public final class PoolViews {

    private PoolViews() {}

    /**
     * A pool that has a provider, runners or a queue.
     *
     * @param provider who starts its runners; absent: they are started by hand
     * @param maxRunners most that the platform starts
     * @param idleSeconds how long a runner may hold no run before it is stopped
     * @param queued runs that a runner could take now
     * @param runners those heard from, started by the platform or by hand
     * @param slots runs that these take at once
     * @param busy runs that they hold
     * @param note what is done about the queue, or why nothing is
     * @param error what the provider said last, while it fails
     * @param retryAt when it is asked again, while it fails
     * @param checkedAt when the pool was last looked at
     * @param launches runners that were asked for, newest first, the latest twenty and all that have not ended
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record Pool(
            String name,
            @Nullable String provider,
            @Nullable Integer maxRunners,
            @Nullable Integer idleSeconds,
            int queued,
            int runners,
            int slots,
            int busy,
            String note,
            @Nullable String error,
            @Nullable Instant retryAt,
            @Nullable Instant checkedAt,
            List<Launch> launches) {

        public Pool {
            launches = List.copyOf(launches);
        }
    }

    /**
     * A runner that was asked of a provider.
     *
     * @param runner its name, once it registers
     * @param externalId the provider's: a Slurm job, a process
     * @param state {@code asked}, {@code waiting} in the provider's queue, {@code running}, {@code stopping}, {@code ended},
     *     or {@code failed}: never started
     * @param place host or node
     * @param reason why it waits or has ended
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record Launch(
            long id,
            String runner,
            String provider,
            @Nullable String externalId,
            String state,
            @Nullable String place,
            @Nullable String reason,
            Instant askedAt,
            @Nullable Instant startedAt,
            @Nullable Instant endedAt) {}
}
