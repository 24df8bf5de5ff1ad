package dev.isoflop.lm.cuda.driver;

import java.util.List;

/** The native libraries the CUDA backend can use, with the names they go by. */
public enum NativeLibrary {
    DRIVER(
            "the NVIDIA driver",
            "isoflop.cuda.driver",
            List.of("libcuda.so.1"),
            List.of(),
            "install NVIDIA's driver (525 or newer) for this GPU"),
    CUBLASLT(
            "cuBLASLt",
            "isoflop.cuda.cublaslt",
            List.of("libcublasLt.so.13", "libcublasLt.so.12"),
            List.of("cublas"),
            "install the CUDA toolkit's cuBLAS (package libcublas) or `pip install nvidia-cublas`"),
    NVRTC(
            "NVRTC",
            "isoflop.cuda.nvrtc",
            List.of("libnvrtc.so.13", "libnvrtc.so.12"),
            List.of("cuda_nvrtc"),
            "install the CUDA toolkit's NVRTC (package cuda-nvrtc) or `pip install nvidia-cuda-nvrtc`"),
    NVML(
            "NVML",
            "isoflop.cuda.nvml",
            List.of("libnvidia-ml.so.1"),
            List.of(),
            "install NVIDIA's driver with its management library"),
    NCCL(
            "NCCL",
            "isoflop.cuda.nccl",
            List.of("libnccl.so.2"),
            List.of("nccl"),
            "install NCCL (package libnccl2) or `pip install nvidia-nccl-cu13`");

    private final String title;
    private final String property;
    private final List<String> sonames;
    private final List<String> wheels;
    private final String advice;

    NativeLibrary(String title, String property, List<String> sonames, List<String> wheels, String advice) {
        this.title = title;
        this.property = property;
        this.sonames = sonames;
        this.wheels = wheels;
        this.advice = advice;
    }

    /** What people call it. */
    public String title() {
        return title;
    }

    /** The system property that names its file, or the directory it is in. */
    public String property() {
        return property;
    }

    /** File names, the preferred one first. */
    public List<String> sonames() {
        return sonames;
    }

    /** Folders below {@code site-packages/nvidia} that its wheel unpacks to. */
    List<String> wheels() {
        return wheels;
    }

    /** What to install. */
    public String advice() {
        return advice;
    }

    /** Whether it comes with the driver rather than with the toolkit. */
    boolean isOfDriver() {
        return this == DRIVER || this == NVML;
    }

    /**
     * The names that can work with a driver.
     *
     * @param cudaMajor the newest CUDA the driver speaks, 0 if that is not known; a toolkit library of a later major version than the
     *     driver's loads but fails at its first call
     */
    List<String> sonamesFor(int cudaMajor) {
        if (cudaMajor == 0 || (this != CUBLASLT && this != NVRTC)) {
            return sonames;
        }
        return sonames.stream()
                .filter(name -> Integer.parseInt(name.substring(name.lastIndexOf('.') + 1)) <= cudaMajor)
                .toList();
    }
}
