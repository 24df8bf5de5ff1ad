package dev.isoflop.runner.device;

import dev.isoflop.lm.cuda.driver.CudaDevice;
import dev.isoflop.lm.cuda.driver.CudaDevices;
import dev.isoflop.lm.cuda.driver.CudaException;
import dev.isoflop.lm.cuda.driver.Nvml;
import dev.isoflop.protocol.runner.RegisterRunner.Device;
import java.util.ArrayList;
import java.util.List;
import java.util.StringJoiner;

/** The GPUs that CUDA sees, read through NVML. The first question starts CUDA. */
public final class CudaProbe implements DeviceProbe {

    /**
     * Opens each device once and gives it back at once: an open device holds some hundred megabytes of its memory, and what
     * trains later opens it for itself.
     */
    @Override
    public Found find() {
        int count = CudaDevices.count();
        if (count == 0) {
            return new Found(List.of(), CudaDevices.reason());
        }
        List<Device> devices = new ArrayList<>(count);
        StringJoiner unusable = new StringJoiner("; ");
        for (int i = 0; i < count; i++) {
            try (CudaDevice device = CudaDevice.open(i)) {
                devices.add(new Device(
                        i,
                        device.name(),
                        device.totalBytes(),
                        device.pciBusId(),
                        device.multiprocessors(),
                        device.capability().toString(),
                        version(CudaDevices.driverVersion())));
            } catch (CudaException e) {
                unusable.add("GPU " + i + " cannot be used: " + e.getMessage());
            }
        }
        return new Found(devices, unusable.toString());
    }

    /** 13.0 of 13000. */
    static String version(int driverVersion) {
        return driverVersion / 1000 + "." + driverVersion % 1000 / 10;
    }

    @Override
    public Gauge gauge(Device device) {
        String busId = device.pciBusId();
        if (busId == null) {
            throw new IllegalArgumentException("GPU " + device.index() + " has no bus id");
        }
        Nvml nvml = Nvml.byBusId(busId);
        return new Gauge() {
            @Override
            public Nvml.Reading read() {
                return nvml.read();
            }

            @Override
            public void close() {
                nvml.close();
            }
        };
    }
}
