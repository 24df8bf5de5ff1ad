package dev.isoflop.scaling.flops;

/**
 * Bytes that training in fp32 with AdamW holds at once, an estimate for the admission check.
 *
 * <p>Activations are those the backward pass reads, with no T x T buffer: per token and layer the residual input, both
 * norm outputs, q, k, v, the attention output, the middle residual (5 d + heads*headSize + 2 kv), gate, up and product
 * (3 dFf), two inverse norms and a log-sum-exp per head; then the final norm, the logits and their gradient, and one
 * layer's worth of gradients on the way back. Planned memory of an engine that reuses buffers is lower; one that keeps
 * copies is higher, so admit with some headroom.
 *
 * @param parameters bytes of the weights
 * @param gradients bytes of the gradients
 * @param optimizer bytes of both Adam moments
 * @param activations bytes of what one batch keeps for the backward pass
 */
public record TrainingMemory(long parameters, long gradients, long optimizer, long activations) {

    private static final long FLOAT = 4;

    /**
     * @param batch windows in a batch
     * @param context tokens in a window
     */
    public static TrainingMemory estimate(TransformerShape s, int batch, int context) {
        long weights = FLOAT * ParameterCount.of(s).total();
        long perLayer =
                6L * s.dModel() + 2L * s.kvWidth() + 3L * s.dFf() + 2 + s.heads() + (s.qkNorm() ? 2L * s.dModel() : 0);
        long perToken = (s.layers() + 1) * perLayer + 2L * s.dModel() + 2L * s.vocabSize();
        return new TrainingMemory(weights, weights, 2 * weights, FLOAT * perToken * batch * context);
    }

    public long total() {
        return parameters + gradients + optimizer + activations;
    }
}
