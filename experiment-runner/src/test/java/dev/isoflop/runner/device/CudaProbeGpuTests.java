package dev.isoflop.runner.device;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.lm.cuda.driver.CudaDevices;
import dev.isoflop.protocol.runner.DeviceSample;
import dev.isoflop.protocol.runner.RegisterRunner.Device;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Tag("gpu")
class CudaProbeGpuTests {

    @Test
    @Timeout(60)
    void everyGpuDescribesItselfAndShowsWhatItDoes() throws Exception {
        Assumptions.assumeTrue(CudaDevices.count() > 0, () -> "no GPU: " + CudaDevices.reason());
        CudaProbe probe = new CudaProbe();
        long begun = System.nanoTime();
        DeviceProbe.Found found = probe.find();
        System.out.printf("figure device-probe %.0f ms%n", (System.nanoTime() - begun) / 1e6);
        assertThat(found.reason()).isEmpty();
        assertThat(found.devices()).hasSize(CudaDevices.count());
        assertThat(probe.find()).as("looking leaves nothing behind").isEqualTo(found);
        for (Device device : found.devices()) {
            System.out.println(device);
            assertThat(device.name()).isNotBlank();
            assertThat(device.memoryBytes()).isGreaterThan(1L << 30);
            assertThat(device.multiprocessors()).isPositive();
            assertThat(device.computeCapability()).matches("\\d+\\.\\d");
            assertThat(device.cudaVersion()).matches("\\d+\\.\\d");
        }
        try (DeviceMonitor monitor = DeviceMonitor.start(new GpuChoice.All(), probe, Duration.ofMillis(100))) {
            List<DeviceSample> samples = List.of();
            while (samples.size() < found.devices().size()) {
                Thread.sleep(300);
                samples = monitor.samples();
            }
            for (DeviceSample sample : samples) {
                System.out.println(sample);
                assertThat(sample.utilisationPercent()).isBetween(0.0, 100.0);
                assertThat(sample.memoryUsedBytes())
                        .isBetween(0L, found.devices().get(sample.index()).memoryBytes() * 2);
                assertThat(sample.powerWatts()).isBetween(1.0, 2_000.0);
                assertThat(sample.temperatureCelsius()).isBetween(1.0, 120.0);
                assertThat(sample.smClockMhz()).isBetween(1, 5_000);
            }
        }
    }
}
