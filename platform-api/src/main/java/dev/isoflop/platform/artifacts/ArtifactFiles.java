package dev.isoflop.platform.artifacts;

import dev.isoflop.db.artifact.ArtifactStore;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.protocol.error.ErrorCode;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.stereotype.Component;
import org.springframework.transaction.support.TransactionTemplate;

/**
 * Files by the SHA-256 of their content: {@code artifacts/ab/abcdef…}.
 *
 * <p>Concurrency: a file is written beside its place, hashed on the way, forced to disk and renamed into place, so
 * readers see the whole file or none, and two writers of one file cannot spoil each other. The rename happens while the
 * file's row is locked, as does a deletion.
 *
 * <p>Crash: what is left of an interrupted upload is a file in {@code tmp/}, removed at the next start once it is a day
 * old. A file in place without a row is harmless; a row whose file is gone or has another length counts as absent, and
 * putting the file again heals it.
 */
@Component
public class ArtifactFiles {

    private static final Logger log = LoggerFactory.getLogger(ArtifactFiles.class);
    private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");
    private static final int PRUNE_AT_ONCE = 1_000;

    private final Path root;
    private final Path temporary;
    private final ArtifactStore store;
    private final TransactionTemplate transactions;

    ArtifactFiles(
            @Value("${isoflop.artifacts.directory:${isoflop.home:${user.home}/.isoflop}/artifacts}") Path root,
            ArtifactStore store,
            TransactionTemplate transactions)
            throws IOException {
        this.root = root;
        this.temporary = root.resolve(ArtifactPaths.TEMPORARY);
        this.store = store;
        this.transactions = transactions;
        Files.createDirectories(temporary);
        removeLeftovers();
    }

    /** A stored file. */
    public record Stored(Path path, long bytes) {}

    /**
     * Stores what the stream holds.
     *
     * @return how many bytes
     * @throws ProblemException checksum-mismatch when they do not hash to the name; nothing is kept then
     * @throws IOException when the stream or the disk fails; nothing is kept then
     */
    public long put(String sha256, InputStream content) throws IOException {
        check(sha256);
        Path partial = Files.createTempFile(temporary, sha256.substring(0, 8) + "-", ".part");
        try {
            MessageDigest digest = sha256();
            long bytes = copy(content, partial, digest);
            String actual = HexFormat.of().formatHex(digest.digest());
            if (!actual.equals(sha256)) {
                throw new ProblemException(
                        ErrorCode.CHECKSUM_MISMATCH,
                        "The %d bytes received hash to %s, not to %s. Send them again."
                                .formatted(bytes, actual, sha256));
            }
            transactions.executeWithoutResult(status -> {
                store.put(sha256, bytes);
                moveIntoPlace(partial, path(sha256));
            });
            return bytes;
        } finally {
            Files.deleteIfExists(partial);
        }
    }

    /** The file, if it is there and whole. */
    public Optional<Stored> find(String sha256) {
        check(sha256);
        long bytes = store.bytes(sha256).orElse(-1);
        return bytes >= 0 && isWhole(sha256, bytes) ? Optional.of(new Stored(path(sha256), bytes)) : Optional.empty();
    }

    /** Whether a file of that name and length lies on disk: a file itself, and no link that leads out of the store. */
    public boolean isWhole(String sha256, long bytes) {
        try {
            if (!SHA256.matcher(sha256).matches() || Files.isSymbolicLink(directory(path(sha256)))) {
                return false;
            }
            BasicFileAttributes file =
                    Files.readAttributes(path(sha256), BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
            return file.isRegularFile() && file.size() == bytes;
        } catch (NoSuchFileException e) {
            return false;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Deletes files that nothing needs any more, see {@link ArtifactStore#unreferenced}.
     *
     * @return how many
     */
    public int prune() {
        return delete(store.unreferenced(PRUNE_AT_ONCE));
    }

    /**
     * Deletes files of superseded checkpoints without waiting until they are old.
     *
     * @return how many
     */
    public int makeRoom() {
        return delete(store.superseded(PRUNE_AT_ONCE));
    }

    private int delete(List<String> unneeded) {
        int pruned = 0;
        for (String sha256 : unneeded) {
            // The row stays locked while the file goes, so that nobody can put it in between.
            Boolean forgotten = transactions.execute(status -> {
                boolean forget = store.forgetUnreferenced(sha256);
                if (forget) {
                    delete(path(sha256));
                }
                return forget;
            });
            pruned += Boolean.TRUE.equals(forgotten) ? 1 : 0;
        }
        if (pruned > 0) {
            log.info("Pruned {} files of superseded checkpoints", pruned);
        }
        return pruned;
    }

    /**
     * Writes a byte where uploads are written, and takes it away again.
     *
     * @return bytes that are free there
     * @throws IOException if nothing can be written
     */
    public long probe() throws IOException {
        Path file = Files.createTempFile(temporary, "probe-", ".part");
        try {
            Files.write(file, new byte[] {1});
            return Files.getFileStore(file).getUsableSpace();
        } finally {
            Files.deleteIfExists(file);
        }
    }

    /** Whether a file of that length would fit. It may not when it has arrived: {@link #put} is what counts. */
    public boolean hasRoomFor(long bytes) throws IOException {
        return Files.getFileStore(temporary).getUsableSpace() >= bytes;
    }

    private Path path(String sha256) {
        return ArtifactPaths.of(root, sha256);
    }

    private static long copy(InputStream content, Path to, MessageDigest digest) throws IOException {
        byte[] buffer = new byte[1 << 18];
        long bytes = 0;
        try (FileChannel channel = FileChannel.open(to, StandardOpenOption.WRITE)) {
            for (int n = content.read(buffer); n >= 0; n = content.read(buffer)) {
                digest.update(buffer, 0, n);
                ByteBuffer block = ByteBuffer.wrap(buffer, 0, n);
                while (block.hasRemaining()) {
                    bytes += channel.write(block);
                }
            }
            channel.force(true);
        }
        return bytes;
    }

    private static void moveIntoPlace(Path partial, Path place) {
        try {
            Path directory = directory(place);
            if (Files.isSymbolicLink(directory)) {
                throw new IOException(directory + " is a link: nothing is written through it");
            }
            Files.createDirectories(directory);
            Files.move(partial, place, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            // The name has to outlive a power cut as well as the bytes: force the directory.
            try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
                channel.force(true);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path directory(Path place) {
        return Objects.requireNonNull(place.getParent(), "every place is in a directory");
    }

    private static void delete(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void removeLeftovers() throws IOException {
        Instant yesterday = Instant.now().minus(Duration.ofDays(1));
        try (Stream<Path> files = Files.list(temporary)) {
            for (Path file : files.toList()) {
                if (Files.getLastModifiedTime(file).toInstant().isBefore(yesterday)) {
                    Files.deleteIfExists(file);
                }
            }
        }
    }

    private static void check(String sha256) {
        if (!SHA256.matcher(sha256).matches()) {
            throw new ProblemException(
                    ErrorCode.INVALID_REQUEST, "An artifact is named by its SHA-256: 64 lower-case hex digits.");
        }
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has SHA-256", e);
        }
    }
}
