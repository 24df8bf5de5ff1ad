package dev.isoflop.lm.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;

/** Finds special tokens in text: the leftmost first, the longest where several begin at one place. Immutable. */
final class SpecialTokens {

    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Special(byte[] bytes, int id) {}

    /** By first byte, longest first. */
    private final Special[][] byFirst = new Special[256][];

    private final Map<Integer, Integer> lengths = new HashMap<>();
    private final boolean none;

    SpecialTokens(SequencedMap<String, Integer> ids) {
        List<Special> all = new ArrayList<>();
        ids.forEach((text, id) -> all.add(new Special(text.getBytes(StandardCharsets.UTF_8), id)));
        all.sort(Comparator.comparingInt((Special s) -> s.bytes.length).reversed());
        for (int b = 0; b < 256; b++) {
            byte first = (byte) b;
            byFirst[b] = all.stream()
                    .filter(s -> s.bytes.length > 0 && s.bytes[0] == first)
                    .toArray(Special[]::new);
        }
        all.forEach(s -> lengths.put(s.id, s.bytes.length));
        none = all.isEmpty();
    }

    /** Bytes of the special token {@code id}. */
    int length(int id) {
        Integer length = lengths.get(id);
        if (length == null) {
            throw new IllegalArgumentException("no special token has the id " + id);
        }
        return length;
    }

    /**
     * The next special token in {@code text[from, to)}.
     *
     * @return its position in the high and its id in the low 32 bits, or -1
     */
    long next(byte[] text, int from, int to) {
        if (none) {
            return -1;
        }
        for (int i = from; i < to; i++) {
            for (Special special : byFirst[text[i] & 0xFF]) {
                if (startsWith(text, i, to, special.bytes)) {
                    return ((long) i << 32) | special.id;
                }
            }
        }
        return -1;
    }

    private static boolean startsWith(byte[] text, int at, int to, byte[] token) {
        if (at + token.length > to) {
            return false;
        }
        for (int i = 1; i < token.length; i++) {
            if (text[at + i] != token[i]) {
                return false;
            }
        }
        return true;
    }
}
