package dev.isoflop.platform.artifacts;

import java.nio.file.Path;

/** Where a content-addressed file lies: {@code ab/abcdef…}. */
public final class ArtifactPaths {

    /** Directory, below the root, of files that are being written. */
    public static final String TEMPORARY = "tmp";

    private ArtifactPaths() {}

    /**
     * @param root of all artifacts
     * @param sha256 64 hexadecimal digits
     */
    public static Path of(Path root, String sha256) {
        return root.resolve(sha256.substring(0, 2)).resolve(sha256);
    }
}
