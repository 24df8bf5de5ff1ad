package dev.isoflop.lm.model;

/**
 * The shape of a decoder-only transformer of the Llama family: RMSNorm before each sublayer, rotary positions in the half-split
 * convention of Hugging Face checkpoints, grouped-query causal attention, SwiGLU, no biases.
 *
 * <p>Parameter counts are exact integers of the tensors that exist. {@code N} in scaling laws is either {@link #parameters()} or
 * {@link #nonEmbeddingParameters()}; both are offered because the literature is split (Kaplan 2020 leaves embeddings out, Hoffmann
 * 2022 counts them).
 *
 * @param vocabSize number of token ids
 * @param contextLength longest sequence, in tokens
 * @param dModel width of the residual stream
 * @param layers number of blocks
 * @param heads query heads; the head dimension is {@code dModel / heads} and must be even
 * @param kvHeads key and value heads; divides {@code heads}
 * @param dFf hidden width of the SwiGLU
 * @param ropeTheta base of the rotary frequencies
 * @param normEps epsilon inside each RMSNorm
 * @param tiedEmbeddings whether the output head is the embedding table
 * @param qkNorm whether queries and keys are RMS-normalised per head before the rotation (as in Qwen3)
 */
public record ModelSpec(
        int vocabSize,
        int contextLength,
        int dModel,
        int layers,
        int heads,
        int kvHeads,
        int dFf,
        double ropeTheta,
        double normEps,
        boolean tiedEmbeddings,
        boolean qkNorm) {

    /** @throws IllegalArgumentException naming the field that is wrong and a value that would be right */
    public ModelSpec {
        positive("vocabSize", vocabSize);
        positive("contextLength", contextLength);
        positive("dModel", dModel);
        positive("layers", layers);
        positive("heads", heads);
        positive("kvHeads", kvHeads);
        positive("dFf", dFf);
        if (dModel % heads != 0) {
            throw new IllegalArgumentException("heads = " + heads + " does not divide dModel = " + dModel
                    + "; use a divisor, for example heads = " + nearestDivisor(dModel, heads));
        }
        if ((dModel / heads) % 2 != 0) {
            throw new IllegalArgumentException("the head dimension dModel / heads = " + dModel / heads
                    + " is odd, but rotary positions turn pairs; change heads or dModel so that it is even");
        }
        if (heads % kvHeads != 0) {
            throw new IllegalArgumentException("kvHeads = " + kvHeads + " does not divide heads = " + heads
                    + "; use a divisor, for example kvHeads = " + nearestDivisor(heads, kvHeads));
        }
        if (!(ropeTheta > 1) || Double.isInfinite(ropeTheta)) {
            throw new IllegalArgumentException("ropeTheta = " + ropeTheta + " must be above 1; 10000 is usual");
        }
        if (!(normEps > 0) || normEps > 0.1) {
            throw new IllegalArgumentException("normEps = " + normEps + " must be above 0 and small; 1e-5 is usual");
        }
    }

    /**
     * The usual small Llama: all heads have their own keys and values, θ = 10000, ε = 1e-5, tied embeddings, no QK-norm, and
     * {@code dFf} = 8/3 {@code dModel} rounded up to a multiple of 8.
     */
    public static ModelSpec llama(int vocabSize, int contextLength, int dModel, int layers, int heads) {
        int dFf = Math.ceilDiv(Math.ceilDiv(8 * dModel, 3), 8) * 8;
        return new ModelSpec(vocabSize, contextLength, dModel, layers, heads, heads, dFf, 10_000.0, 1e-5, true, false);
    }

    /** The same with another width of the feed-forward sublayer. */
    public ModelSpec withDFf(int width) {
        return new ModelSpec(
                vocabSize,
                contextLength,
                dModel,
                layers,
                heads,
                kvHeads,
                width,
                ropeTheta,
                normEps,
                tiedEmbeddings,
                qkNorm);
    }

    /** Width of one head. */
    public int headDim() {
        return dModel / heads;
    }

    /** Rows of the fused query, key and value projection: {@code (heads + 2 kvHeads) * headDim}. */
    public int qkvWidth() {
        return (heads + 2 * kvHeads) * headDim();
    }

    /** All parameters; a tied table is counted once. */
    public long parameters() {
        return nonEmbeddingParameters() + embeddingParameters();
    }

    /** Parameters of the embedding table, and of the output head if it has its own. */
    public long embeddingParameters() {
        return (tiedEmbeddings ? 1L : 2L) * vocabSize * dModel;
    }

    /** All parameters but the embedding table and the output head; norm gains are counted. */
    public long nonEmbeddingParameters() {
        return matrixParameters() + normParameters();
    }

    /** Parameters of the projection matrices inside the blocks. */
    public long matrixParameters() {
        long attention = (long) qkvWidth() * dModel + (long) dModel * dModel;
        return layers * (attention + 3L * dModel * dFf);
    }

    private long normParameters() {
        return layers * (2L * dModel + (qkNorm ? 2L * headDim() : 0L)) + dModel;
    }

    /**
     * Floating point operations of one training step per token: {@code 6 N_ne + 6 V d + 6 L d (T + 1)} where {@code N_ne} is
     * {@link #nonEmbeddingParameters()}. The head is counted also when it is tied; the last term is causal attention, of which only
     * the lower triangle is counted (forward {@code 2 * 2 * d * (T + 1) / 2} for each layer and token, twice that backward); the
     * recomputation of scores in the backward pass is not counted.
     *
     * @param context tokens in a sequence, {@code T}
     */
    public double trainingFlopsPerToken(int context) {
        return 6.0 * nonEmbeddingParameters() + 6.0 * vocabSize * dModel + 6.0 * layers * dModel * (context + 1.0);
    }

    /** A third of {@link #trainingFlopsPerToken}: the forward pass alone. */
    public double forwardFlopsPerToken(int context) {
        return trainingFlopsPerToken(context) / 3.0;
    }

    private static void positive(String field, int value) {
        if (value < 1) {
            throw new IllegalArgumentException(field + " = " + value + " must be at least 1");
        }
    }

    private static int nearestDivisor(int whole, int wanted) {
        int best = 1;
        for (int d = 1; d <= whole; d++) {
            if (whole % d == 0 && Math.abs(d - wanted) < Math.abs(best - wanted)) {
                best = d;
            }
        }
        return best;
    }
}
