package dev.isoflop.scaling.flops;

/**
 * Bytes that training with AdamW holds at once, an estimate for the admission check.
 *
 * <p>Activations are those the backward pass reads, with no T x T buffer: per token and layer the residual input, both
 * norm outputs, q, k, v, the attention output, the middle residual (5 d + heads*headSize + 2 kv), gate, up and product
 * (3 dFf), two inverse norms and a log-sum-exp per head; then the final norm, the logits and their gradient, and one
 * layer's worth of gradients on the way back. Planned memory of an engine that reuses buffers is lower; one that keeps
 * copies is higher, so admit with some headroom.
 *
 * <p>In bf16 what products read has two bytes, and the weights are held twice, as masters and as a copy; gradients, moments and
 * statistics stay fp32. Only GPUs train in it, whose engine has 1 GiB of logits at a time, and twice that where there are more.
 *
 * @param parameters bytes of the weights
 * @param gradients bytes of the gradients
 * @param optimizer bytes of both Adam moments
 * @param activations bytes of what one batch keeps for the backward pass
 */
public record TrainingMemory(long parameters, long gradients, long optimizer, long activations) {

    private static final long FLOAT = 4;
    private static final long LOGITS_ON_GPU = 1L << 30;

    /**
     * @param batch windows in a batch
     * @param context tokens in a window
     */
    public static TrainingMemory estimate(TransformerShape s, int batch, int context, Precision precision) {
        long n = ParameterCount.of(s).total();
        long unit = precision.bytes();
        long read = 6L * s.dModel() + 2L * s.kvWidth() + 3L * s.dFf() + (s.qkNorm() ? 2L * s.dModel() : 0);
        long perLayer = unit * read + FLOAT * (2 + s.heads());
        long tokens = (long) batch * context;
        long logits = unit * s.vocabSize() * tokens;
        return switch (precision) {
            case FP32 ->
                new TrainingMemory(
                        FLOAT * n,
                        FLOAT * n,
                        2 * FLOAT * n,
                        tokens * ((s.layers() + 1) * perLayer + unit * 2 * s.dModel()) + 2 * logits);
            case BF16 ->
                new TrainingMemory(
                        (FLOAT + unit) * n,
                        FLOAT * n,
                        2 * FLOAT * n,
                        tokens * ((s.layers() + 1) * perLayer + unit * 2 * s.dModel())
                                + (logits > LOGITS_ON_GPU ? 2 * LOGITS_ON_GPU : logits));
        };
    }

    public long total() {
        return parameters + gradients + optimizer + activations;
    }
}
