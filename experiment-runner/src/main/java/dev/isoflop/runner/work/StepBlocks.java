package dev.isoflop.runner.work;

import dev.isoflop.runner.trace.Phase;
import org.jspecify.annotations.Nullable;

/**
 * The steps of a run as phases: each goes on until something else is done (an evaluation, a checkpoint, the end), or until it is long enough.
 *
 * <p>Concurrency: the training thread's alone.
 */
final class StepBlocks {

    private final AttemptContext context;
    private @Nullable Phase block;
    private long from;
    private long begunNanos;

    StepBlocks(AttemptContext context) {
        this.context = context;
    }

    /** Steps are about to be done, from that one on. */
    void steps(long step) {
        if (block == null) {
            block = context.phase("steps");
            from = step;
            begunNanos = System.nanoTime();
        }
    }

    /** Steps up to that one are done, and others follow at once unless something else does. */
    void done(long step) {
        if (block != null && System.nanoTime() - begunNanos >= context.cutNanos()) {
            end(step);
        }
    }

    /** Something else follows. */
    void end(long step) {
        if (block != null) {
            block.with("step.from", from).with("step.to", step).close();
            block = null;
        }
    }
}
