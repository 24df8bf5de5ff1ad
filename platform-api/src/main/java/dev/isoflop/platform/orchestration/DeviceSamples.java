package dev.isoflop.platform.orchestration;

import dev.isoflop.protocol.runner.DeviceSample;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;
import tools.jackson.databind.json.JsonMapper;

/**
 * What heartbeats say of accelerators. Nothing in it is a reason to refuse a heartbeat, on which leases hang: what cannot
 * be is left out.
 */
@Component
class DeviceSamples {

    private static final double MAX_PERCENT = 100;
    private static final double MAX_WATTS = 100_000;
    private static final double MAX_CELSIUS = 1_000;

    private final JsonMapper json;

    DeviceSamples(JsonMapper json) {
        this.json = json;
    }

    /** The samples as they are stored, one of each device; null if there are none. */
    @Nullable
    String stored(List<DeviceSample> samples) {
        Map<Integer, DeviceSample> byDevice = new LinkedHashMap<>();
        for (DeviceSample sample : samples) {
            if (sample.index() >= 0 && sample.index() <= Runners.MAX_DEVICE) {
                byDevice.put(sample.index(), plausible(sample));
            }
        }
        return byDevice.isEmpty() ? null : json.writeValueAsString(byDevice.values());
    }

    private static DeviceSample plausible(DeviceSample s) {
        Long used = s.memoryUsedBytes();
        Integer clock = s.smClockMhz();
        return new DeviceSample(
                s.index(),
                between(s.utilisationPercent(), 0, MAX_PERCENT),
                used != null && used >= 0 ? used : null,
                between(s.powerWatts(), 0, MAX_WATTS),
                between(s.temperatureCelsius(), -MAX_CELSIUS, MAX_CELSIUS),
                clock != null && clock >= 0 ? clock : null);
    }

    private static @Nullable Double between(@Nullable Double value, double low, double high) {
        return value != null && value >= low && value <= high ? value : null;
    }
}
