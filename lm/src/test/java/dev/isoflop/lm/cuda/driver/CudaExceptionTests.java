package dev.isoflop.lm.cuda.driver;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class CudaExceptionTests {

    @Test
    void anIllegalAddressEndsTheContextAndNamesTheOperation() {
        CudaException failure = new CudaException(700, "launch of adamw");
        assertThat(failure).hasMessage("launch of adamw: CUDA_ERROR_ILLEGAL_ADDRESS (700); the GPU context is lost");
        assertThat(failure.isSticky()).isTrue();
        assertThat(failure.isOutOfMemory()).isFalse();
    }

    @Test
    void runningOutOfMemoryDoesNot() {
        CudaException failure = new CudaException(2, "allocation");
        assertThat(failure.name()).isEqualTo("CUDA_ERROR_OUT_OF_MEMORY");
        assertThat(failure.isSticky()).isFalse();
        assertThat(failure.isOutOfMemory()).isTrue();
    }

    @Test
    void withoutADriverThereAreNoDevicesAndAReason() {
        assertThat(CudaDevices.count()).isNotNegative();
        assertThat(CudaDevices.reason().isEmpty()).isEqualTo(CudaDevices.count() > 0);
    }
}
