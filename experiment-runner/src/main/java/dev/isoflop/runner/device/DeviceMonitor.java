package dev.isoflop.runner.device;

import dev.isoflop.lm.cuda.driver.Nvml;
import dev.isoflop.protocol.runner.DeviceSample;
import dev.isoflop.protocol.runner.RegisterRunner.Device;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The devices a runner offers and what they do, read every second or so: NVML's own period is at most a second, and one
 * reading a heartbeat would show a GPU that waits for data half of the time as idle or as busy, by luck.
 *
 * <p>Concurrency: a thread of its own reads; any thread may ask. A driver that hangs holds up that thread alone, never a
 * heartbeat, which then goes without samples. Without devices there is no thread.
 *
 * <p>Crash: nothing is kept; readings since the last heartbeat are lost with the process.
 */
public final class DeviceMonitor implements AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(DeviceMonitor.class);

    private final List<Device> devices;
    private final List<Watched> watched;
    private final @Nullable Thread thread;
    private volatile boolean closed;

    private DeviceMonitor(List<Device> devices, DeviceProbe probe, Duration period) {
        this.devices = devices;
        this.watched = devices.stream().map(Watched::new).toList();
        this.thread = devices.isEmpty()
                ? null
                : Thread.ofPlatform().name("devices").daemon().start(() -> watch(probe, period));
    }

    /**
     * Finds the chosen devices and begins to read them.
     *
     * @param period between two readings
     * @throws IllegalArgumentException if one that was named is not there
     */
    public static DeviceMonitor start(GpuChoice choice, DeviceProbe probe, Duration period) {
        DeviceProbe.Found found =
                choice instanceof GpuChoice.None ? new DeviceProbe.Found(List.of(), "") : probe.find();
        List<Device> chosen = choice.choose(found);
        if (!found.devices().isEmpty() && !found.reason().isEmpty()) {
            log.warn("{}", found.reason());
        } else if (!found.reason().isEmpty()) {
            // the reason lists every place a driver was looked for, which is of no interest where none is expected
            log.info("no GPU is offered; --gpus 0 says why there is none");
        }
        chosen.forEach(d ->
                log.info("offers GPU {}: {} ({}, {} MiB)", d.index(), d.name(), d.pciBusId(), d.memoryBytes() >> 20));
        return new DeviceMonitor(chosen, probe, period);
    }

    /** Those offered, the same as long as the process lives. */
    public List<Device> devices() {
        return devices;
    }

    /** What each did since this was asked last; a device that was not read since is left out. */
    public List<DeviceSample> samples() {
        return watched.stream().map(Watched::take).filter(Objects::nonNull).toList();
    }

    @Override
    public void close() {
        closed = true;
        if (thread != null) {
            thread.interrupt(); // it closes the gauges: one that hangs must not hold up the end of the process
        }
    }

    private void watch(DeviceProbe probe, Duration period) {
        try {
            watched.forEach(one -> one.open(probe));
            while (!closed) {
                watched.forEach(Watched::read);
                Thread.sleep(period);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            watched.forEach(Watched::close);
        }
    }

    /** A device with what was read of it since the last sample. The gauge is the reading thread's alone. */
    private static final class Watched {

        private final Device device;
        private DeviceProbe.@Nullable Gauge gauge;
        private boolean complained;
        private final Mean utilisation = new Mean();
        private final Mean power = new Mean();
        private Nvml.@Nullable Reading last;

        Watched(Device device) {
            this.device = device;
        }

        void open(DeviceProbe probe) {
            try {
                gauge = probe.gauge(device);
            } catch (RuntimeException e) {
                log.warn("GPU {} cannot be watched: {}", device.index(), e.getMessage());
            }
        }

        void read() {
            if (gauge == null) {
                return;
            }
            try {
                Nvml.Reading reading = gauge.read();
                synchronized (this) {
                    last = reading;
                    utilisation.add(reading.utilisationPercent());
                    power.add(reading.powerWatts());
                }
                complained = false;
            } catch (RuntimeException e) {
                if (!complained) {
                    log.warn("GPU {} could not be read: {}", device.index(), e.getMessage());
                    complained = true; // once, not every second of an outage
                }
            }
        }

        synchronized @Nullable DeviceSample take() {
            Nvml.Reading reading = last;
            if (reading == null) {
                return null;
            }
            last = null;
            return new DeviceSample(
                    device.index(),
                    utilisation.take(),
                    reading.memoryUsedBytes() < 0 ? null : reading.memoryUsedBytes(),
                    power.take(),
                    Double.isFinite(reading.temperatureCelsius()) ? reading.temperatureCelsius() : null,
                    reading.smClockMhz() < 0 ? null : reading.smClockMhz());
        }

        void close() {
            if (gauge != null) {
                try {
                    gauge.close();
                } catch (RuntimeException e) {
                    log.debug("GPU {} could not be let go", device.index(), e);
                }
            }
        }
    }

    /** Of what is known since it was taken last. */
    private static final class Mean {
        private double sum;
        private int count;

        void add(double value) {
            if (Double.isFinite(value)) {
                sum += value;
                count++;
            }
        }

        @Nullable
        Double take() {
            // to two places: the readings have no more
            Double mean = count == 0 ? null : Math.round(100 * sum / count) / 100.0;
            sum = 0;
            count = 0;
            return mean;
        }
    }
}
