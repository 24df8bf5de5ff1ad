package dev.isoflop.protocol.job;

/**
 * A content-addressed file.
 *
 * @param name name inside its dataset or checkpoint, such as {@code train.bin}
 * @param sha256 hash of the content, 64 lower-case hex digits
 * @param bytes length of the content
 */
public record FileRef(String name, String sha256, long bytes) {}
