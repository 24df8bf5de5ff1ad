package dev.isoflop.runner.work;

import dev.isoflop.lm.train.StepResult;
import dev.isoflop.protocol.job.PretrainSpec;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Consumer;

/** What a pretraining run needs of an engine: so that another backend is another implementation. */
public interface TrainingEngine {

    /** @throws IllegalArgumentException if the settings or the data do not fit the model */
    Session create(PretrainSpec spec, PreparedDataset data, int threads) throws InterruptedException;

    /** Goes on from a checkpoint that {@link Session#save} wrote, bitwise as if never interrupted. */
    Session resume(PretrainSpec spec, Path checkpoint, PreparedDataset data, int threads)
            throws IOException, InterruptedException;

    /** One model in training; used by one thread at a time. */
    interface Session extends AutoCloseable {

        long stepsDone();

        /** Most steps it is worth asking for at once: 1 for an engine that gains nothing by knowing more ahead. */
        int mostAhead();

        /**
         * Trains until a step, and hands over the result of every step in order. Stops early behind a result that is not finite.
         *
         * @param step more than {@link #stepsDone}, at most the run's steps
         */
        void advance(long step, Consumer<StepResult> results) throws InterruptedException;

        /** Mean loss over at most about {@code maxTokens} held-out tokens, nats per token; changes no state. */
        double evaluate(long maxTokens) throws InterruptedException;

        /** What it trains on. */
        TrainingDevice device();

        /**
         * Where its time and memory go. The first call asks for it, and it may take further steps until there is an answer, since a step
         * is measured that is done anyway; until then there is none. Never waits, and changes no bit of what is trained.
         */
        Optional<TrainingProfile> profile();

        /** Writes a checkpoint of the last step handed over. */
        void save(Path directory) throws IOException, InterruptedException;

        @Override
        void close();
    }
}
