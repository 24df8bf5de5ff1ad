package dev.isoflop.lm.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/**
 * Trains a byte-level BPE tokenizer (Sennrich et al. 2016, over bytes with GPT-2's pre-tokenisation).
 *
 * <p>Again and again the pair of neighbouring tokens with the highest count becomes a token; of equal counts the pair that is greatest
 * as (left bytes, right bytes), compared as unsigned bytes. Ids: special tokens in the order given, the 256 bytes in the order of
 * GPT-2's alphabet, then merges. A merge whose bytes are a token already keeps that token's id.
 *
 * <p>Pair counts are kept up to date per merge, so the cost is that of the places a merge touches, not of the corpus.
 *
 * <p>Concurrency: pieces are counted on {@link Options#threads} threads, each into a table of its own. Sums are exact and the order of
 * merges is total, so the result does not depend on the number of threads or on their order.
 */
public final class BpeTrainer {

    /**
     * What to train.
     *
     * @param vocabSize tokens in all: special tokens, 256 bytes and merges; fewer come out if the corpus has too few pairs
     * @param specialTokens never part of a merge; text between them is trained on as if they were ends of documents
     * @param minCount pairs rarer than this are not merged; at least 1
     * @param threads for counting, at least 1
     */
    public record Options(int vocabSize, List<String> specialTokens, long minCount, int threads) {

        public Options {
            specialTokens = List.copyOf(specialTokens);
            if (vocabSize < 256 + specialTokens.size()) {
                throw new IllegalArgumentException("vocabSize = " + vocabSize + " must be at least "
                        + (256 + specialTokens.size()) + ": 256 bytes and the special tokens");
            }
            if (specialTokens.stream().anyMatch(String::isEmpty)
                    || specialTokens.stream().distinct().count() != specialTokens.size()) {
                throw new IllegalArgumentException("special tokens must be distinct and not empty: " + specialTokens);
            }
            if (minCount < 1 || threads < 1) {
                throw new IllegalArgumentException(
                        "minCount = " + minCount + " and threads = " + threads + " must be at least 1");
            }
        }

        /** {@link Tokenizer#END_OF_TEXT} as the only special token, every pair counts, all processors. */
        public static Options of(int vocabSize) {
            return new Options(
                    vocabSize,
                    List.of(Tokenizer.END_OF_TEXT),
                    1,
                    Runtime.getRuntime().availableProcessors());
        }
    }

    private final byte[] @Nullable [] tokens;
    private final Map<String, Integer> idByBytes = new HashMap<>();
    private final int[] byteIds = new int[256];
    private final SequencedMap<String, Integer> specialIds = new LinkedHashMap<>();
    private int vocabSize;

    private BpeTrainer(Options options) {
        tokens = new byte[options.vocabSize()][];
        for (String special : options.specialTokens()) {
            specialIds.put(special, vocabSize);
            tokens[vocabSize++] = special.getBytes(StandardCharsets.UTF_8);
        }
        for (int i = 0; i < 256; i++) {
            int b = ByteAlphabet.inOrder(i);
            byteIds[b] = addToken(new byte[] {(byte) b});
        }
    }

    /** Trains on the documents. */
    public static Tokenizer train(Options options, List<String> documents) {
        BpeTrainer trainer = new BpeTrainer(options);
        PieceCounts counts = PieceCounts.count(documents, new SpecialTokens(trainer.specialIds), options.threads());
        int[][] merges = trainer.merge(counts, options);
        return new Tokenizer(Arrays.copyOf(trainer.tokens, trainer.vocabSize), merges, trainer.specialIds);
    }

    private int[][] merge(PieceCounts counts, Options options) {
        PairCounts pairs = new PairCounts(this::comparePairs);
        int words = counts.size();
        int[] symbols = new int[counts.bytes()];
        int[] starts = new int[words + 1];
        int[] lengths = new int[words];
        int at = 0;
        for (int word = 0; word < words; word++) {
            starts[word] = at;
            byte[] arena = counts.arena();
            for (int i = counts.start(word); i < counts.end(word); i++) {
                symbols[at++] = byteIds[arena[i] & 0xFF];
            }
            lengths[word] = at - starts[word];
            long count = counts.count(word);
            for (int i = starts[word]; i + 1 < at; i++) {
                pairs.add(symbols[i], symbols[i + 1], count, word);
            }
        }
        pairs.offerChanged();
        List<int[]> merges = new ArrayList<>();
        while (vocabSize < options.vocabSize()) {
            int best = pairs.pollBest(options.minCount());
            if (best < 0) {
                break;
            }
            int left = pairs.left(best);
            int right = pairs.right(best);
            int merged = tokenOf(left, right);
            merges.add(new int[] {left, right, merged});
            int[] places = pairs.takeWords(best);
            for (int word : places) {
                lengths[word] =
                        mergeWord(symbols, starts[word], lengths[word], left, right, merged, pairs, word, counts);
            }
            pairs.offerChanged();
        }
        return merges.toArray(int[][]::new);
    }

    /** Merges left and right wherever they meet in one word, from its start; returns the word's new length. */
    private static int mergeWord(
            int[] symbols,
            int start,
            int length,
            int left,
            int right,
            int merged,
            PairCounts pairs,
            int word,
            PieceCounts counts) {
        long count = counts.count(word);
        int end = start + length;
        int to = start;
        int from = start;
        while (from < end) {
            if (from + 1 < end && symbols[from] == left && symbols[from + 1] == right) {
                pairs.add(left, right, -count, word);
                if (to > start) {
                    pairs.add(symbols[to - 1], left, -count, word);
                    pairs.add(symbols[to - 1], merged, count, word);
                }
                if (from + 2 < end) {
                    pairs.add(right, symbols[from + 2], -count, word);
                    pairs.add(merged, symbols[from + 2], count, word);
                }
                symbols[to++] = merged;
                from += 2;
            } else {
                symbols[to++] = symbols[from++];
            }
        }
        return to - start;
    }

    private int tokenOf(int left, int right) {
        byte[] a = token(left);
        byte[] b = token(right);
        byte[] joined = Arrays.copyOf(a, a.length + b.length);
        System.arraycopy(b, 0, joined, a.length, b.length);
        Integer known = idByBytes.get(key(joined));
        return known != null ? known : addToken(joined);
    }

    private int addToken(byte[] bytes) {
        tokens[vocabSize] = bytes;
        idByBytes.put(key(bytes), vocabSize);
        return vocabSize++;
    }

    private byte[] token(int id) {
        byte[] token = tokens[id];
        if (token == null) {
            throw new IllegalStateException("no token " + id);
        }
        return token;
    }

    /** A byte string as a map key. */
    private static String key(byte[] bytes) {
        return new String(bytes, StandardCharsets.ISO_8859_1);
    }

    private int comparePairs(int leftA, int rightA, int leftB, int rightB) {
        int order = Arrays.compareUnsigned(token(leftA), token(leftB));
        return order != 0 ? order : Arrays.compareUnsigned(token(rightA), token(rightB));
    }
}
