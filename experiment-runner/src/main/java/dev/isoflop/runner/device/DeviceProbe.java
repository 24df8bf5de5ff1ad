package dev.isoflop.runner.device;

import dev.isoflop.lm.cuda.driver.Nvml;
import dev.isoflop.protocol.runner.RegisterRunner.Device;
import java.util.List;

/** Where devices are found and read: the machine's, or a test's. */
public interface DeviceProbe {

    /**
     * @param devices those that can be used, in the order of their numbers
     * @param reason why there are none, or fewer than the machine has; empty if all of its devices are there
     */
    record Found(List<Device> devices, String reason) {

        public Found {
            devices = List.copyOf(devices);
        }
    }

    /** Looks for devices; one that cannot be used is left out. Never throws for want of a GPU or its driver. */
    Found find();

    /**
     * Opens a device's gauge.
     *
     * @throws RuntimeException if the device does not let itself be read
     */
    Gauge gauge(Device device);

    /** What one device is doing. Used by one thread. */
    interface Gauge extends AutoCloseable {

        /** @throws RuntimeException if it could not be read this time */
        Nvml.Reading read();

        @Override
        void close();
    }
}
