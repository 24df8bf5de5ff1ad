package dev.isoflop.lm.tokens;

/**
 * A fixed, random-access sequence of token ids.
 *
 * <p>Concurrency: implementations are immutable and safe to read from any number of threads.
 */
public interface TokenSource {

    /** Number of distinct ids; every id read is in {@code [0, vocabSize)}. */
    int vocabSize();

    /** Number of tokens in the sequence. */
    long length();

    /**
     * Copies {@code count} ids starting at {@code position} into {@code target[offset..offset + count)}.
     *
     * @throws IndexOutOfBoundsException if the range does not lie inside the sequence or the array
     */
    void read(long position, int[] target, int offset, int count);
}
