package dev.isoflop.protocol.job;

import java.util.List;

/** What a model's activations and working weights are stored in; master weights, gradients and optimizer state are fp32 either way. */
public enum Precision {
    /** Everything in fp32: what a CPU trains in. */
    FP32,
    /** bf16 on a GPU's tensor cores, with fp32 sums. */
    BF16;

    /** Head sizes ({@code dModel / heads}) that {@link #BF16} trains, ascending: those the GPU's attention kernels are made for. */
    public static final List<Integer> BF16_HEAD_SIZES = List.of(16, 24, 32, 64, 96, 128);
}
