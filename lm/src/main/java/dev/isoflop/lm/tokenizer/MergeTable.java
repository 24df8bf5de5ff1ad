package dev.isoflop.lm.tokenizer;

import java.util.Arrays;

/** From a pair of token ids to the rank of its merge and the id it makes: open addressing, immutable once built. */
final class MergeTable {

    /** No merge: larger than every rank. */
    static final long NONE = Long.MAX_VALUE;

    private static final long EMPTY = -1;

    private final long[] keys;
    /** Rank in the high, merged id in the low 32 bits. */
    private final long[] values;

    private final int shift;

    /** @param merges rows of {left, right, merged}, in order of rank */
    MergeTable(int[][] merges) {
        int bits = Math.max(4, 33 - Integer.numberOfLeadingZeros(Math.max(1, merges.length)));
        keys = new long[1 << bits];
        values = new long[1 << bits];
        shift = 64 - bits;
        Arrays.fill(keys, EMPTY);
        for (int rank = 0; rank < merges.length; rank++) {
            long key = key(merges[rank][0], merges[rank][1]);
            int slot = slot(key);
            while (keys[slot] != EMPTY && keys[slot] != key) {
                slot = (slot + 1) & (keys.length - 1);
            }
            keys[slot] = key;
            values[slot] = ((long) rank << 32) | merges[rank][2];
        }
    }

    /** Rank in the high and merged id in the low 32 bits, or {@link #NONE}. */
    long get(int left, int right) {
        long key = key(left, right);
        int slot = slot(key);
        while (true) {
            long found = keys[slot];
            if (found == key) {
                return values[slot];
            }
            if (found == EMPTY) {
                return NONE;
            }
            slot = (slot + 1) & (keys.length - 1);
        }
    }

    private static long key(int left, int right) {
        return ((long) left << 32) | right;
    }

    private int slot(long key) {
        return (int) ((key * 0x9E3779B97F4A7C15L) >>> shift);
    }
}
