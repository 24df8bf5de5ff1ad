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
 * @param release gives the files back
 */
public record PreparedDataset(TokenSource train, TokenSource validation, long validationBytes, Runnable release)
        implements AutoCloseable {

    /** Opens a directory that holds a dataset's files. */
    @FunctionalInterface
    public interface Opener {
        PreparedDataset open(Path directory) throws IOException;
    }

    /** A dataset of the project's own making. */
    public static PreparedDataset open(Path directory) throws IOException {
        dev.isoflop.data.Dataset dataset = dev.isoflop.data.Dataset.open(directory);
        return new PreparedDataset(
                dataset.train(), dataset.validation(), dataset.manifest().validationBytes(), dataset::close);
    }

    /** Factor from nats per token to bits per byte of this validation text. */
    public double bitsPerBytePerNat() {
        return validation.length() / (Math.log(2) * validationBytes);
    }

    @Override
    public void close() {
        release.run();
    }
}
