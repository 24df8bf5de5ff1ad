package dev.isoflop.lm.bench;

import dev.isoflop.lm.tokens.TokenSource;
import java.util.SplittableRandom;

/** Tokens in an array. */
record MemoryTokens(int vocabSize, int[] ids) implements TokenSource {

    /** Tokens of no meaning but with a realistic spread: few are frequent, most are rare. */
    static MemoryTokens zipf(int vocabSize, int length, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        int[] ids = new int[length];
        for (int i = 0; i < length; i++) {
            ids[i] = (int) (Math.pow(vocabSize, random.nextDouble()) - 1);
        }
        return new MemoryTokens(vocabSize, ids);
    }

    @Override
    public long length() {
        return ids.length;
    }

    @Override
    public void read(long position, int[] target, int offset, int count) {
        System.arraycopy(ids, Math.toIntExact(position), target, offset, count);
    }
}
