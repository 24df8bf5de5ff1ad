package dev.isoflop.platform.orchestration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.isoflop.db.runner.DeviceSampleStore;
import dev.isoflop.db.testing.DatabaseTest;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.protocol.api.MetricViews.DeviceSeries;
import dev.isoflop.protocol.runner.DeviceSample;
import dev.isoflop.protocol.runner.Heartbeat;
import dev.isoflop.protocol.runner.RegisterRunner;
import dev.isoflop.protocol.runner.RegisterRunner.Device;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@DatabaseTest
class DeviceTests {

    private static final Instant ALWAYS = Instant.parse("2100-01-01T00:00:00Z");
    private static final Instant NEVER = Instant.parse("2000-01-01T00:00:00Z");
    private static final Duration HEARTBEAT = Duration.ofSeconds(10);

    private final Orchestra on = Orchestra.get();
    private final DeviceSampleStore store = on.context.getBean(DeviceSampleStore.class);
    private final String name = "gpu-" + UUID.randomUUID();
    private long runner;

    private static Device device(int index) {
        return new Device(index, "Fake GPU", 80L << 30, "0000:0" + index + ":00.0", 132, "9.0", "13.0");
    }

    private RegisterRunner registration(String instance, Device... devices) {
        return new RegisterRunner(
                name,
                instance,
                Orchestra.newPool(),
                "host",
                1,
                "test",
                4,
                2,
                1L << 30,
                List.of(devices),
                List.of("data"));
    }

    private static DeviceSample sample(int index, double percent) {
        return new DeviceSample(index, percent, 1L << 30, 300.5, 40.0, 1_500);
    }

    private void heartbeat(String instance, DeviceSample... samples) {
        on.api.heartbeat(runner, new Heartbeat(instance, 1, List.of(), Arrays.asList(samples)));
    }

    private DeviceSeries all(int device) {
        return store.series(runner, device, NEVER, ALWAYS, Integer.MAX_VALUE, HEARTBEAT);
    }

    private String latest() {
        return on.jdbc
                .sql("select device_samples::text from runner where id = ?")
                .param(runner)
                .query(String.class)
                .single();
    }

    @BeforeEach
    void register() {
        runner = on.api.register(registration("i", device(0), device(1))).runnerId();
    }

    @Test
    void samplesOfAHeartbeatAreTheLatestAndTheNewestOfTheHistory() {
        heartbeat("i", sample(0, 12.25), sample(1, 99));
        heartbeat("i", sample(0, 50), new DeviceSample(1, null, null, null, null, null));
        assertThat(all(0)).satisfies(s -> {
            assertThat(s.bucketSeconds()).isZero();
            assertThat(s.utilisationPercent()).containsExactly(12.25, 50);
            assertThat(s.memoryUsedBytes()).containsExactly(1L << 30, 1L << 30);
            assertThat(s.powerWatts()).containsExactly(300.5, 300.5);
            assertThat(s.temperatureCelsius()).containsExactly(40, 40);
            assertThat(s.smClockMhz()).containsExactly(1_500, 1_500);
        });
        assertThat(all(1).utilisationPercent()).as("unknown is a gap").containsExactly(99, Double.NaN);
        assertThat(latest()).contains("\"utilisationPercent\": 50").doesNotContain("99");
    }

    @Test
    void aHeartbeatWithoutSamplesLeavesWhatIsKnown() {
        heartbeat("i", sample(0, 12));
        String before = latest();
        heartbeat("i");
        assertThat(latest()).isEqualTo(before);
        assertThat(all(0).times()).hasSize(1);
    }

    @Test
    void whatCannotBeIsLeftOutAndTheHeartbeatTaken() {
        heartbeat(
                "i",
                new DeviceSample(0, 1e300, -1L, Double.MAX_VALUE, 1e200, -5),
                sample(-1, 1),
                sample(70_000, 1),
                sample(7, 1),
                sample(1, 3),
                sample(1, 4));
        assertThat(all(0).utilisationPercent()).containsExactly(Double.NaN);
        assertThat(all(1).utilisationPercent()).containsExactly(4);
        assertThat(all(7).times()).as("a device that is not registered").isEmpty();
    }

    @Test
    void aReplacedProcessSamplesNothing() {
        heartbeat("i", sample(0, 12));
        on.api.register(registration("j", device(0)));
        assertThat(latest())
                .as("what the old process saw says nothing of the new one")
                .isEqualTo("[]");
        heartbeat("i", sample(0, 77));
        heartbeat("j", sample(0, 13), sample(1, 14));
        assertThat(all(0).utilisationPercent()).containsExactly(12, 13);
        assertThat(all(1).times()).as("the new process has one device").isEmpty();
    }

    @Test
    void devicesNeedNamesAndNumbersOfTheirOwn() {
        assertThatThrownBy(() -> on.api.register(registration("i", device(0), device(0))))
                .isInstanceOf(ProblemException.class);
        assertThatThrownBy(() -> on.api.register(registration("i", device(-1)))).isInstanceOf(ProblemException.class);
        assertThatThrownBy(() -> on.api.register(registration("i", new Device(0, " ", 1, null, null, null, null))))
                .isInstanceOf(ProblemException.class);
    }

    @Test
    void aLongTimeIsAnsweredInBucketsOfMeansAndPeaks() {
        // an hour of heartbeats, busy in its second half
        on.jdbc.sql("""
                        insert into runner_device_sample
                            (runner_id, device, at, utilisation, memory_used, power, temperature, sm_clock)
                        select :runner, 0, '2026-01-01T00:00:00Z'::timestamptz + i * interval '10 s',
                               case when i < 180 then 0 else i % 2 * 100 end, i, 100, i % 60, 1000
                          from generate_series(0, 359) i
                        """).param("runner", runner).update();
        Instant from = Instant.parse("2026-01-01T00:00:00Z");
        DeviceSeries whole = store.series(runner, 0, from, from.plusSeconds(3_600), 360, HEARTBEAT);
        assertThat(whole.bucketSeconds()).isZero();
        assertThat(whole.times()).hasSize(360).isSorted();
        DeviceSeries coarse = store.series(runner, 0, from, from.plusSeconds(3_600), 6, HEARTBEAT);
        assertThat(coarse.bucketSeconds()).isEqualTo(600);
        assertThat(coarse.utilisationPercent()).containsExactly(0, 0, 0, 50, 50, 50);
        assertThat(coarse.memoryUsedBytes()).containsExactly(59, 119, 179, 239, 299, 359);
        assertThat(coarse.temperatureCelsius()).containsOnly(59);
        assertThat(coarse.times()[0]).isEqualTo(from.plusSeconds(590).toEpochMilli());
        DeviceSeries moved = store.series(runner, 0, from.plusSeconds(20), from.plusSeconds(3_620), 6, HEARTBEAT);
        assertThat(Arrays.copyOfRange(moved.utilisationPercent(), 1, 6))
                .as("buckets stay where they are while the time moves on")
                .isEqualTo(Arrays.copyOfRange(coarse.utilisationPercent(), 1, 6));
    }

    @Test
    void theReaperForgetsWhatIsOlderThanADay() {
        heartbeat("i", sample(0, 12));
        on.jdbc
                .sql("update runner_device_sample set at = at - interval '25 h' where runner_id = ?")
                .param(runner)
                .update();
        heartbeat("i", sample(0, 13));
        on.newReaper().look(System.nanoTime());
        assertThat(all(0).utilisationPercent()).containsExactly(13);
    }
}
