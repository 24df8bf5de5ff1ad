package dev.isoflop.scaling.plan;

/** How fast one device trains a model. */
@FunctionalInterface
public interface Throughput {

    /**
     * @param parameters of the model
     * @return model FLOPs a second; 0 if it is not known
     */
    double flopsPerSecond(double parameters);

    /** Nothing is known of any device. */
    static Throughput unknown() {
        return parameters -> 0;
    }

    /** @param flopsPerSecond as it was measured, or a share of a peak */
    static Throughput of(double flopsPerSecond) {
        return parameters -> flopsPerSecond;
    }

    /**
     * By the size of the model, as this engine was measured on an H100 with runs of a sweep side by side, batches as {@link BatchRule} has them: 48, 100, 190 and 240 TFLOP/s at 0.46, 1.3, 5.8 and 12
     * million parameters in bf16 (docs/benchmarks/outlook.md). Larger batches reach more (0.46 of the peak at 85 million, docs/benchmarks/gpu.md), which is not counted on.
     *
     * @param peak FLOP/s of the device's datasheet in the precision of the runs
     */
    static Throughput bySize(double peak) {
        return new BySize(peak);
    }

    /** Time is that of the products and that of all else, one after the other: 1 / (1 / (0.45 peak) + 1 / (1e14 (N / 1e6)^0.65)). */
    record BySize(double peak) implements Throughput {

        /** Share of the peak that large models reach: products and attention, without what moves bytes. */
        private static final double LARGE = 0.45;
        /** What a model of a million parameters reaches however fast the products are: launches and bytes. */
        private static final double SMALL = 1e14;
        /** Power of the parameters by which that grows. */
        private static final double SMALL_POWER = 0.65;

        @Override
        public double flopsPerSecond(double parameters) {
            return 1 / (1 / (LARGE * peak) + 1 / (SMALL * Math.pow(parameters / 1e6, SMALL_POWER)));
        }
    }
}
