package dev.isoflop.lm.support;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;

/** Fixtures that lie outside the project; tests that need them skip, with the reason, when they are absent. */
public final class Shared {

    private Shared() {}

    public static Path require(String relative) {
        String root = System.getProperty("isoflop.shared", "");
        Path path = Path.of(root).resolve("data").resolve(relative);
        Assumptions.assumeTrue(
                !root.isEmpty() && Files.exists(path),
                () -> "fixture " + relative + " not found; set -Disoflop.shared");
        return path;
    }
}
