package dev.isoflop.runner.device;

import dev.isoflop.lm.cuda.driver.Nvml;
import dev.isoflop.protocol.runner.RegisterRunner.Device;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/** A machine with as many GPUs as wanted, that show what they are told to. */
public final class FakeProbe implements DeviceProbe {

    /** What a device shows; a missing one throws. */
    public final Map<Integer, Nvml.Reading> shown = new ConcurrentHashMap<>();

    public final List<Integer> closed = new CopyOnWriteArrayList<>();
    public final AtomicInteger asked = new AtomicInteger();
    public final AtomicInteger readings = new AtomicInteger();
    private final List<Device> devices = new ArrayList<>();
    private final String reason;

    public FakeProbe(int count, String reason) {
        this.reason = reason;
        for (int i = 0; i < count; i++) {
            devices.add(device(i));
            shown.put(i, new Nvml.Reading(50, 1L << 30, 80L << 30, 300, 40, 1_500));
        }
    }

    public static Device device(int index) {
        return new Device(index, "Fake GPU", 80L << 30, "0000:0" + index + ":00.0", 132, "9.0", "13.0");
    }

    @Override
    public Found find() {
        asked.incrementAndGet();
        return new Found(devices, reason);
    }

    @Override
    public Gauge gauge(Device device) {
        return new Gauge() {
            @Override
            public Nvml.Reading read() {
                readings.incrementAndGet();
                Nvml.Reading reading = shown.get(device.index());
                if (reading == null) {
                    throw new IllegalStateException("the GPU has fallen off the bus");
                }
                return reading;
            }

            @Override
            public void close() {
                closed.add(device.index());
            }
        };
    }
}
