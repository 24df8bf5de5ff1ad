package dev.isoflop.lm.cuda.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DevicePeaksTests {

    @ParameterizedTest
    @CsvSource({
        "NVIDIA H100 80GB HBM3, BF16, 989.4e12, 3.35e12",
        "NVIDIA H100 80GB HBM3, FP32, 66.9e12, 3.35e12",
        "NVIDIA H100 PCIe, BF16, 756e12, 2e12",
        "NVIDIA H200, BF16, 989.4e12, 4.8e12",
        "NVIDIA A100-SXM4-80GB, FP32, 19.5e12, 2.039e12",
        "A100-SXM4-40GB, BF16, 312e12, 1.555e12",
        "NVIDIA GeForce RTX 3090, BF16, 71e12, 0.936e12",
    })
    void aKnownCardHasTheFiguresOfItsDataSheet(String name, Precision precision, double flops, double bandwidth) {
        DevicePeaks peaks = DevicePeaks.of(name, precision).orElseThrow();
        assertThat(peaks.flops()).isCloseTo(flops, withinPercentage(1e-9));
        assertThat(peaks.bytesPerSecond()).isCloseTo(bandwidth, withinPercentage(1e-9));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "NVIDIA H100 80GB HBM3 MIG 1g.10gb",
                "NVIDIA A10G",
                "NVIDIA L40",
                "NVIDIA GeForce RTX 4090 Laptop GPU",
                "NVIDIA GeForce RTX 3090 Ti",
                "",
            })
    void aCardThatOnlySoundsLikeAKnownOneHasNone(String name) {
        assertThat(DevicePeaks.of(name, Precision.BF16)).isEmpty();
    }

    @Test
    void noCardDoesLessInBf16ThanInFp32() {
        for (String name : new String[] {"B200", "H200 NVL", "H100 NVL", "A10", "L4", "L40S", "GeForce RTX 4090"}) {
            assertThat(DevicePeaks.of(name, Precision.BF16).orElseThrow().flops())
                    .isGreaterThan(
                            DevicePeaks.of(name, Precision.FP32).orElseThrow().flops());
        }
    }
}
