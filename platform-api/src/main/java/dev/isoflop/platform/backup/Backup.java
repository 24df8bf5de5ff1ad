package dev.isoflop.platform.backup;

import dev.isoflop.db.artifact.ArtifactStore;
import dev.isoflop.platform.artifacts.ArtifactPaths;
import java.io.BufferedOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.zip.Deflater;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyManager;
import tools.jackson.databind.json.JsonMapper;

/**
 * Writes a backup: all tables as one snapshot has them, and every file that the database names.
 *
 * <p>Concurrency: the platform may be at work. The snapshot is a read-only transaction, which holds up nobody; while it is
 * open no file is pruned (an advisory lock), so all that it names are there.
 *
 * <p>Crash: the archive is written beside its place and renamed at the end.
 */
final class Backup {

    private final Connection connection;
    private final Path artifacts;
    private final JsonMapper json;

    /**
     * @param connection used for this alone, and closed by the caller: the lock ends with it
     * @param artifacts directory of the content-addressed files
     */
    Backup(Connection connection, Path artifacts, JsonMapper json) {
        this.connection = connection;
        this.artifacts = artifacts;
        this.json = json;
    }

    /**
     * @param skipDamaged whether files that are missing or damaged are left out; otherwise they are a reason to refuse
     */
    Manifest write(Path file, boolean skipDamaged) throws SQLException, IOException {
        Path directory = file.toAbsolutePath().getParent();
        if (directory == null || !Files.isDirectory(directory)) {
            throw new BackupException(
                    "There is no directory " + directory + " to write " + file.getFileName() + " in.");
        }
        // A temporary file is its owner's only: a backup holds what the database does.
        Path partial = Files.createTempFile(directory, file.getFileName() + ".", ".part");
        try {
            Catalog.run(connection, "select pg_advisory_lock_shared(" + ArtifactStore.PRUNING + ")");
            connection.setAutoCommit(false);
            Catalog.run(connection, "set transaction isolation level repeatable read, read only");
            Manifest manifest = write(partial, entries -> fill(entries, skipDamaged));
            connection.rollback();
            try (var written = java.nio.channels.FileChannel.open(partial, StandardOpenOption.WRITE)) {
                written.force(true);
            }
            Files.move(partial, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            return manifest;
        } finally {
            Files.deleteIfExists(partial);
        }
    }

    /** Writes all entries but the manifest, and says what they are. */
    private interface Entries {
        Manifest fill(ZipOutputStream zip) throws SQLException, IOException;
    }

    private Manifest write(Path partial, Entries entries) throws SQLException, IOException {
        try (ZipOutputStream zip =
                new ZipOutputStream(new BufferedOutputStream(Files.newOutputStream(partial), 1 << 18))) {
            Manifest manifest = entries.fill(zip);
            byte[] bytes = json.writerWithDefaultPrettyPrinter().writeValueAsBytes(manifest);
            zip.setLevel(Deflater.BEST_SPEED);
            zip.putNextEntry(new ZipEntry(Manifest.ENTRY));
            zip.write(bytes);
            zip.closeEntry();
            zip.setComment(BackupFile.comment(bytes));
            return manifest;
        }
    }

    private Manifest fill(ZipOutputStream zip, boolean skipDamaged) throws SQLException, IOException {
        if (!Catalog.hasHistory(connection)) {
            throw new BackupException("The database holds nothing of Isoflop's.");
        }
        Instant now = Catalog.list(connection, "select now()", rs -> rs.getObject(1, OffsetDateTime.class))
                .getFirst()
                .toInstant();
        List<Manifest.Migration> migrations = Catalog.migrations(connection);
        List<Manifest.Artifact> kept = new ArrayList<>();
        List<Manifest.Artifact> leftOut = new ArrayList<>();
        sort(kept, leftOut, skipDamaged);
        List<Manifest.Table> tables = new ArrayList<>();
        zip.setLevel(Deflater.BEST_SPEED);
        for (Catalog.TableColumns table : Catalog.tables(connection)) {
            tables.add(copyOut(table, zip));
        }
        // After the rows: what a sequence gives out is never taken back, so it is not below any id that was copied.
        List<Manifest.Sequence> sequences = Catalog.sequences(connection);
        zip.setLevel(Deflater.NO_COMPRESSION); // weights and tokens hardly compress
        for (Manifest.Artifact artifact : kept) {
            copy(artifact, zip);
        }
        return new Manifest(
                Manifest.FORMAT,
                now,
                connection.getMetaData().getDatabaseProductVersion(),
                migrations.getLast().version(),
                migrations,
                tables,
                sequences,
                kept,
                leftOut);
    }

    private Manifest.Table copyOut(Catalog.TableColumns table, ZipOutputStream zip) throws SQLException, IOException {
        Manifest.Table entry = new Manifest.Table(table.schema(), table.name(), table.columns(), 0, 0, "");
        zip.putNextEntry(new ZipEntry(entry.entry()));
        Counting out = new Counting(zip);
        CopyManager copy = connection.unwrap(PGConnection.class).getCopyAPI();
        long rows =
                copy.copyOut("copy " + table.quoted() + " (" + Catalog.quoted(table.columns()) + ") to stdout", out);
        zip.closeEntry();
        return new Manifest.Table(table.schema(), table.name(), table.columns(), rows, out.bytes, out.sha256());
    }

    private void sort(List<Manifest.Artifact> kept, List<Manifest.Artifact> leftOut, boolean skipDamaged)
            throws SQLException, IOException {
        for (Manifest.Artifact artifact : Catalog.list(
                connection,
                "select sha256, bytes from artifact order by sha256",
                rs -> new Manifest.Artifact(rs.getString(1), rs.getLong(2)))) {
            boolean good = isThere(artifact) && (!skipDamaged || isWhole(artifact));
            (good ? kept : leftOut).add(artifact);
        }
        if (!leftOut.isEmpty() && !skipDamaged) {
            throw new BackupException(
                    "%d of the files that the database names are missing or have another length in %s, %s first. --skip-damaged leaves such files out."
                            .formatted(
                                    leftOut.size(),
                                    artifacts,
                                    leftOut.getFirst().sha256()));
        }
    }

    private boolean isThere(Manifest.Artifact artifact) throws IOException {
        try {
            return Files.size(ArtifactPaths.of(artifacts, artifact.sha256())) == artifact.bytes();
        } catch (NoSuchFileException e) {
            return false;
        }
    }

    private boolean isWhole(Manifest.Artifact artifact) throws IOException {
        try (Counting out = new Counting(OutputStream.nullOutputStream())) {
            Files.copy(ArtifactPaths.of(artifacts, artifact.sha256()), out);
            return out.sha256().equals(artifact.sha256());
        }
    }

    private void copy(Manifest.Artifact artifact, ZipOutputStream zip) throws IOException {
        Path file = ArtifactPaths.of(artifacts, artifact.sha256());
        zip.putNextEntry(new ZipEntry(artifact.entry()));
        Counting out = new Counting(zip);
        try (InputStream in = Files.newInputStream(file)) {
            in.transferTo(out);
        }
        zip.closeEntry();
        if (out.bytes != artifact.bytes() || !out.sha256().equals(artifact.sha256())) {
            throw new BackupException("The file " + file
                    + " is damaged: its content does not hash to its name. --skip-damaged leaves such files out.");
        }
    }

    /** Counts and hashes what passes. Does not close what it writes to. */
    private static final class Counting extends FilterOutputStream {

        private final MessageDigest digest;
        private long bytes;

        Counting(OutputStream out) {
            this(out, BackupFile.sha256());
        }

        private Counting(OutputStream out, MessageDigest digest) {
            super(new DigestOutputStream(out, digest));
            this.digest = digest;
        }

        @Override
        public void write(int b) throws IOException {
            out.write(b);
            bytes++;
        }

        @Override
        public void write(byte[] b, int off, int len) throws IOException {
            out.write(b, off, len);
            bytes += len;
        }

        @Override
        public void close() {}

        /** Ends the count. */
        String sha256() {
            return HexFormat.of().formatHex(digest.digest());
        }
    }
}
