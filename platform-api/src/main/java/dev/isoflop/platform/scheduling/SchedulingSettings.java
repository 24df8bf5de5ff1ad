package dev.isoflop.platform.scheduling;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * @param halfLife after which device time that was spent counts half in the fair share
 * @param preemption whether running work is asked to checkpoint and stop for work of a higher priority
 * @param patience how long a run has to have waited before room is made for it
 * @param deadline how long work that is asked to stop may take to checkpoint, after which it is stopped as it is
 * @param interval how often the queue is looked at for runs that need room
 * @param runnersHeard silence after which a runner is not counted on
 */
@ConfigurationProperties("isoflop.scheduling")
public record SchedulingSettings(
        @DefaultValue("7d") Duration halfLife,
        @DefaultValue("true") boolean preemption,
        @DefaultValue("30s") Duration patience,
        @DefaultValue("2m") Duration deadline,
        @DefaultValue("2s") Duration interval,
        @DefaultValue("30s") Duration runnersHeard) {

    public SchedulingSettings {
        if (!halfLife.isPositive() || !deadline.isPositive() || !interval.isPositive() || !runnersHeard.isPositive()) {
            throw new IllegalArgumentException(
                    "isoflop.scheduling: half-life, deadline, interval and runners-heard must be positive");
        }
        if (patience.isNegative()) {
            throw new IllegalArgumentException("isoflop.scheduling.patience must not be negative");
        }
    }
}
