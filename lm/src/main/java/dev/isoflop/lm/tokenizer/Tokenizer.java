package dev.isoflop.lm.tokenizer;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.OptionalInt;
import java.util.SequencedMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import org.jspecify.annotations.Nullable;

/**
 * A byte-level BPE tokenizer with GPT-2 pre-tokenisation and special tokens.
 *
 * <p>Ids are in {@code [0, vocabSize)}. Every byte has a token, so every text can be encoded and decodes to itself, byte for byte.
 * A special token in the text becomes its one id and is never split or merged with its neighbours.
 *
 * <p>Concurrency: immutable to its callers and safe for any number of threads; working memory (a cache of pieces, up to about 30 MB) is
 * kept per thread that was ever inside at the same time. Results never depend on the cache or on the number of threads.
 */
public final class Tokenizer {

    /** The token that ends a document. */
    public static final String END_OF_TEXT = "<|endoftext|>";

    private static final SpecialTokens NO_SPECIALS = new SpecialTokens(new LinkedHashMap<>());

    private final byte[] @Nullable [] tokens;
    private final int[][] mergeRows;
    private final MergeTable merges;
    private final int[] byteIds;
    private final SequencedMap<String, Integer> specialIds;
    private final SpecialTokens specials;
    private final ConcurrentLinkedDeque<PieceEncoder> idle = new ConcurrentLinkedDeque<>();

    /**
     * @param tokens bytes of each id; null where an id is not in use
     * @param mergeRows {left, right, merged} ids in order of rank
     * @param specialIds special tokens and their ids, which must be among {@code tokens}
     */
    Tokenizer(byte[] @Nullable [] tokens, int[][] mergeRows, SequencedMap<String, Integer> specialIds) {
        this.tokens = tokens;
        this.mergeRows = mergeRows;
        this.merges = new MergeTable(mergeRows);
        this.specialIds = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(specialIds));
        this.specials = new SpecialTokens(this.specialIds);
        this.byteIds = new int[256];
        Arrays.fill(byteIds, -1);
        for (int id = 0; id < tokens.length; id++) {
            byte[] token = tokens[id];
            if (token != null && token.length == 1 && byteIds[token[0] & 0xFF] < 0) {
                byteIds[token[0] & 0xFF] = id;
            }
        }
        for (int b = 0; b < 256; b++) {
            if (byteIds[b] < 0) {
                throw new IllegalArgumentException("the vocabulary has no token for byte 0x"
                        + HexFormat.of().toHexDigits((byte) b) + "; a byte-level tokenizer needs all 256");
            }
        }
    }

    /**
     * Reads a Hugging Face {@code tokenizer.json}.
     *
     * @throws IOException if it cannot be read, or is not byte-level BPE with GPT-2 pre-tokenisation; the message names the field
     */
    public static Tokenizer read(Path file) throws IOException {
        return TokenizerJson.read(file);
    }

    /**
     * Reads GPT-2's own pair of files.
     *
     * @param specialIds special tokens; an id past the vocabulary adds the token
     */
    public static Tokenizer readGpt2(Path vocabJson, Path mergesText, SequencedMap<String, Integer> specialIds)
            throws IOException {
        return TokenizerJson.readGpt2(vocabJson, mergesText, specialIds);
    }

    /** Writes {@code tokenizer.json}, atomically; the same tokenizer gives the same bytes. */
    public void write(Path file) throws IOException {
        TokenizerJson.write(this, file);
    }

    /** SHA-256 of {@code tokenizer.json}, 64 lower-case hex digits: equal for equal tokenizers. */
    public String hash() {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(TokenizerJson.bytes(this)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /** One more than the largest id. */
    public int vocabSize() {
        return tokens.length;
    }

    /** The bytes of a token. */
    public byte[] token(int id) {
        return bytesOf(id).clone();
    }

    /** Special tokens and their ids. */
    public SequencedMap<String, Integer> specialTokens() {
        return specialIds;
    }

    /** The id of {@value #END_OF_TEXT}, if this tokenizer has it. */
    public OptionalInt endOfText() {
        Integer id = specialIds.get(END_OF_TEXT);
        return id == null ? OptionalInt.empty() : OptionalInt.of(id);
    }

    /** Number of merges. */
    public int mergeCount() {
        return mergeRows.length;
    }

    /** Encodes a text. A lone surrogate, which is no character, is encoded as {@code ?}. */
    public int[] encode(String text) {
        return encode(text.getBytes(StandardCharsets.UTF_8));
    }

    /** Encodes UTF-8; bytes that are not UTF-8 are kept and decode to themselves. */
    public int[] encode(byte[] text) {
        return encode(text, specials);
    }

    /** Encodes a text in which special tokens mean nothing special: text from users cannot forge one. */
    public int[] encodeOrdinary(String text) {
        return encode(text.getBytes(StandardCharsets.UTF_8), NO_SPECIALS);
    }

    /**
     * Encodes many texts on several threads; large texts are cut where every tokenisation cuts them, so one text uses all threads too.
     *
     * @return the ids of each text, in order, exactly as {@link #encode(String)} gives them
     */
    public List<int[]> encodeAll(List<String> texts, int threads) {
        return encodeAll(texts, threads, specials);
    }

    /** Encodes many texts as {@link #encodeOrdinary} does, on several threads. */
    public List<int[]> encodeAllOrdinary(List<String> texts, int threads) {
        return encodeAll(texts, threads, NO_SPECIALS);
    }

    private List<int[]> encodeAll(List<String> texts, int threads, SpecialTokens known) {
        List<Part> parts = new ArrayList<>();
        for (int t = 0; t < texts.size(); t++) {
            plan(texts.get(t), t, known, parts);
        }
        int[][] encoded = new int[parts.size()][];
        Parallel.forEach(parts.size(), threads, p -> encoded[p] = encodePart(parts.get(p), known));
        List<int[]> result = new ArrayList<>(texts.size());
        int p = 0;
        for (int t = 0; t < texts.size(); t++) {
            int first = p;
            int total = 0;
            while (p < encoded.length && parts.get(p).text == t) {
                total = Math.addExact(total, encoded[p++].length);
            }
            if (p == first + 1) {
                result.add(encoded[first]);
                continue;
            }
            int[] whole = new int[total];
            int at = 0;
            for (int i = first; i < p; i++) {
                System.arraycopy(encoded[i], 0, whole, at, encoded[i].length);
                at += encoded[i].length;
            }
            result.add(whole);
        }
        return result;
    }

    /** The bytes the ids stand for. @throws IllegalArgumentException if an id is not in the vocabulary */
    public byte[] decodeBytes(int[] ids) {
        int length = 0;
        for (int id : ids) {
            length = Math.addExact(length, bytesOf(id).length);
        }
        byte[] text = new byte[length];
        int at = 0;
        for (int id : ids) {
            byte[] token = bytesOf(id);
            System.arraycopy(token, 0, text, at, token.length);
            at += token.length;
        }
        return text;
    }

    /** The text the ids stand for; bytes that are not UTF-8 become U+FFFD. */
    public String decode(int[] ids) {
        return new String(decodeBytes(ids), StandardCharsets.UTF_8);
    }

    int[][] mergeRows() {
        return mergeRows;
    }

    byte @Nullable [] tokenOrNull(int id) {
        return tokens[id];
    }

    private byte[] bytesOf(int id) {
        byte[] token = id >= 0 && id < tokens.length ? tokens[id] : null;
        if (token == null) {
            throw new IllegalArgumentException("no token has the id " + id + " (vocabulary of " + tokens.length + ")");
        }
        return token;
    }

    private PieceEncoder borrow() {
        PieceEncoder encoder = idle.poll();
        return encoder != null ? encoder : new PieceEncoder(merges, byteIds);
    }

    private int[] encode(byte[] text, SpecialTokens known) {
        return encode(text, 0, text.length, known);
    }

    private int[] encode(byte[] text, int from, int to, SpecialTokens known) {
        Ids out = new Ids((to - from) / 3);
        PieceEncoder encoder = borrow();
        int at = from;
        while (true) {
            long found = known.next(text, at, to);
            if (found < 0) {
                encoder.encode(text, at, to, out);
                idle.push(encoder);
                return out.toArray();
            }
            int id = (int) found;
            encoder.encode(text, at, (int) (found >>> 32), out);
            out.add(id);
            at = (int) (found >>> 32) + known.length(id);
        }
    }

    private static final int PART_BYTES = 1 << 19;

    /** Part of a text, or all of it where {@code bytes} is null. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Part(int text, String whole, byte @Nullable [] bytes, int from, int to) {}

    private static void plan(String text, int number, SpecialTokens known, List<Part> parts) {
        if (text.length() < 2 * PART_BYTES) {
            parts.add(new Part(number, text, null, 0, 0));
            return;
        }
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        int start = 0;
        int at = 0;
        while (at < bytes.length) {
            // a special token may hold white space: cut between them, never inside
            long found = known.next(bytes, at, bytes.length);
            int end = found < 0 ? bytes.length : (int) (found >>> 32);
            while (end - start > PART_BYTES) {
                int cut = Gpt2Splitter.certainCut(bytes, Math.max(start + PART_BYTES, at + 1), end);
                parts.add(new Part(number, text, bytes, start, cut));
                start = cut;
            }
            at = found < 0 ? end : end + known.length((int) found);
        }
        if (start < bytes.length) {
            parts.add(new Part(number, text, bytes, start, bytes.length));
        }
    }

    private int[] encodePart(Part part, SpecialTokens known) {
        byte[] bytes = part.bytes;
        return bytes != null
                ? encode(bytes, part.from, part.to, known)
                : encode(part.whole.getBytes(StandardCharsets.UTF_8), known);
    }
}
