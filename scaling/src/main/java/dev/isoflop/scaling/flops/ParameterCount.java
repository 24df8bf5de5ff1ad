package dev.isoflop.scaling.flops;

/**
 * Trainable numbers of a {@link TransformerShape}, tensor for tensor what a Llama-shaped checkpoint holds.
 *
 * @param embedding token embedding, {@code vocabSize x dModel}
 * @param head output head of the same shape; 0 when tied
 * @param attention q, k, v and o matrices of all layers
 * @param feedForward w1, w2 and w3 of all layers
 * @param norms RMSNorm weights: two per layer and a final one of {@code dModel}, with qkNorm two more per layer of head size
 */
public record ParameterCount(long embedding, long head, long attention, long feedForward, long norms) {

    public static ParameterCount of(TransformerShape s) {
        long d = s.dModel();
        long vocabulary = s.vocabSize() * d;
        long attention = s.layers() * (2 * d * d + 2 * d * s.kvWidth());
        long feedForward = s.layers() * 3 * d * s.dFf();
        long norms = s.layers() * (2 * d + (s.qkNorm() ? 2L * s.headSize() : 0)) + d;
        return new ParameterCount(vocabulary, s.tiedEmbeddings() ? 0 : vocabulary, attention, feedForward, norms);
    }

    public long total() {
        return embedding + head + attention + feedForward + norms;
    }

    public long nonEmbedding() {
        return attention + feedForward + norms;
    }

    public long matrices() {
        return embedding + head + attention + feedForward;
    }

    public long nonEmbeddingMatrices() {
        return attention + feedForward;
    }

    public long count(ParameterConvention convention) {
        return switch (convention) {
            case TOTAL -> total();
            case NON_EMBEDDING -> nonEmbedding();
            case MATRICES -> matrices();
            case NON_EMBEDDING_MATRICES -> nonEmbeddingMatrices();
        };
    }
}
