package dev.isoflop.platform.orchestration;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * How long silence is borne.
 *
 * @param heartbeat how often a runner reports
 * @param suspect silence after which its runs are suspect: nothing is relaunched yet
 * @param ttl silence after which its runs are lost, and how long the platform itself must have been listening before it
 *     judges anybody
 * @param reaperInterval how often leases are looked at
 * @param backoff wait before the first retry after an infrastructure failure; doubles with each, with jitter
 * @param backoffMax longest such wait
 */
@ConfigurationProperties("isoflop.lease")
public record LeaseSettings(
        @DefaultValue("10s") Duration heartbeat,
        @DefaultValue("20s") Duration suspect,
        @DefaultValue("60s") Duration ttl,
        @DefaultValue("2s") Duration reaperInterval,
        @DefaultValue("5s") Duration backoff,
        @DefaultValue("5m") Duration backoffMax) {

    public LeaseSettings {
        if (heartbeat.compareTo(suspect) >= 0 || suspect.compareTo(ttl) >= 0) {
            throw new IllegalArgumentException("isoflop.lease: heartbeat (%s) < suspect (%s) < ttl (%s) must hold"
                    .formatted(heartbeat, suspect, ttl));
        }
        if (!reaperInterval.isPositive() || backoff.isNegative() || backoffMax.compareTo(backoff) < 0) {
            throw new IllegalArgumentException(
                    "isoflop.lease: reaper-interval must be positive, backoff <= backoff-max");
        }
    }

    /** Whole seconds, at least one, as the protocol carries them. */
    static int seconds(Duration duration) {
        return (int) Math.max(1, duration.toSeconds());
    }
}
