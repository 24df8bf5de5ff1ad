package dev.isoflop.protocol.job;

/** What a model's activations and working weights are stored in; master weights, gradients and optimizer state are fp32 either way. */
public enum Precision {
    /** Everything in fp32: what a CPU trains in. */
    FP32,
    /** bf16 on a GPU's tensor cores, with fp32 sums. */
    BF16
}
