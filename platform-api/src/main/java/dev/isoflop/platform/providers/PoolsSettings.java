package dev.isoflop.platform.providers;

import java.time.Duration;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * The pools whose runners the platform starts, and how it looks at them.
 *
 * @param pools by name
 * @param scaling how the queue is followed
 */
@ConfigurationProperties("isoflop")
record PoolsSettings(
        @Nullable Map<String, PoolSettings> pools,
        @DefaultValue Scaling scaling) {

    /** Part of job and file names. */
    private static final Pattern NAME = Pattern.compile("[a-z0-9][a-z0-9._-]{0,31}");

    PoolsSettings {
        pools = pools == null ? Map.of() : Map.copyOf(pools);
        pools.forEach((name, pool) -> {
            PoolSettings.require(
                    NAME.matcher(name).matches(),
                    "isoflop.pools." + name,
                    "is no name of a pool with a provider: a-z, 0-9, '.', '_' and '-', at most 32 characters");
            pool.check(prefix(name));
        });
    }

    /** Of a pool's properties. */
    static String prefix(String name) {
        return "isoflop.pools." + name;
    }

    Map<String, PoolSettings> byName() {
        return pools == null ? Map.of() : pools;
    }

    /**
     * @param interval between two looks
     * @param settle how long a request whose answer was lost may take to show up in the provider's list
     * @param patience how long a run may stay in the queue although runners have free slots, before they are taken for full
     * @param backoff wait after a provider's first failure; doubles with each
     * @param backoffMax longest such wait
     */
    record Scaling(
            @DefaultValue("5s") Duration interval,
            @DefaultValue("60s") Duration settle,
            @DefaultValue("20s") Duration patience,
            @DefaultValue("10s") Duration backoff,
            @DefaultValue("5m") Duration backoffMax) {

        Scaling {
            PoolSettings.require(
                    interval.isPositive(), "isoflop.scaling.interval", "must be positive, was " + interval);
            PoolSettings.require(
                    backoff.isPositive() && backoffMax.compareTo(backoff) >= 0,
                    "isoflop.scaling.backoff",
                    "must be positive and at most backoff-max, was " + backoff);
        }
    }
}
