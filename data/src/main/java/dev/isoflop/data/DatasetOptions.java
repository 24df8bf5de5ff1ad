package dev.isoflop.data;

/**
 * What dataset to build.
 *
 * @param corpus where the text comes from
 * @param vocabSize tokens of the tokenizer, end-of-text included; at least 257
 * @param validationModulus a document is held out when the first byte of the MD5 of its name is divisible by this; in [2, 256]
 * @param offline use what was fetched before; how the dataset is had, not what it is, so not part of its id
 */
public record DatasetOptions(CorpusSource corpus, int vocabSize, int validationModulus, boolean offline) {

    /** One document in twelve, roughly. */
    public static final int DEFAULT_VALIDATION_MODULUS = 12;

    public DatasetOptions {
        if (vocabSize < 257 || vocabSize > 1 << 20) {
            throw new IllegalArgumentException("vocabSize = " + vocabSize
                    + " must be from 257 (256 bytes and the end-of-text token) to " + (1 << 20));
        }
        if (validationModulus < 2 || validationModulus > 256) {
            throw new IllegalArgumentException("validationModulus = " + validationModulus + " must be from 2 to 256");
        }
    }

    /** The default split, online. */
    public static DatasetOptions of(String corpus, int vocabSize) {
        return new DatasetOptions(CorpusSource.parse(corpus), vocabSize, DEFAULT_VALIDATION_MODULUS, false);
    }
}
