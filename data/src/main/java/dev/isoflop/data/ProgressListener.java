package dev.isoflop.data;

/**
 * Told how a build gets on.
 *
 * <p>Concurrency: called by the thread that builds.
 */
@FunctionalInterface
public interface ProgressListener {

    /** The stages of a build, in their order. */
    enum Stage {
        FETCH,
        READ,
        TRAIN_TOKENIZER,
        ENCODE,
        WRITE
    }

    /** Ignores everything. */
    ProgressListener NONE = (stage, message) -> {};

    /** A stage has begun, or has something to say. */
    void progress(Stage stage, String message);
}
