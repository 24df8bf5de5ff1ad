package dev.isoflop.runner.work;

import dev.isoflop.lm.tokens.TokenSource;
import dev.isoflop.lm.train.StepResult;
import dev.isoflop.protocol.job.PretrainSpec;
import java.io.IOException;
import java.nio.file.Path;

/** What a pretraining run needs of an engine: so that another backend is another implementation. */
public interface TrainingEngine {

    /** @throws IllegalArgumentException if the settings or the data do not fit the model */
    Session create(PretrainSpec spec, TokenSource train, int threads);

    /** Goes on from a checkpoint that {@link Session#save} wrote, bitwise as if never interrupted. */
    Session resume(PretrainSpec spec, Path checkpoint, TokenSource train, int threads) throws IOException;

    /** One model in training; used by one thread at a time. */
    interface Session extends AutoCloseable {

        long stepsDone();

        StepResult step();

        /** Mean loss over at most about {@code maxTokens} held-out tokens, nats per token; changes no state. */
        double evaluate(TokenSource source, long maxTokens);

        void save(Path directory) throws IOException;

        @Override
        void close();
    }
}
