package dev.isoflop.lm.cuda.driver;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.lm.cuda.Gpu;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Ruins the GPU context of its process, so it only runs in one of its own: {@code -Disoflop.test.sticky=true}. */
@Tag("gpu")
class StickyErrorGpuTests {

    @Test
    void anIllegalAddressIsReportedAsTheEndOfTheContext() {
        Assumptions.assumeTrue(Boolean.getBoolean("isoflop.test.sticky"), "needs a process of its own");
        CudaDevice device = Gpu.require();
        CudaStream stream = CudaStream.create(device);
        Kernel bad = Gpu.testKernels(device, Map.of()).function("bad_address");
        CudaException failure = null;
        try {
            bad.launch(stream, 1, 1, 1, 1, 0, new Args().address(0));
            stream.synchronize();
        } catch (CudaException e) {
            failure = e;
        }
        assertThat(failure).isNotNull();
        System.out.println(failure.getMessage());
        assertThat(failure.isSticky()).isTrue();
        if (Kernel.BLOCKING) {
            assertThat(failure.operation()).isEqualTo("run of bad_address");
        }
    }
}
