package dev.isoflop.lm.tokens;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Objects;

/**
 * A memory-mapped file of token ids; any size the disk holds.
 *
 * <p>Layout, little-endian: a header of {@value #HEADER_BYTES} bytes (0: magic {@code ISOFTOK1}; 8: int32 version 1; 12: int32 bytes
 * a token, 2 or 4, unsigned; 16: int32 vocabulary size; 24: int64 tokens; 32: int64 documents; 40: SHA-256 of all that follows the
 * header; zeros), the tokens, zeros up to a multiple of 8, then the position of each document's first token as int64.
 *
 * <p>Concurrency: immutable, read by any number of threads; reading after {@link #close} throws {@link IllegalStateException}.
 * Crash: {@link TokenBinWriter} publishes a file only when it is whole. A file changed while mapped is undefined behaviour: token bins
 * are written once.
 */
public final class TokenBin implements TokenSource, AutoCloseable {

    static final int HEADER_BYTES = 128;
    static final long MAGIC = ByteBuffer.wrap("ISOFTOK1".getBytes(StandardCharsets.US_ASCII))
            .order(ByteOrder.LITTLE_ENDIAN)
            .getLong();
    static final int VERSION = 1;
    static final int SHA_OFFSET = 40;

    private static final int LLMC_MAGIC = 20240520;
    private static final int LLMC_HEADER_BYTES = 256 * Integer.BYTES;

    private static final ValueLayout.OfShort U16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt I32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong I64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final Arena arena;
    private final Path file;
    private final MemorySegment map;
    private final long tokensAt;
    private final int tokenBytes;
    private final int vocabSize;
    private final long length;
    private final long indexAt;
    private final long documents;

    private TokenBin(
            Arena arena,
            Path file,
            MemorySegment map,
            long tokensAt,
            int tokenBytes,
            int vocabSize,
            long length,
            long indexAt,
            long documents) {
        this.arena = arena;
        this.file = file;
        this.map = map;
        this.tokensAt = tokensAt;
        this.tokenBytes = tokenBytes;
        this.vocabSize = vocabSize;
        this.length = length;
        this.indexAt = indexAt;
        this.documents = documents;
    }

    /**
     * Maps a file and checks all of it: header, size, SHA-256, every id and the document index (about 1 s a GB).
     *
     * @throws TokenBinException if the file is not whole and right; the message says what is wrong and how far it goes
     */
    public static TokenBin open(Path file) throws IOException {
        TokenBin bin = openUnverified(file);
        try {
            bin.verify();
            return bin;
        } catch (Throwable t) {
            bin.close();
            throw t;
        }
    }

    /** Maps a file and checks its header and size only: for files whose content was checked before. */
    @SuppressWarnings("MustBeClosed") // closed by the bin, or below if there will be none
    public static TokenBin openUnverified(Path file) throws IOException {
        Arena arena = Arena.ofShared();
        try {
            MemorySegment map = map(file, arena, HEADER_BYTES);
            if (map.get(I64, 0) != MAGIC) {
                throw new TokenBinException(file + " is not a token bin: it does not begin with ISOFTOK1");
            }
            int version = map.get(I32, 8);
            int tokenBytes = map.get(I32, 12);
            int vocabSize = map.get(I32, 16);
            long length = map.get(I64, 24);
            long documents = map.get(I64, 32);
            if (version != VERSION) {
                throw new TokenBinException(
                        file + " has version " + version + "; this program reads version " + VERSION);
            }
            if ((tokenBytes != 2 && tokenBytes != 4)
                    || vocabSize < 1
                    || (tokenBytes == 2 && vocabSize > 0x10000)
                    || length < 0
                    || documents < 0
                    || length > Long.MAX_VALUE / 16
                    || documents > Long.MAX_VALUE / 16) {
                throw new TokenBinException(
                        file + " has a corrupt header: " + tokenBytes + " bytes a token, vocabulary " + vocabSize + ", "
                                + length + " tokens, " + documents + " documents");
            }
            long indexAt = indexAt(length, tokenBytes);
            checkSize(file, map, indexAt + documents * Long.BYTES, length + " tokens and " + documents + " documents");
            return new TokenBin(arena, file, map, HEADER_BYTES, tokenBytes, vocabSize, length, indexAt, documents);
        } catch (Throwable t) {
            arena.close();
            throw t;
        }
    }

    /**
     * Maps a bin of llm.c (a header of 256 int32: magic 20240520, version 1, tokens; then uint16 ids). It has no documents.
     *
     * @param vocabSize the bin does not say it; 50257 for GPT-2
     * @throws TokenBinException if the file is not such a bin, is not whole or holds a larger id
     */
    @SuppressWarnings("MustBeClosed") // closed by the bin, or below if there will be none
    public static TokenBin openLlmC(Path file, int vocabSize) throws IOException {
        Arena arena = Arena.ofShared();
        try {
            MemorySegment map = map(file, arena, LLMC_HEADER_BYTES);
            if (map.get(I32, 0) != LLMC_MAGIC) {
                throw new TokenBinException(
                        file + " is not an llm.c token bin: magic " + map.get(I32, 0) + " instead of " + LLMC_MAGIC);
            }
            if (map.get(I32, 4) != 1) {
                throw new TokenBinException(
                        file + " has llm.c's version " + map.get(I32, 4) + "; version 1 (uint16) can be read");
            }
            long length = Integer.toUnsignedLong(map.get(I32, 8));
            checkSize(file, map, LLMC_HEADER_BYTES + 2 * length, length + " tokens");
            TokenBin bin = new TokenBin(arena, file, map, LLMC_HEADER_BYTES, 2, vocabSize, length, 0, 0);
            bin.verifyIds();
            return bin;
        } catch (Throwable t) {
            arena.close();
            throw t;
        }
    }

    @Override
    public int vocabSize() {
        return vocabSize;
    }

    @Override
    public long length() {
        return length;
    }

    @Override
    public void read(long position, int[] target, int offset, int count) {
        if (position < 0 || count < 0 || position > length - count) {
            throw new IndexOutOfBoundsException(
                    "tokens [" + position + ", " + (position + count) + ") of " + length + " in " + file);
        }
        Objects.checkFromIndexSize(offset, count, target.length);
        if (tokenBytes == 2) {
            long at = tokensAt + 2 * position;
            for (int i = 0; i < count; i++) {
                target[offset + i] = map.get(U16, at + 2L * i) & 0xFFFF;
            }
        } else {
            MemorySegment.copy(map, I32, tokensAt + 4 * position, target, offset, count);
        }
    }

    /** Number of documents; 0 if the file does not say. */
    public long documents() {
        return documents;
    }

    /** Position of the first token of a document in {@code [0, documents())}. */
    public long documentStart(long document) {
        Objects.checkIndex(document, documents);
        return map.get(I64, indexAt + document * Long.BYTES);
    }

    /** Position after the last token of a document. */
    public long documentEnd(long document) {
        Objects.checkIndex(document, documents);
        return document + 1 < documents ? documentStart(document + 1) : length;
    }

    /** The SHA-256 in the header, hex. Not of an llm.c bin. */
    public String payloadSha256() {
        return HexFormat.of().formatHex(map.asSlice(SHA_OFFSET, 32).toArray(ValueLayout.JAVA_BYTE));
    }

    @Override
    public void close() {
        arena.close();
    }

    static long indexAt(long tokens, int tokenBytes) {
        return HEADER_BYTES + tokens * tokenBytes + 7 & ~7L;
    }

    private static MemorySegment map(Path file, Arena arena, int headerBytes) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            if (channel.size() < headerBytes) {
                throw new TokenBinException(
                        file + " is truncated: " + channel.size() + " bytes, less than a header of " + headerBytes);
            }
            return channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
        }
    }

    private static void checkSize(Path file, MemorySegment map, long wanted, String holds) throws TokenBinException {
        if (map.byteSize() != wanted) {
            throw new TokenBinException(file + " is " + (map.byteSize() < wanted ? "truncated" : "too long")
                    + ": its header says " + holds + ", " + wanted + " bytes, and it has " + map.byteSize());
        }
    }

    private void verify() throws TokenBinException {
        MessageDigest digest = sha256();
        long at = HEADER_BYTES;
        while (at < map.byteSize()) {
            long part = Math.min(1 << 24, map.byteSize() - at);
            digest.update(map.asSlice(at, part).asByteBuffer());
            at += part;
        }
        if (!Arrays.equals(digest.digest(), map.asSlice(SHA_OFFSET, 32).toArray(ValueLayout.JAVA_BYTE))) {
            throw new TokenBinException(file + " is corrupt: its content does not have the SHA-256 its header says");
        }
        verifyIds();
        long previous = 0;
        for (long d = 0; d < documents; d++) {
            long start = documentStart(d);
            if (start < previous || start > length || (d == 0 && start != 0)) {
                throw new TokenBinException(
                        file + " is corrupt: document " + d + " starts at " + start + " of " + length);
            }
            previous = start;
        }
    }

    private void verifyIds() throws TokenBinException {
        int[] block = new int[1 << 14];
        for (long at = 0; at < length; at += block.length) {
            int count = (int) Math.min(block.length, length - at);
            read(at, block, 0, count);
            for (int i = 0; i < count; i++) {
                if (Integer.compareUnsigned(block[i], vocabSize) >= 0) {
                    throw new TokenBinException(file + " is corrupt: token " + (at + i) + " is "
                            + Integer.toUnsignedString(block[i]) + ", and the vocabulary has " + vocabSize);
                }
            }
        }
    }

    static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
