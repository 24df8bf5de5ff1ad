package dev.isoflop.lm.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedDeque;
import org.jspecify.annotations.Nullable;

/**
 * How often each piece of a corpus occurs.
 *
 * <p>Concurrency: {@link #count} fills one table per thread and adds them up; an instance is for one thread. The numbers of the pieces
 * depend on which thread saw them first, their counts do not, and the trainer uses counts only.
 */
final class PieceCounts {

    /** Larger documents are cut, so that one document keeps all threads busy. */
    private static final int PART_BYTES = 1 << 19;

    private final PieceTable pieces = new PieceTable();
    private long[] counts = new long[1 << 12];

    /** A stretch of text between special tokens, or a whole document where {@code bytes} is null. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Part(String document, byte @Nullable [] bytes, int from, int to) {}

    static PieceCounts count(List<String> documents, SpecialTokens specials, int threads) {
        List<Part> parts = new ArrayList<>();
        for (String document : documents) {
            plan(document, specials, parts);
        }
        ConcurrentLinkedDeque<PieceCounts> tables = new ConcurrentLinkedDeque<>();
        Parallel.forEach(parts.size(), threads, p -> {
            PieceCounts mine = tables.poll();
            if (mine == null) {
                mine = new PieceCounts();
            }
            mine.add(parts.get(p), specials);
            tables.push(mine);
        });
        PieceCounts total = new PieceCounts();
        for (PieceCounts table : tables) {
            total.addAll(table);
        }
        return total;
    }

    /** Distinct pieces. */
    int size() {
        return pieces.size();
    }

    /** Bytes of all distinct pieces. */
    int bytes() {
        return pieces.arenaSize();
    }

    byte[] arena() {
        return pieces.arena();
    }

    int start(int piece) {
        return pieces.start(piece);
    }

    int end(int piece) {
        return pieces.end(piece);
    }

    long count(int piece) {
        return counts[piece];
    }

    private static void plan(String document, SpecialTokens specials, List<Part> parts) {
        if (document.length() < 2 * PART_BYTES) {
            parts.add(new Part(document, null, 0, 0));
            return;
        }
        byte[] bytes = document.getBytes(StandardCharsets.UTF_8);
        int at = 0;
        while (at < bytes.length) {
            long found = specials.next(bytes, at, bytes.length);
            int end = found < 0 ? bytes.length : (int) (found >>> 32);
            while (at < end) {
                int cut = end - at <= PART_BYTES ? end : Gpt2Splitter.certainCut(bytes, at + PART_BYTES, end);
                parts.add(new Part(document, bytes, at, cut));
                at = cut;
            }
            at = found < 0 ? end : end + specials.length((int) found);
        }
    }

    private void add(Part part, SpecialTokens specials) {
        byte[] bytes = part.bytes;
        if (bytes != null) {
            addOrdinary(bytes, part.from, part.to);
            return;
        }
        bytes = part.document.getBytes(StandardCharsets.UTF_8);
        int at = 0;
        while (at < bytes.length) {
            long found = specials.next(bytes, at, bytes.length);
            int end = found < 0 ? bytes.length : (int) (found >>> 32);
            addOrdinary(bytes, at, end);
            at = found < 0 ? end : end + specials.length((int) found);
        }
    }

    private void addOrdinary(byte[] text, int from, int to) {
        int i = from;
        while (i < to) {
            int end = Gpt2Splitter.pieceEnd(text, i, to);
            // a single byte has no pairs
            if (end - i > 1) {
                add(text, i, end, 1);
            }
            i = end;
        }
    }

    private void addAll(PieceCounts other) {
        for (int piece = 0; piece < other.size(); piece++) {
            add(other.arena(), other.start(piece), other.end(piece), other.counts[piece]);
        }
    }

    private void add(byte[] text, int from, int to, long count) {
        int number = pieces.find(text, from, to);
        if (number < 0) {
            number = -1 - number;
            if (number == counts.length) {
                counts = Arrays.copyOf(counts, 2 * number);
            }
        }
        counts[number] += count;
    }
}
