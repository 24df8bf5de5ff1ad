package dev.isoflop.scaling.flops;

/**
 * Floating point operations of one forward pass, per token, by part; a multiply-add is two.
 *
 * <p>Matrix products are counted, element-wise work (norms, RoPE, softmax, SiLU, the optimizer) is not: it is well under
 * a hundredth at any width worth training and kernels fuse it. The embedding look-up is no arithmetic. The backward pass
 * does each product twice (for the input and for the weight), so training costs three forward passes; recomputation
 * under activation checkpointing is a cost of the implementation and is not in the count.
 *
 * @param projections q, k, v, o: {@code L (4 d^2 + 4 d kvWidth)}
 * @param attention scores and values: {@code L 4 d keys}
 * @param feedForward w1, w2, w3: {@code L 6 d dFf}
 * @param head logits, tied or not: {@code 2 d V}
 * @param convention how many keys a query is charged for
 */
public record FlopCount(
        double projections, double attention, double feedForward, double head, AttentionConvention convention) {

    /** The count under the causal convention at the shape's own context length. */
    public static FlopCount of(TransformerShape shape) {
        return of(shape, shape.contextLength(), AttentionConvention.CAUSAL);
    }

    /**
     * @param context tokens in a window, T
     */
    public static FlopCount of(TransformerShape s, int context, AttentionConvention convention) {
        double d = s.dModel();
        double keys = switch (convention) {
            case CAUSAL -> (context + 1) / 2.0;
            case FULL -> context;
        };
        return new FlopCount(
                s.layers() * (4 * d * d + 4 * d * s.kvWidth()),
                s.layers() * 4 * d * keys,
                s.layers() * 6 * d * s.dFf(),
                2 * d * s.vocabSize(),
                convention);
    }

    /**
     * The usual estimate C = 6 N D (Kaplan et al. 2020, section 2.1). In doubles: 6ND passes 2^63 at N = 2e9, D = 1e10.
     *
     * @param n parameters under the convention the caller states
     * @param d training tokens
     */
    public static double sixNd(double n, double d) {
        return 6 * n * d;
    }

    public double forwardPerToken() {
        return projections + attention + feedForward + head;
    }

    /** Forward and backward: three forward passes. */
    public double trainPerToken() {
        return 3 * forwardPerToken();
    }

    /**
     * @param tokensPerStep tokens in a batch
     */
    public double trainPerStep(long tokensPerStep) {
        return trainPerToken() * tokensPerStep;
    }

    /** The formula in words, stored beside every number that came from it. */
    public String formula() {
        String keys = switch (convention) {
            case CAUSAL -> "(T+1)/2";
            case FULL -> "T";
        };
        return "3*(L*(4d^2 + 4d*kv + 4d*" + keys + " + 6d*dFf) + 2dV) per token";
    }
}
