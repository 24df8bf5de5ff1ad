package dev.isoflop.lm.tokenizer;

import java.util.Arrays;

/** A growing array of token ids; for one thread. */
final class Ids {

    int[] values;
    int size;

    Ids(int capacity) {
        values = new int[Math.max(capacity, 16)];
    }

    void add(int id) {
        if (size == values.length) {
            values = Arrays.copyOf(values, grown(size + 1));
        }
        values[size++] = id;
    }

    void addAll(int[] source, int offset, int count) {
        if (size + count > values.length) {
            values = Arrays.copyOf(values, grown(size + count));
        }
        if (count == 1) {
            values[size++] = source[offset];
        } else {
            System.arraycopy(source, offset, values, size, count);
            size += count;
        }
    }

    int[] toArray() {
        return Arrays.copyOf(values, size);
    }

    private int grown(int needed) {
        return Math.max(needed, values.length + (values.length >> 1));
    }
}
