package dev.isoflop.scaling.accounting;

import dev.isoflop.scaling.flops.Precision;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a device can do by its maker's word: dense products at the boost clock, so half of what is advertised "with sparsity". bf16 is that
 * of tensor cores with sums in fp32, fp32 that of the ordinary ones. Sources: NVIDIA's data sheets and white papers (GA100, GA102, GH100,
 * AD102; A10, L4, L40S, H100, H200, HGX B200).
 *
 * @param name short, as people say it
 * @param driverName as the driver gives it, without the maker's; null for a device described by hand
 * @param bf16Flops FLOP/s
 * @param fp32Flops FLOP/s
 * @param bytesPerSecond of its memory
 * @param memoryBytes of its memory, as sold: 80 GB are 80e9 bytes
 */
public record DeviceSheet(
        String name,
        @Nullable String driverName,
        double bf16Flops,
        double fp32Flops,
        double bytesPerSecond,
        double memoryBytes) {

    private static final List<DeviceSheet> KNOWN = List.of(
            sheet("B200", "B200", 2250, 75, 8.0, 180),
            sheet("H200", "H200", 989.4, 66.9, 4.8, 141),
            sheet("H200 NVL", "H200 NVL", 835.5, 60, 4.8, 141),
            sheet("H100", "H100 80GB HBM3", 989.4, 66.9, 3.35, 80),
            sheet("H100 NVL", "H100 NVL", 835, 60, 3.9, 94),
            sheet("H100 PCIe", "H100 PCIe", 756, 51.2, 2.0, 80),
            sheet("A100", "A100-SXM4-80GB", 312, 19.5, 2.039, 80),
            sheet("A100 PCIe", "A100 80GB PCIe", 312, 19.5, 1.935, 80),
            sheet("A100 40GB", "A100-SXM4-40GB", 312, 19.5, 1.555, 40),
            sheet("A100 40GB PCIe", "A100-PCIE-40GB", 312, 19.5, 1.555, 40),
            sheet("L40S", "L40S", 362, 91.6, 0.864, 48),
            sheet("A10", "A10", 125, 31.2, 0.6, 24),
            sheet("L4", "L4", 121, 30.3, 0.3, 24),
            sheet("RTX 4090", "GeForce RTX 4090", 165.2, 82.6, 1.008, 24),
            sheet("RTX 3090", "GeForce RTX 3090", 71, 35.6, 0.936, 24));

    private static DeviceSheet sheet(
            String name, String driver, double bf16, double fp32, double bandwidth, double memory) {
        return new DeviceSheet(name, driver, bf16 * 1e12, fp32 * 1e12, bandwidth * 1e12, memory * 1e9);
    }

    /** Those whose sheet is known, the largest first. */
    public static List<DeviceSheet> known() {
        return KNOWN;
    }

    /** @param name short or the driver's, in any case, with or without the maker's */
    public static Optional<DeviceSheet> named(String name) {
        String wanted = fold(name);
        return KNOWN.stream()
                .filter(d -> fold(d.name).equals(wanted)
                        || d.driverName != null && fold(d.driverName).equals(wanted))
                .findFirst();
    }

    private static String fold(String name) {
        String plain = name.strip().toLowerCase(Locale.ROOT).replaceAll("[\\s_-]+", "");
        return plain.startsWith("nvidia") ? plain.substring("nvidia".length()) : plain;
    }

    /** Names as a person may choose from. */
    static List<String> names() {
        List<String> names = new ArrayList<>();
        KNOWN.forEach(d -> names.add(d.name));
        return names;
    }

    /** FLOP/s of dense products. */
    public double flops(Precision precision) {
        return switch (precision) {
            case FP32 -> fp32Flops;
            case BF16 -> bf16Flops;
        };
    }
}
