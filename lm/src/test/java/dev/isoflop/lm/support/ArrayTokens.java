package dev.isoflop.lm.support;

import dev.isoflop.lm.tokens.TokenSource;
import java.util.Random;

/** Tokens in memory. */
public record ArrayTokens(int vocabSize, int[] ids) implements TokenSource {

    /** Text with something to learn: mostly a fixed successor of the token before, sometimes a random one. */
    public static ArrayTokens learnable(int vocabSize, int length, long seed) {
        Random random = new Random(seed);
        int[] ids = new int[length];
        for (int i = 1; i < length; i++) {
            ids[i] = random.nextInt(10) < 8 ? (ids[i - 1] * 7 + 3) % vocabSize : random.nextInt(vocabSize);
        }
        return new ArrayTokens(vocabSize, ids);
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
