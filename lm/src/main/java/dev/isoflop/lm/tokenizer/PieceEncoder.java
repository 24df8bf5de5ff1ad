package dev.isoflop.lm.tokenizer;

import java.util.Arrays;

/**
 * Encodes ordinary text (no special tokens) piece by piece, remembering the pieces it has seen.
 *
 * <p>Concurrency: for one thread at a time; {@link Tokenizer} keeps as many as there have been threads. The cache changes no result.
 */
final class PieceEncoder {

    /** Pieces longer than this are not remembered, and are merged with a heap: a linear scan per merge would be quadratic. */
    private static final int SHORT_PIECE = 96;

    private static final int MAX_CACHED_PIECES = 1 << 18;
    private static final int MAX_CACHED_BYTES = 1 << 24;

    private final MergeTable merges;
    private final int[] byteIds;

    private final PieceTable cache = new PieceTable();
    private int[] cachedFrom = new int[1 << 12];
    private int[] cachedIds = new int[1 << 14];
    private int cachedSize;

    private final int[] symbols = new int[SHORT_PIECE + 1];
    private final long[] candidates = new long[SHORT_PIECE + 1];

    PieceEncoder(MergeTable merges, int[] byteIds) {
        this.merges = merges;
        this.byteIds = byteIds;
    }

    void encode(byte[] text, int from, int to, Ids out) {
        int i = from;
        while (i < to) {
            int end = Gpt2Splitter.pieceEnd(text, i, to);
            encodePiece(text, i, end, out);
            i = end;
        }
    }

    private void encodePiece(byte[] text, int from, int to, Ids out) {
        int length = to - from;
        if (length == 1) {
            out.add(byteIds[text[from] & 0xFF]);
            return;
        }
        if (length > SHORT_PIECE) {
            mergeLong(text, from, to, out);
            return;
        }
        int number = cache.find(text, from, to);
        if (number >= 0) {
            int start = cachedFrom[number];
            int end = number + 1 < cache.size() ? cachedFrom[number + 1] : cachedSize;
            out.addAll(cachedIds, start, end - start);
            return;
        }
        int count = mergeShort(text, from, length);
        number = -1 - number;
        if (number == cachedFrom.length) {
            cachedFrom = Arrays.copyOf(cachedFrom, 2 * number);
        }
        if (cachedSize + count > cachedIds.length) {
            cachedIds = Arrays.copyOf(cachedIds, 2 * cachedIds.length);
        }
        cachedFrom[number] = cachedSize;
        System.arraycopy(symbols, 0, cachedIds, cachedSize, count);
        cachedSize += count;
        out.addAll(symbols, 0, count);
        if (cache.size() >= MAX_CACHED_PIECES || cache.arenaSize() >= MAX_CACHED_BYTES) {
            cache.clear();
            cachedSize = 0;
        }
    }

    /** Applies the merge of lowest rank, leftmost first, until none applies; returns how many of {@link #symbols} are left. */
    private int mergeShort(byte[] text, int from, int length) {
        for (int i = 0; i < length; i++) {
            symbols[i] = byteIds[text[from + i] & 0xFF];
        }
        int count = length;
        for (int i = 0; i + 1 < count; i++) {
            candidates[i] = merges.get(symbols[i], symbols[i + 1]);
        }
        while (count > 1) {
            int best = 0;
            for (int i = 1; i + 1 < count; i++) {
                if (candidates[i] < candidates[best]) {
                    best = i;
                }
            }
            if (candidates[best] == MergeTable.NONE) {
                return count;
            }
            symbols[best] = (int) candidates[best];
            count--;
            System.arraycopy(symbols, best + 2, symbols, best + 1, count - best - 1);
            if (best + 1 < count) {
                System.arraycopy(candidates, best + 2, candidates, best + 1, count - best - 2);
                candidates[best] = merges.get(symbols[best], symbols[best + 1]);
            }
            if (best > 0) {
                candidates[best - 1] = merges.get(symbols[best - 1], symbols[best]);
            }
        }
        return count;
    }

    /** The same for a piece of any length, in O(n log n): a linked list of symbols and a heap of (rank, position). */
    private void mergeLong(byte[] text, int from, int to, Ids out) {
        int length = to - from;
        int[] ids = new int[length];
        int[] next = new int[length];
        int[] previous = new int[length];
        for (int i = 0; i < length; i++) {
            ids[i] = byteIds[text[from + i] & 0xFF];
            next[i] = i + 1;
            previous[i] = i - 1;
        }
        LongHeap heap = new LongHeap(length);
        for (int i = 0; i + 1 < length; i++) {
            push(heap, merges.get(ids[i], ids[i + 1]), i);
        }
        while (heap.size() > 0) {
            long top = heap.pop();
            int at = (int) top;
            int right = next[at];
            if (ids[at] < 0 || right >= length) {
                continue;
            }
            long merge = merges.get(ids[at], ids[right]);
            if (merge == MergeTable.NONE || merge >>> 32 != top >>> 32) {
                continue; // an older pair of this place
            }
            ids[at] = (int) merge;
            ids[right] = -1;
            next[at] = next[right];
            if (next[at] < length) {
                previous[next[at]] = at;
                push(heap, merges.get(ids[at], ids[next[at]]), at);
            }
            if (previous[at] >= 0) {
                push(heap, merges.get(ids[previous[at]], ids[at]), previous[at]);
            }
        }
        for (int i = 0; i < length; i = next[i]) {
            out.add(ids[i]);
        }
    }

    private static void push(LongHeap heap, long merge, int position) {
        if (merge != MergeTable.NONE) {
            heap.push((merge & 0xFFFFFFFF00000000L) | position);
        }
    }

    /** A binary heap of longs, least first. */
    private static final class LongHeap {

        private long[] items;
        private int size;

        LongHeap(int capacity) {
            items = new long[Math.max(16, capacity)];
        }

        int size() {
            return size;
        }

        void push(long item) {
            if (size == items.length) {
                items = Arrays.copyOf(items, 2 * size);
            }
            int i = size++;
            while (i > 0) {
                int parent = (i - 1) >>> 1;
                if (items[parent] <= item) {
                    break;
                }
                items[i] = items[parent];
                i = parent;
            }
            items[i] = item;
        }

        long pop() {
            long top = items[0];
            long item = items[--size];
            int i = 0;
            while (true) {
                int child = 2 * i + 1;
                if (child >= size) {
                    break;
                }
                if (child + 1 < size && items[child + 1] < items[child]) {
                    child++;
                }
                if (items[child] >= item) {
                    break;
                }
                items[i] = items[child];
                i = child;
            }
            items[i] = item;
            return top;
        }
    }
}
