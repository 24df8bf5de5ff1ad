package dev.isoflop.lm.cuda.driver;

import jcuda.driver.CUresult;

/**
 * A call of the CUDA driver that failed: which operation, and the driver's name for what went wrong. Launches are asynchronous, so an error
 * of a kernel can surface at a later operation; {@code -Disoflop.cuda.blocking=true} waits after each one and so names the right one.
 */
public final class CudaException extends RuntimeException {

    private static final long serialVersionUID = 1L;
    private static final int OUT_OF_MEMORY = 2;

    private final int code;
    private final String name;
    private final String operation;

    /**
     * @param code a {@code CUresult}
     * @param operation what was being done, for people: {@code launch of adamw}
     */
    public CudaException(int code, String operation) {
        super(operation + ": " + nameOf(code) + " (" + code + ")" + (sticky(code) ? "; the GPU context is lost" : ""));
        this.code = code;
        this.name = nameOf(code);
        this.operation = operation;
    }

    /** The {@code CUresult}. */
    public int code() {
        return code;
    }

    /** Its name: {@code CUDA_ERROR_ILLEGAL_ADDRESS}. */
    public String name() {
        return name;
    }

    /** What was being done. */
    public String operation() {
        return operation;
    }

    /** Whether every later call in this context will fail too: the process has to end, and its runs resume in another. */
    public boolean isSticky() {
        return sticky(code);
    }

    /** Whether the device's memory was not enough; nothing else is lost. */
    public boolean isOutOfMemory() {
        return code == OUT_OF_MEMORY;
    }

    /** Does nothing if the call succeeded. */
    static void check(int code, String operation) {
        if (code != 0) {
            throw new CudaException(code, operation);
        }
    }

    /** The same, with the name of what was operated on put together only when the call failed. */
    static void check(int code, String operation, String subject) {
        if (code != 0) {
            throw new CudaException(code, operation + " " + subject);
        }
    }

    private static boolean sticky(int code) {
        return switch (code) {
            case 214, // ECC_UNCORRECTABLE
                    220, // NVLINK_UNCORRECTABLE
                    226, // CONTAINED: an error confined to this process
                    700, // ILLEGAL_ADDRESS
                    702, // LAUNCH_TIMEOUT
                    709, // CONTEXT_IS_DESTROYED
                    710, // ASSERT
                    714, // HARDWARE_STACK_ERROR
                    715, // ILLEGAL_INSTRUCTION
                    716, // MISALIGNED_ADDRESS
                    717, // INVALID_ADDRESS_SPACE
                    718, // INVALID_PC
                    719, // LAUNCH_FAILED
                    721, // TENSOR_MEMORY_LEAK
                    999 // UNKNOWN
            -> true;
            default -> false;
        };
    }

    private static String nameOf(int code) {
        // constants of JCuda's own table: no native code is loaded for it
        return switch (code) {
            case 220 -> "CUDA_ERROR_NVLINK_UNCORRECTABLE";
            case 226 -> "CUDA_ERROR_CONTAINED";
            case 721 -> "CUDA_ERROR_TENSOR_MEMORY_LEAK";
            default -> CUresult.stringFor(code);
        };
    }
}
