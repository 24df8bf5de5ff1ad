package dev.isoflop.platform.backup;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A backup that is read: a ZIP archive whose comment has the hash of its manifest, which has the hashes of all else. Its
 * entries are streams, so that neither a table nor a file has to fit in memory.
 */
final class BackupFile implements AutoCloseable {

    private static final String COMMENT = "isoflop backup, manifest sha256 ";

    private final Path file;
    private final ZipFile zip;
    private final Manifest manifest;

    private BackupFile(Path file, ZipFile zip, Manifest manifest) {
        this.file = file;
        this.zip = zip;
        this.manifest = manifest;
    }

    static String comment(byte[] manifest) {
        return COMMENT + HexFormat.of().formatHex(sha256().digest(manifest));
    }

    /** @throws BackupException if it is no backup, is damaged, or is of a newer format */
    static BackupFile open(Path file, JsonMapper json) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw new BackupException("There is no file " + file + ".");
        }
        ZipFile zip;
        try {
            zip = new ZipFile(file.toFile());
        } catch (ZipException e) {
            throw new BackupException(file + " is no backup, or its end is missing (" + e.getMessage() + ").", e);
        }
        try {
            return new BackupFile(file, zip, manifest(file, zip, json));
        } catch (IOException | RuntimeException e) {
            zip.close();
            throw e;
        }
    }

    private static Manifest manifest(Path file, ZipFile zip, JsonMapper json) throws IOException {
        ZipEntry entry = zip.getEntry(Manifest.ENTRY);
        String comment = zip.getComment();
        if (entry == null || comment == null || !comment.startsWith(COMMENT)) {
            throw new BackupException(file + " is no backup of Isoflop's.");
        }
        byte[] bytes;
        try (InputStream in = zip.getInputStream(entry)) {
            bytes = in.readAllBytes();
        } catch (ZipException e) {
            throw damaged(file, Manifest.ENTRY);
        }
        if (!comment.equals(comment(bytes))) {
            throw damaged(file, Manifest.ENTRY);
        }
        try {
            JsonNode read = json.readTree(bytes);
            int format = read.path("format").asInt(0);
            if (format > Manifest.FORMAT) {
                throw new BackupException(
                        "%s is of format %d; this version of Isoflop reads up to %d. Restore it with the version that made it, or a newer one."
                                .formatted(file, format, Manifest.FORMAT));
            }
            return json.treeToValue(read, Manifest.class);
        } catch (JacksonException e) {
            throw new BackupException(file + " has a manifest that cannot be read: " + e.getOriginalMessage(), e);
        }
    }

    Manifest manifest() {
        return manifest;
    }

    /** Reads all of it, so that nothing is begun that a damaged entry would cut short. */
    void verify() throws IOException {
        for (Manifest.Table table : manifest.tables()) {
            verify(table.entry(), table.bytes(), table.sha256());
        }
        for (Manifest.Artifact artifact : manifest.artifacts()) {
            verify(artifact.entry(), artifact.bytes(), artifact.sha256());
        }
    }

    private void verify(String entry, long bytes, String sha256) throws IOException {
        long read;
        DigestInputStream in = new DigestInputStream(open(entry), sha256());
        try (in) {
            read = in.transferTo(java.io.OutputStream.nullOutputStream());
        } catch (ZipException | java.io.EOFException e) {
            throw damaged(file, entry);
        }
        if (read != bytes
                || !HexFormat.of().formatHex(in.getMessageDigest().digest()).equals(sha256)) {
            throw damaged(file, entry);
        }
    }

    InputStream open(String name) throws IOException {
        ZipEntry entry = zip.getEntry(name);
        if (entry == null) {
            throw damaged(file, name);
        }
        try {
            return zip.getInputStream(entry);
        } catch (ZipException e) {
            throw damaged(file, name);
        }
    }

    private static BackupException damaged(Path file, String entry) {
        return new BackupException(
                file + " is damaged: " + entry + " is not what was backed up. Nothing has been restored.");
    }

    static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has SHA-256", e);
        }
    }

    @Override
    public void close() throws IOException {
        zip.close();
    }
}
