package dev.isoflop.lm.tokenizer;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;

/** Files the tests read and the project does not hold. */
final class Fixtures {

    private Fixtures() {}

    /** A file or folder under the shared data; skips the test where it is missing. */
    static Path shared(String relative) {
        Path file = Path.of(System.getProperty("isoflop.shared", "../../shared"), "data", relative);
        Assumptions.assumeTrue(Files.exists(file), "no fixture at " + file);
        return file;
    }

    static Path cs336(String relative) {
        return shared("cs336/assignment1-basics/" + relative);
    }
}
