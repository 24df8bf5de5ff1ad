package dev.isoflop.protocol.runner;

import com.fasterxml.jackson.annotation.JsonInclude;
import org.jspecify.annotations.Nullable;

/**
 * What a device did since the heartbeat before. What it does not tell is absent.
 *
 * @param index of the device, as registered
 * @param utilisationPercent share of the time in which some kernel ran, mean, 0 to 100
 * @param memoryUsedBytes by all processes and the driver, at the last reading
 * @param powerWatts of the whole board, mean
 * @param temperatureCelsius of the chip, at the last reading
 * @param smClockMhz of the multiprocessors, at the last reading
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record DeviceSample(
        int index,
        @Nullable Double utilisationPercent,
        @Nullable Long memoryUsedBytes,
        @Nullable Double powerWatts,
        @Nullable Double temperatureCelsius,
        @Nullable Integer smClockMhz) {}
