package dev.isoflop.lm.cuda.engine;

import dev.isoflop.lm.cuda.blas.MatrixType;

/** What activations and working weights are stored in. Master weights, gradients, moments, statistics and sums are fp32 either way. */
public enum Precision {
    /** All in fp32, products exact: the mode that tests compare with. */
    FP32("f32", MatrixType.FP32),
    /** bf16 on tensor cores with fp32 sums: the mode to train in. */
    BF16("bf16", MatrixType.BF16);

    private final String suffix;
    private final MatrixType type;

    Precision(String suffix, MatrixType type) {
        this.suffix = suffix;
        this.type = type;
    }

    /** Bytes of one element. */
    public int bytes() {
        return type.bytes();
    }

    /** How kernels of this type end. */
    String suffix() {
        return suffix;
    }

    MatrixType type() {
        return type;
    }
}
