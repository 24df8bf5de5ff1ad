package dev.isoflop.runner.work;

import dev.isoflop.lm.tokens.TokenSource;
import java.io.IOException;
import java.nio.file.Path;

/**
 * A dataset opened for training.
 *
 * @param train tokens to learn from
 * @param validation held-out tokens
 * @param validationBytes bytes of text the held-out tokens stand for
 */
public record PreparedDataset(TokenSource train, TokenSource validation, long validationBytes) {

    /** Opens a directory that holds a dataset's files. */
    @FunctionalInterface
    public interface Opener {
        PreparedDataset open(Path directory) throws IOException;
    }

    /** Factor from nats per token to bits per byte of this validation text. */
    public double bitsPerBytePerNat() {
        return validation.length() / (Math.log(2) * validationBytes);
    }
}
