package dev.isoflop.protocol.job;

/**
 * The shape of a Llama-style decoder as it travels between processes; the engine turns it into its own specification.
 *
 * @param vocabSize number of token ids, special tokens included
 * @param contextLength tokens per training sequence
 * @param dModel width of the residual stream
 * @param layers number of blocks
 * @param heads query heads; divides dModel
 * @param kvHeads key/value heads; divides heads
 * @param dFf hidden width of the SwiGLU feed-forward
 * @param tiedEmbeddings whether the output head shares the embedding matrix
 * @param qkNorm whether queries and keys are RMS-normalised per head
 * @param ropeTheta base of the rotary frequencies
 * @param normEpsilon added to the mean square inside RMSNorm
 */
public record ModelShape(
        int vocabSize,
        int contextLength,
        int dModel,
        int layers,
        int heads,
        int kvHeads,
        int dFf,
        boolean tiedEmbeddings,
        boolean qkNorm,
        double ropeTheta,
        double normEpsilon) {

    /** Of models for which nobody says another. */
    public static final double ROPE_THETA = 10_000;

    public static final double NORM_EPSILON = 1e-5;
}
