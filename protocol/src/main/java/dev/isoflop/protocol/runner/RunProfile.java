package dev.isoflop.protocol.runner;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.isoflop.protocol.job.Precision;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where the time and the memory of a run's training go, as measured on one step. A run on a GPU may be a lane of an array: memory and
 * operations are then those of all its lanes, which one launch serves.
 *
 * @param step optimizer steps the run had done when it was told
 * @param tokensPerStep tokens of the run's own optimizer step
 * @param flopsPerToken floating-point operations of training on one token, forward and backward, by the model's formula
 * @param device what trains it, such as {@code NVIDIA H100 80GB HBM3}
 * @param precision of activations and products
 * @param lanes places in the array's launches, 1 where runs train alone
 * @param runs runs that trained in those places, at most {@code lanes}
 * @param datasheet what the device's maker promises; absent where the device is not known
 * @param measured what the runner measured itself; absent where it measured nothing
 * @param memory bytes by arena
 * @param operations kinds of operations of a step, in any order; empty where they are not told apart
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record RunProfile(
        long step,
        long tokensPerStep,
        double flopsPerToken,
        String device,
        Precision precision,
        int lanes,
        int runs,
        @Nullable Peaks datasheet,
        @Nullable Peaks measured,
        Memory memory,
        List<Operation> operations) {

    /** Most kinds of operations a profile may have. */
    public static final int MAX_OPERATIONS = 200;

    public RunProfile {
        operations = List.copyOf(operations);
    }

    /**
     * The two lines of a roofline.
     *
     * @param flops of products in the run's precision, FLOP/s
     * @param bytesPerSecond of the memory; absent where unknown
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record Peaks(double flops, @Nullable Double bytesPerSecond) {}

    /**
     * Bytes of the four arenas.
     *
     * @param parameters master copy and working copy
     * @param gradients of all parameters
     * @param optimizer both moments
     * @param activations kept for the backward pass, with their gradients, logits and scratch
     */
    public record Memory(long parameters, long gradients, long optimizer, long activations) {}

    /**
     * All operations of one name in a step.
     *
     * @param name what it does, the same in all layers
     * @param count how many a step has
     * @param micros all of them together, one after another
     * @param flops all of them together, a multiply-add being two
     * @param bytes that have to be moved from and to memory at least, all of them together
     */
    public record Operation(String name, int count, double micros, double flops, double bytes) {}
}
