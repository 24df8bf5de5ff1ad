package dev.isoflop.platform.schedules;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * How schedules are kept.
 *
 * @param interval how often fires become sweeps, and the schedules are looked at
 * @param grace how late a fire may be before it counts as one that did not happen, and how long nobody may look before that
 *     counts as a time in which no platform was up
 */
@ConfigurationProperties("isoflop.schedules")
record ScheduleSettings(
        @DefaultValue("1s") Duration interval,
        @DefaultValue("60s") Duration grace) {

    ScheduleSettings {
        if (!interval.isPositive() || grace.compareTo(Duration.ofSeconds(3)) < 0) {
            throw new IllegalArgumentException(
                    "isoflop.schedules: interval must be positive and grace at least 3 seconds");
        }
    }

    /** How late Quartz itself may be; well before the grace is over, so that the two never take turns. */
    Duration quartzMisfire() {
        return grace.dividedBy(3);
    }
}
