package dev.isoflop.runner.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.isoflop.lm.cuda.driver.Nvml;
import dev.isoflop.protocol.runner.DeviceSample;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
class DeviceMonitorTests {

    private static final Duration PERIOD = Duration.ofMillis(2);

    private static void await(BooleanSupplier condition) throws InterruptedException {
        while (!condition.getAsBoolean()) {
            Thread.sleep(2);
        }
    }

    private static DeviceMonitor start(String choice, DeviceProbe probe) {
        return DeviceMonitor.start(GpuChoice.parse(choice), probe, PERIOD);
    }

    @Test
    void withoutADeviceNothingIsReadAndNoThreadStarted() {
        FakeProbe probe = new FakeProbe(0, "no driver");
        long before = threads();
        try (DeviceMonitor monitor = start("all", probe)) {
            assertThat(monitor.devices()).isEmpty();
            assertThat(monitor.samples()).isEmpty();
            // one of a monitor that another test has closed may end meanwhile
            assertThat(threads()).isLessThanOrEqualTo(before);
        }
    }

    private static long threads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(t -> t.getName().equals("devices"))
                .count();
    }

    @Test
    void whoeverOffersNoneDoesNotStartCuda() {
        FakeProbe probe = new FakeProbe(2, "");
        try (DeviceMonitor monitor = start("none", probe)) {
            assertThat(monitor.devices()).isEmpty();
            assertThat(probe.asked).hasValue(0);
        }
    }

    @Test
    void utilisationAndPowerAreMeansOfWhatCameSinceTheLastSample() throws Exception {
        FakeProbe probe = new FakeProbe(1, "");
        probe.shown.put(0, new Nvml.Reading(0, 1L << 30, 80L << 30, 100, 40, 1_500));
        try (DeviceMonitor monitor = start("all", probe)) {
            await(() -> probe.readings.get() >= 20);
            probe.shown.put(0, new Nvml.Reading(100, 3L << 30, 80L << 30, 700, 71, 1_980));
            int then = probe.readings.get();
            await(() -> probe.readings.get() >= 2 * then);
            DeviceSample mixed = monitor.samples().getFirst();
            assertThat(mixed.utilisationPercent()).isCloseTo(50, within(15.0));
            assertThat(mixed.powerWatts()).isCloseTo(400, within(90.0));
            assertThat(mixed.memoryUsedBytes()).as("the last reading").isEqualTo(3L << 30);
            assertThat(mixed.temperatureCelsius()).isEqualTo(71);
            assertThat(mixed.smClockMhz()).isEqualTo(1_980);
            int after = probe.readings.get();
            await(() -> probe.readings.get() >= after + 3);
            assertThat(monitor.samples().getFirst().utilisationPercent()).isEqualTo(100);
        }
    }

    @Test
    void whatADeviceDoesNotTellIsAbsent() throws Exception {
        FakeProbe probe = new FakeProbe(1, "");
        probe.shown.put(0, new Nvml.Reading(Double.NaN, -1, -1, Double.NaN, Double.NaN, -1));
        try (DeviceMonitor monitor = start("all", probe)) {
            await(() -> probe.readings.get() >= 2);
            assertThat(monitor.samples()).containsExactly(new DeviceSample(0, null, null, null, null, null));
        }
    }

    @Test
    void aDeviceThatCannotBeReadIsLeftOutAndComesBack() throws Exception {
        FakeProbe probe = new FakeProbe(2, "");
        Nvml.Reading lost = probe.shown.remove(0);
        try (DeviceMonitor monitor = start("all", probe)) {
            await(() -> probe.readings.get() >= 6);
            assertThat(monitor.samples()).extracting(DeviceSample::index).containsExactly(1);
            probe.shown.put(0, lost);
            int then = probe.readings.get();
            await(() -> probe.readings.get() >= then + 6);
            assertThat(monitor.samples()).extracting(DeviceSample::index).containsExactly(0, 1);
        }
        await(() -> probe.closed.size() == 2);
    }

    @Test
    void aDriverThatHangsHoldsUpNobody() throws Exception {
        CountDownLatch hanging = new CountDownLatch(1);
        CountDownLatch never = new CountDownLatch(1);
        DeviceProbe probe = new DeviceProbe() {
            @Override
            public Found find() {
                return new Found(List.of(FakeProbe.device(0)), "");
            }

            @Override
            public Gauge gauge(dev.isoflop.protocol.runner.RegisterRunner.Device device) {
                return new Gauge() {
                    @Override
                    public Nvml.Reading read() {
                        hanging.countDown();
                        boolean interrupted = false;
                        while (true) { // a native call does not hear an interrupt
                            try {
                                never.await();
                                if (interrupted) {
                                    Thread.currentThread().interrupt();
                                }
                                throw new IllegalStateException("let go");
                            } catch (InterruptedException e) {
                                interrupted = true;
                            }
                        }
                    }

                    @Override
                    public void close() {}
                };
            }
        };
        try (DeviceMonitor monitor = start("all", probe)) {
            hanging.await();
            assertThat(monitor.samples()).isEmpty();
        } finally {
            never.countDown();
        }
    }
}
