package dev.isoflop.lm.cuda.engine;

import java.util.Map;
import java.util.Optional;

/**
 * What a device's maker promises of it: the denominator of model FLOPs utilisation, and the two lines of a roofline.
 *
 * <p>The figures are those of NVIDIA's data sheets and architecture papers (GA100, GH100, GA102 and AD102 white papers; the data sheets of
 * A10, L4, L40S, H100, H200 and HGX B200): dense products, so half of what is advertised "with sparsity", sums in fp32, at the boost clock
 * that no card holds under a full load. bf16 is that of tensor cores, fp32 that of the ordinary ones, since {@link Precision#FP32} computes
 * exact products.
 *
 * @param flops floating-point operations a second of dense products
 * @param bytesPerSecond of the device memory
 */
public record DevicePeaks(double flops, double bytesPerSecond) {

    /** TFLOP/s in bf16 and in fp32, and TB/s. */
    private record Sheet(double bf16, double fp32, double bandwidth) {}

    /** By the driver's name without the maker's: whole names, because a suffix (a slice of a card, a laptop's) is another card. */
    private static final Map<String, Sheet> SHEETS = Map.ofEntries(
            Map.entry("B200", new Sheet(2250, 75, 8.0)),
            Map.entry("H200", new Sheet(989.4, 66.9, 4.8)),
            Map.entry("H200 NVL", new Sheet(835.5, 60, 4.8)),
            Map.entry("H100 80GB HBM3", new Sheet(989.4, 66.9, 3.35)),
            Map.entry("H100 NVL", new Sheet(835, 60, 3.9)),
            Map.entry("H100 PCIe", new Sheet(756, 51.2, 2.0)),
            Map.entry("A100-SXM4-80GB", new Sheet(312, 19.5, 2.039)),
            Map.entry("A100 80GB PCIe", new Sheet(312, 19.5, 1.935)),
            Map.entry("A100-SXM4-40GB", new Sheet(312, 19.5, 1.555)),
            Map.entry("A100-PCIE-40GB", new Sheet(312, 19.5, 1.555)),
            Map.entry("A10", new Sheet(125, 31.2, 0.6)),
            Map.entry("L4", new Sheet(121, 30.3, 0.3)),
            Map.entry("L40S", new Sheet(362, 91.6, 0.864)),
            Map.entry("GeForce RTX 3090", new Sheet(71, 35.6, 0.936)),
            Map.entry("GeForce RTX 4090", new Sheet(165.2, 82.6, 1.008)));

    /**
     * Looks a device up.
     *
     * @param name as the driver gives it: {@code NVIDIA H100 80GB HBM3}
     * @return empty for a device that is not in the list: better no utilisation than one of a guess
     */
    public static Optional<DevicePeaks> of(String name, Precision precision) {
        String model = name.strip();
        Sheet sheet = SHEETS.get(model.startsWith("NVIDIA ") ? model.substring("NVIDIA ".length()) : model);
        if (sheet == null) {
            return Optional.empty();
        }
        double teraflops = switch (precision) {
            case BF16 -> sheet.bf16;
            case FP32 -> sheet.fp32;
        };
        return Optional.of(new DevicePeaks(teraflops * 1e12, sheet.bandwidth * 1e12));
    }
}
