package dev.isoflop.lm.tokens;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Objects;

/**
 * Writes a {@link TokenBin}, document by document. The same documents give the same bytes.
 *
 * <p>Concurrency: for one thread. Crash: the file is written under a temporary name beside its target, forced to disk and moved over
 * the target by {@link #commit}; until then the target is untouched, and closing without a commit removes the temporary file.
 */
public final class TokenBinWriter implements AutoCloseable {

    private final Path target;
    private final Path temporary;
    private final FileChannel channel;
    private final int vocabSize;
    private final int tokenBytes;
    private final MessageDigest digest = TokenBin.sha256();
    private final ByteBuffer buffer = ByteBuffer.allocate(1 << 18).order(ByteOrder.LITTLE_ENDIAN);
    private long[] starts = new long[1024];
    private int documents;
    private long tokens;
    private boolean committed;

    /** @param vocabSize ids must be below it; up to 65,536 a token takes two bytes, above it four */
    public TokenBinWriter(Path target, int vocabSize) throws IOException {
        if (vocabSize < 1) {
            throw new IllegalArgumentException("vocabSize = " + vocabSize + " must be at least 1");
        }
        this.target = target.toAbsolutePath();
        this.vocabSize = vocabSize;
        this.tokenBytes = vocabSize <= 0x10000 ? 2 : 4;
        this.temporary = Files.createTempFile(this.target.getParent(), this.target.getFileName() + ".", ".tmp");
        this.channel = FileChannel.open(temporary, StandardOpenOption.WRITE);
        channel.position(TokenBin.HEADER_BYTES);
    }

    /** Appends a document's ids as they are: end-of-text tokens are the caller's to put. */
    public void addDocument(int[] ids) throws IOException {
        addDocument(ids, 0, ids.length);
    }

    /** Appends {@code ids[offset..offset + count)} as one document. */
    public void addDocument(int[] ids, int offset, int count) throws IOException {
        Objects.checkFromIndexSize(offset, count, ids.length);
        if (documents == starts.length) {
            starts = Arrays.copyOf(starts, 2 * documents);
        }
        starts[documents++] = tokens;
        for (int i = offset; i < offset + count; i++) {
            int id = ids[i];
            if (id < 0 || id >= vocabSize) {
                throw new IllegalArgumentException("token id " + id + " in document " + (documents - 1)
                        + " is outside the vocabulary of " + vocabSize);
            }
            if (buffer.remaining() < 4) {
                flush();
            }
            if (tokenBytes == 2) {
                buffer.putShort((short) id);
            } else {
                buffer.putInt(id);
            }
        }
        tokens += count;
    }

    /** Tokens so far. */
    public long tokens() {
        return tokens;
    }

    /** Finishes the file and gives it its name. */
    public void commit() throws IOException {
        if (committed) {
            throw new IllegalStateException(target + " is written already");
        }
        flush();
        long padding = TokenBin.indexAt(tokens, tokenBytes) - channel.position();
        buffer.put(new byte[(int) padding]);
        for (int d = 0; d < documents; d++) {
            if (buffer.remaining() < Long.BYTES) {
                flush();
            }
            buffer.putLong(starts[d]);
        }
        flush();
        ByteBuffer header = ByteBuffer.allocate(TokenBin.HEADER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        header.putLong(0, TokenBin.MAGIC)
                .putInt(8, TokenBin.VERSION)
                .putInt(12, tokenBytes)
                .putInt(16, vocabSize)
                .putLong(24, tokens)
                .putLong(32, documents)
                .put(TokenBin.SHA_OFFSET, digest.digest());
        channel.position(0);
        writeFully(header);
        channel.force(true);
        channel.close();
        Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
        committed = true;
    }

    @Override
    public void close() throws IOException {
        channel.close();
        if (!committed) {
            Files.deleteIfExists(temporary);
        }
    }

    private void flush() throws IOException {
        buffer.flip();
        digest.update(buffer.duplicate());
        writeFully(buffer);
        buffer.clear();
    }

    private void writeFully(ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }
}
