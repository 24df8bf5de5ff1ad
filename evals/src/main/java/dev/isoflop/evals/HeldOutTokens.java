package dev.isoflop.evals;

/** The text a loss is measured on. Immutable. */
public interface HeldOutTokens {

    /** Number of tokens. */
    long length();

    /** Copies {@code count} ids starting at {@code position} into {@code target[0..count)}. */
    void read(long position, int[] target, int count);

    /** Bytes of text the tokens stand for. */
    long bytes();

    /** Positions of the documents' first tokens, ascending from 0; empty if it is not known. */
    long[] documentStarts();
}
