package dev.isoflop.scaling.flops;

/** What products read: weights and activations. Master weights and moments are fp32 either way. */
public enum Precision {
    /** Everything in four bytes. */
    FP32(4),
    /** bf16 weights and activations, with sums in fp32. */
    BF16(2);

    private final int bytes;

    Precision(int bytes) {
        this.bytes = bytes;
    }

    /** Of one number. */
    public int bytes() {
        return bytes;
    }
}
