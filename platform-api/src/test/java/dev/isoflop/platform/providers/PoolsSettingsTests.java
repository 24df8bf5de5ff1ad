package dev.isoflop.platform.providers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;
import org.springframework.util.unit.DataSize;

class PoolsSettingsTests {

    private static PoolsSettings bind(Map<String, String> properties) {
        return new Binder(new MapConfigurationPropertySource(properties)).bindOrCreate("isoflop", PoolsSettings.class);
    }

    @Test
    void aPoolIsReadWithWhatItDoesNotSay() {
        PoolSettings pool = bind(Map.of(
                        "isoflop.pools.gpu.provider", "slurm",
                        "isoflop.pools.gpu.max-runners", "4",
                        "isoflop.pools.gpu.gpus", "2",
                        "isoflop.pools.gpu.memory", "16GB",
                        "isoflop.pools.gpu.time-limit", "4h",
                        "isoflop.pools.gpu.sbatch-options[0]", "--qos=low,night"))
                .byName()
                .get("gpu");
        assertThat(pool).isNotNull();
        assertThat(pool.maxRunners()).isEqualTo(4);
        assertThat(pool.memory()).isEqualTo(DataSize.ofGigabytes(16));
        assertThat(pool.timeLimit()).isEqualTo(Duration.ofHours(4));
        assertThat(pool.sbatchOptions()).containsExactly("--qos=low,night");
        assertThat(pool.idleSeconds()).isEqualTo(300);
    }

    @Test
    void withoutPoolsThereAreNone() {
        assertThat(bind(Map.of()).byName()).isEmpty();
    }

    @Test
    void aFaultNamesItsProperty() {
        assertThatThrownBy(() -> bind(Map.of("isoflop.pools.a.max-runners", "2")))
                .rootCause()
                .hasMessageContaining("isoflop.pools.a.provider");
        assertThatThrownBy(() -> bind(Map.of("isoflop.pools.a.provider", "local", "isoflop.pools.a.cpus", "0")))
                .rootCause()
                .hasMessage("isoflop.pools.a.cpus must be at least 1, was 0");
        assertThatThrownBy(() -> bind(Map.of(
                        "isoflop.pools.a.provider", "slurm",
                        "isoflop.pools.a.time-limit", "1m",
                        "isoflop.pools.a.signal-before", "90s")))
                .rootCause()
                .hasMessageContaining("isoflop.pools.a.signal-before");
        assertThatThrownBy(() -> bind(Map.of("isoflop.pools.[A b].provider", "local")))
                .rootCause()
                .hasMessageContaining("isoflop.pools.A b");
    }
}
