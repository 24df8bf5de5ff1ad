package dev.isoflop.lm.tokenizer;

import java.util.Arrays;

/**
 * Counts of pairs of neighbouring tokens, the words each occurs in, and which pair is best; the trainer's working set.
 *
 * <p>The heap is lazy: a pair whose count fell keeps its old place until it comes up, and is then put back where it belongs; a pair
 * whose count rose is offered again at once. So the top, once its count is checked, is the true maximum. For one thread.
 */
final class PairCounts {

    /** The order of pairs as byte strings. */
    interface PairOrder {
        int compare(int leftA, int rightA, int leftB, int rightB);
    }

    private static final long EMPTY = -1;

    private final PairOrder order;

    private long[] slots = new long[1 << 12];
    private int[] slotPairs = new int[1 << 12];
    private int shift = 64 - 12;

    private long[] keys = new long[1 << 11];
    private long[] counts = new long[1 << 11];
    /** Words that may hold the pair: appended when it appears, so a word can be listed after the pair left it, or twice. */
    private int[][] words = new int[1 << 11][];

    private int[] wordCounts = new int[1 << 11];
    private boolean[] raised = new boolean[1 << 11];
    private int size;

    private int[] raisedPairs = new int[1 << 11];
    private int raisedSize;

    private int[] heapPairs = new int[1 << 12];
    private long[] heapCounts = new long[1 << 12];
    private int heapSize;

    PairCounts(PairOrder order) {
        this.order = order;
        Arrays.fill(slots, EMPTY);
    }

    int left(int pair) {
        return (int) (keys[pair] >>> 32);
    }

    int right(int pair) {
        return (int) keys[pair];
    }

    /** Adds to the count of a pair that occurs, or occurred, in {@code word}. */
    void add(int left, int right, long delta, int word) {
        int pair = pairOf(((long) left << 32) | right);
        counts[pair] += delta;
        if (delta <= 0) {
            return;
        }
        int known = wordCounts[pair];
        int[] list = words[pair];
        if (known == 0 || list[known - 1] != word) {
            if (known == list.length) {
                list = Arrays.copyOf(list, Math.max(4, 2 * known));
                words[pair] = list;
            }
            list[known] = word;
            wordCounts[pair] = known + 1;
        }
        if (!raised[pair]) {
            raised[pair] = true;
            if (raisedSize == raisedPairs.length) {
                raisedPairs = Arrays.copyOf(raisedPairs, 2 * raisedSize);
            }
            raisedPairs[raisedSize++] = pair;
        }
    }

    /** Puts the pairs whose counts rose since the last call into the heap. */
    void offerChanged() {
        for (int i = 0; i < raisedSize; i++) {
            int pair = raisedPairs[i];
            raised[pair] = false;
            if (counts[pair] > 0) {
                push(pair, counts[pair]);
            }
        }
        raisedSize = 0;
    }

    /** Takes the pair of highest count, the greatest of equals; -1 if none has at least {@code minCount}. */
    int pollBest(long minCount) {
        while (heapSize > 0) {
            int pair = heapPairs[0];
            long known = heapCounts[0];
            pop();
            long count = counts[pair];
            if (count == known) {
                return count >= minCount ? pair : -1;
            }
            // it fell: put it back with its true count. Had it risen, a newer entry is in the heap already
            if (count > 0 && count < known) {
                push(pair, count);
            }
        }
        return -1;
    }

    /** The words that may hold the pair; forgotten afterwards, because the merge removes the pair from all of them. */
    int[] takeWords(int pair) {
        int[] list = Arrays.copyOf(words[pair], wordCounts[pair]);
        words[pair] = new int[0];
        wordCounts[pair] = 0;
        return list;
    }

    private int pairOf(long key) {
        int mask = slots.length - 1;
        int slot = (int) ((key * 0x9E3779B97F4A7C15L) >>> shift);
        while (slots[slot] != EMPTY) {
            if (slots[slot] == key) {
                return slotPairs[slot];
            }
            slot = (slot + 1) & mask;
        }
        if (size == keys.length) {
            keys = Arrays.copyOf(keys, 2 * size);
            counts = Arrays.copyOf(counts, 2 * size);
            words = Arrays.copyOf(words, 2 * size);
            wordCounts = Arrays.copyOf(wordCounts, 2 * size);
            raised = Arrays.copyOf(raised, 2 * size);
        }
        slots[slot] = key;
        slotPairs[slot] = size;
        keys[size] = key;
        words[size] = new int[2];
        int pair = size++;
        if (size > slots.length >> 1) {
            rehash();
        }
        return pair;
    }

    private void rehash() {
        slots = new long[2 * slots.length];
        slotPairs = new int[slots.length];
        shift--;
        Arrays.fill(slots, EMPTY);
        int mask = slots.length - 1;
        for (int pair = 0; pair < size; pair++) {
            int slot = (int) ((keys[pair] * 0x9E3779B97F4A7C15L) >>> shift);
            while (slots[slot] != EMPTY) {
                slot = (slot + 1) & mask;
            }
            slots[slot] = keys[pair];
            slotPairs[slot] = pair;
        }
    }

    private boolean before(int pairA, long countA, int pairB, long countB) {
        if (countA != countB) {
            return countA > countB;
        }
        return pairA != pairB && order.compare(left(pairA), right(pairA), left(pairB), right(pairB)) > 0;
    }

    private void push(int pair, long count) {
        if (heapSize == heapPairs.length) {
            heapPairs = Arrays.copyOf(heapPairs, 2 * heapSize);
            heapCounts = Arrays.copyOf(heapCounts, 2 * heapSize);
        }
        int i = heapSize++;
        while (i > 0) {
            int parent = (i - 1) >>> 1;
            if (!before(pair, count, heapPairs[parent], heapCounts[parent])) {
                break;
            }
            heapPairs[i] = heapPairs[parent];
            heapCounts[i] = heapCounts[parent];
            i = parent;
        }
        heapPairs[i] = pair;
        heapCounts[i] = count;
    }

    private void pop() {
        heapSize--;
        int pair = heapPairs[heapSize];
        long count = heapCounts[heapSize];
        int i = 0;
        while (true) {
            int child = 2 * i + 1;
            if (child >= heapSize) {
                break;
            }
            if (child + 1 < heapSize
                    && before(heapPairs[child + 1], heapCounts[child + 1], heapPairs[child], heapCounts[child])) {
                child++;
            }
            if (!before(heapPairs[child], heapCounts[child], pair, count)) {
                break;
            }
            heapPairs[i] = heapPairs[child];
            heapCounts[i] = heapCounts[child];
            i = child;
        }
        heapPairs[i] = pair;
        heapCounts[i] = count;
    }
}
