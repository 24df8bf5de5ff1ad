package dev.isoflop.lm.cuda.driver;

/** A GPU's instruction set: 9.0 is Hopper, 8.0 the oldest the kernels are written for. */
public record ComputeCapability(int major, int minor) implements Comparable<ComputeCapability> {

    /** The oldest one supported: bf16 tensor cores and asynchronous copies. */
    public static final ComputeCapability OLDEST = new ComputeCapability(8, 0);

    /**
     * The compiler's name of the machine code for it: {@code sm_90a} for 9.0, whose own instructions (wgmma, setmaxnreg) need the suffix,
     * {@code sm_80} for 8.0.
     */
    public String target() {
        return "sm_" + major + minor + (major == 9 && minor == 0 ? "a" : "");
    }

    public boolean isAtLeast(ComputeCapability other) {
        return compareTo(other) >= 0;
    }

    @Override
    public int compareTo(ComputeCapability other) {
        return major != other.major ? Integer.compare(major, other.major) : Integer.compare(minor, other.minor);
    }

    @Override
    public String toString() {
        return major + "." + minor;
    }
}
