package dev.isoflop.data;

import dev.isoflop.lm.tokenizer.Tokenizer;
import dev.isoflop.lm.tokens.TokenBin;
import java.io.IOException;
import java.nio.file.Path;

/**
 * A dataset opened for reading.
 *
 * <p>Concurrency: any number of threads may read; nobody may after {@link #close}.
 */
public record Dataset(DatasetManifest manifest, Tokenizer tokenizer, TokenBin train, TokenBin validation)
        implements AutoCloseable {

    /**
     * Opens a directory that {@link DatasetBuilder} made, on this machine or another, and checks all of it.
     *
     * @throws IOException if a file is missing, corrupt or not of this dataset
     */
    public static Dataset open(Path directory) throws IOException {
        DatasetManifest manifest = DatasetManifest.read(directory);
        Tokenizer tokenizer = Tokenizer.read(directory.resolve(DatasetManifest.TOKENIZER));
        check(directory, "tokenizer hash", manifest.tokenizerHash(), tokenizer.hash());
        TokenBin train = TokenBin.open(directory.resolve(DatasetManifest.TRAIN));
        try {
            check(directory, "training tokens", manifest.trainTokens(), train.length());
            TokenBin validation = TokenBin.open(directory.resolve(DatasetManifest.VALIDATION));
            try {
                check(directory, "validation tokens", manifest.validationTokens(), validation.length());
                return new Dataset(manifest, tokenizer, train, validation);
            } catch (Throwable t) {
                validation.close();
                throw t;
            }
        } catch (Throwable t) {
            train.close();
            throw t;
        }
    }

    @Override
    public void close() {
        train.close();
        validation.close();
    }

    private static void check(Path directory, String what, Object told, Object found) throws IOException {
        if (!told.equals(found)) {
            throw new IOException("the dataset in " + directory + " is mixed up: " + what + " " + found
                    + ", its manifest says " + told);
        }
    }
}
