package dev.isoflop.platform.providers;

import java.util.List;

/**
 * Whoever starts runner processes: this machine, Slurm, and what may come (Kubernetes Jobs). A provider knows no runs and
 * no leases; the runner that it starts speaks to the platform as any other.
 *
 * <p>A request carries a key. The provider keeps it with what it starts and gives it back in {@link #list}, for that is
 * how the answer to a request that was lost is found again. The key has only {@code a-z 0-9 . _ -}, at most {@value
 * #LONGEST_KEY} characters, so that it can be a job name, a file name or a label.
 *
 * <p>Concurrency: one thread of one platform asks at a time for a pool; different pools may be asked for at once.
 */
public interface RunnerProvider {

    /** Longest key there is: what a Kubernetes name or label holds. */
    int LONGEST_KEY = 63;

    /** What {@code isoflop.pools.<name>.provider} calls it. */
    String name();

    /**
     * Finds faults in a pool's settings that are this provider's to know.
     *
     * @param prefix of its properties, such as {@code isoflop.pools.gpu}
     * @throws IllegalArgumentException naming the property
     */
    void check(String prefix, PoolSettings pool);

    /**
     * Asks for one runner; it may wait in a queue of the provider's before it starts.
     *
     * @return the provider's own id for it
     * @throws ProviderException if it was refused, or if nobody knows
     */
    String start(RunnerRequest request) throws ProviderException;

    /**
     * Everything of this pool that was asked for and is known to the provider still, ended ones included while it has them.
     *
     * @param keyPrefix what the keys of the pool's runners begin with
     */
    List<ProvidedRunner> list(PoolSettings pool, String keyPrefix) throws ProviderException;

    /**
     * Tells a runner to end: SIGTERM, on which it checkpoints what runs. One that has ended already is no error.
     *
     * @param forcibly because it was told before and is still there
     */
    void stop(PoolSettings pool, ProvidedRunner runner, boolean forcibly) throws ProviderException;
}
