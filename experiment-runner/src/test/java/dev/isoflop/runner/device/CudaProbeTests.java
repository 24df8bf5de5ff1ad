package dev.isoflop.runner.device;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.lm.cuda.driver.CudaDevices;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

class CudaProbeTests {

    @Test
    void withoutAGpuItFindsNoneAndSaysWhy() {
        Assumptions.assumeTrue(CudaDevices.count() == 0, "this machine has a GPU");
        DeviceProbe.Found found = new CudaProbe().find();
        assertThat(found.devices()).isEmpty();
        assertThat(found.reason()).isNotBlank();
    }

    @Test
    void theDriversVersionIsWrittenAsPeopleWriteIt() {
        assertThat(CudaProbe.version(13_000)).isEqualTo("13.0");
        assertThat(CudaProbe.version(12_060)).isEqualTo("12.6");
    }
}
