package dev.isoflop.lm.cuda.blas;

/** A call of cuBLASLt that failed. */
public final class CublasException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final int status;

    CublasException(int status, String operation) {
        super(operation + ": " + nameOf(status) + " (" + status + ")");
        this.status = status;
    }

    /** A {@code cublasStatus_t}. */
    public int status() {
        return status;
    }

    static void check(int status, String operation) {
        if (status != 0) {
            throw new CublasException(status, operation);
        }
    }

    private static String nameOf(int status) {
        return switch (status) {
            case 1 -> "CUBLAS_STATUS_NOT_INITIALIZED";
            case 3 -> "CUBLAS_STATUS_ALLOC_FAILED";
            case 7 -> "CUBLAS_STATUS_INVALID_VALUE";
            case 8 -> "CUBLAS_STATUS_ARCH_MISMATCH";
            case 11 -> "CUBLAS_STATUS_MAPPING_ERROR";
            case 13 -> "CUBLAS_STATUS_EXECUTION_FAILED";
            case 14 -> "CUBLAS_STATUS_INTERNAL_ERROR";
            case 15 -> "CUBLAS_STATUS_NOT_SUPPORTED";
            case 16 -> "CUBLAS_STATUS_LICENSE_ERROR";
            default -> "cuBLAS status";
        };
    }
}
