package dev.isoflop.scaling.flops;

/**
 * What counts as N. Laws fitted under different conventions do not compare: the exponents move (Kaplan against
 * Hoffmann is partly this), so the convention is stored with every plan and fit.
 */
public enum ParameterConvention {
    /** Every trainable number, the embedding and every norm weight included. */
    TOTAL,
    /** Every trainable number but the token embedding and the untied head (Kaplan et al. 2020). */
    NON_EMBEDDING,
    /** All matrices, the embedding included, norm weights left out: they take no part in a matrix product. */
    MATRICES,
    /** The matrices of the blocks alone. */
    NON_EMBEDDING_MATRICES
}
