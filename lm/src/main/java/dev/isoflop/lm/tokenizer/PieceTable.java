package dev.isoflop.lm.tokenizer;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Pieces (short byte strings) numbered in order of first sight; the key structure of the encoder's cache and of the trainer's counts.
 *
 * <p>A piece of up to eight bytes lives in its slot's word and is compared there; the arena is touched for longer ones only. For one
 * thread.
 */
final class PieceTable {

    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private long[] heads = new long[1 << 12];
    private int[] numbers = new int[1 << 12];
    private int[] lengths = new int[1 << 12];
    private int shift = 64 - 12;

    private byte[] arena = new byte[1 << 15];
    private int arenaSize;
    private int[] starts = new int[1 << 12];
    private int size;

    /** Pieces stored. */
    int size() {
        return size;
    }

    int arenaSize() {
        return arenaSize;
    }

    byte[] arena() {
        return arena;
    }

    int start(int number) {
        return starts[number];
    }

    int end(int number) {
        return number + 1 < size ? starts[number + 1] : arenaSize;
    }

    /** The number of the piece {@code text[from, to)}; {@code -1 - number} if it was not there and has been added. */
    int find(byte[] text, int from, int to) {
        int length = to - from;
        long head = head(text, from, Math.min(length, 8));
        int slot = slot(text, from, to, head);
        int mask = heads.length - 1;
        while (lengths[slot] != 0) {
            if (heads[slot] == head && lengths[slot] == length) {
                int number = numbers[slot];
                if (length <= 8
                        || Arrays.equals(arena, starts[number] + 8, starts[number] + length, text, from + 8, to)) {
                    return number;
                }
            }
            slot = (slot + 1) & mask;
        }
        int number = add(text, from, length);
        heads[slot] = head;
        lengths[slot] = length;
        numbers[slot] = number;
        if (size > heads.length >> 1) {
            grow();
        }
        return -1 - number;
    }

    /** Forgets every piece and keeps the memory. */
    void clear() {
        Arrays.fill(lengths, 0);
        size = 0;
        arenaSize = 0;
    }

    private static long head(byte[] text, int from, int length) {
        if (from + 8 <= text.length) {
            return (long) LONGS.get(text, from) & (-1L >>> (64 - 8 * length));
        }
        long head = 0;
        for (int i = length - 1; i >= 0; i--) {
            head = (head << 8) | (text[from + i] & 0xFF);
        }
        return head;
    }

    private int add(byte[] text, int from, int length) {
        if (arenaSize + length > arena.length) {
            int wanted = Math.addExact(arenaSize, length);
            arena = Arrays.copyOf(arena, (int) Math.min(Integer.MAX_VALUE - 8, Math.max(wanted, 2L * arena.length)));
        }
        if (size == starts.length) {
            starts = Arrays.copyOf(starts, 2 * size);
        }
        System.arraycopy(text, from, arena, arenaSize, length);
        starts[size] = arenaSize;
        arenaSize += length;
        return size++;
    }

    private void grow() {
        heads = new long[2 * heads.length];
        numbers = new int[heads.length];
        lengths = new int[heads.length];
        shift--;
        int kept = size;
        // every piece is known to be new: find() would compare and store it again
        for (int number = 0; number < kept; number++) {
            reinsert(number);
        }
    }

    private void reinsert(int number) {
        int from = starts[number];
        int to = end(number);
        long head = head(arena, from, Math.min(to - from, 8));
        int slot = slot(arena, from, to, head);
        int mask = heads.length - 1;
        while (lengths[slot] != 0) {
            slot = (slot + 1) & mask;
        }
        heads[slot] = head;
        lengths[slot] = to - from;
        numbers[slot] = number;
    }

    private int slot(byte[] text, int from, int to, long head) {
        long hash = head ^ to - from;
        if (to - from > 8) {
            for (int i = from + 8; i + 8 <= to; i += 8) {
                hash = Long.rotateLeft(hash * 0x9E3779B97F4A7C15L, 29) ^ (long) LONGS.get(text, i);
            }
            hash = Long.rotateLeft(hash * 0x9E3779B97F4A7C15L, 29) ^ (long) LONGS.get(text, to - 8);
        }
        hash ^= hash >>> 32;
        return (int) ((hash * 0x9E3779B97F4A7C15L) >>> shift);
    }
}
