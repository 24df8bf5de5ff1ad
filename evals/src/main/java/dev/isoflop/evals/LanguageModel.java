package dev.isoflop.evals;

import java.util.List;

/**
 * All that an evaluation needs of a language model.
 *
 * <p>Concurrency: called by one thread at a time, unless an implementation says that it may be more.
 */
public interface LanguageModel {

    /** Number of distinct token ids. */
    int vocabSize();

    /** The most tokens a token may be predicted from. */
    int contextLength();

    /**
     * How likely each sequence's tokens are, each given those before it in the sequence.
     *
     * @param sequences token ids, each of 2 to {@code contextLength() + 1}
     * @return for each sequence s an array r of {@code s.length - 1}: {@code r[i] = ln p(s[i + 1] | s[0..i])}, in nats
     */
    List<double[]> tokenLogLikelihoods(List<int[]> sequences);
}
