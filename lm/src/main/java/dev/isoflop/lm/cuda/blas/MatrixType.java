package dev.isoflop.lm.cuda.blas;

/** What the elements of a matrix are. */
public enum MatrixType {
    BF16(14, 2),
    FP32(0, 4);

    private final int cudaType;
    private final int bytes;

    MatrixType(int cudaType, int bytes) {
        this.cudaType = cudaType;
        this.bytes = bytes;
    }

    /** Bytes of an element. */
    public int bytes() {
        return bytes;
    }

    /** The library's number for it, a {@code cudaDataType_t}. */
    int cudaType() {
        return cudaType;
    }
}
