package dev.isoflop.runner.work;

import dev.isoflop.protocol.job.FileRef;
import dev.isoflop.protocol.runner.CheckpointCommit;
import dev.isoflop.protocol.runner.ClaimGrant;
import dev.isoflop.protocol.runner.RunProfile;
import dev.isoflop.runner.trace.Phase;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What an executor may know and do while it works on one attempt.
 *
 * <p>Concurrency: every method may be called from any thread of the attempt.
 */
public interface AttemptContext {

    /** How to go on. */
    enum Signal {
        CONTINUE,
        /** Commit a checkpoint, then end as {@link Outcome.Preempted}. */
        CHECKPOINT_AND_STOP,
        /** End now; nothing more will be accepted. */
        STOP
    }

    /** The attempt's own directory, empty at first, deleted at its end. */
    Path directory();

    /** Threads the work may keep busy. */
    int threads();

    /** Where to go on from, if an earlier attempt got somewhere. Its files are got by {@link #fetch}. */
    ClaimGrant.@Nullable Resume resume();

    /**
     * To be asked between units of work. Does not return while {@link #mayWork} is false: work pauses until a heartbeat has been
     * answered again, or metrics have been taken.
     *
     * @throws IOException if what was recorded can no longer be kept or delivered
     */
    Signal signal() throws IOException, InterruptedException;

    /** Whether the work must end at once; never waits. */
    boolean stopped();

    /** Records a point; never waits for the network. */
    void metric(String name, long step, double value);

    /** Says where the work stands; the next heartbeat carries it. */
    void progress(long step, String stage);

    /** Says that the work lives although its step has not moved; a program's output is such a sign. */
    void alive();

    /** Sets how to find out what the work is doing, should it stall; without it, by the stacks of the runner's threads. */
    void describedBy(Supplier<List<String>> what);

    void info(String line);

    /**
     * Adds a line to the run's log only, for work that has much to say; never waits.
     *
     * @param level INFO, WARN or ERROR
     */
    void log(String level, String line);

    /** Who is executed, for work that has to tell others. */
    ClaimGrant.Assignment assignment();

    /**
     * Whether work may go on: the platform has not been away for longer than this runner bears, and there is room for what is recorded.
     * Never waits. For work that goes on by itself and has to be halted: {@link #signal} then waits until it may go on.
     */
    boolean mayWork();

    /** Whether the platform has been silent for nearly a lease: what is to be brought to it has to wait. */
    boolean platformAway();

    /** Reports where the time goes; never waits for the network. A platform that refuses it is no reason to stop. */
    void profile(RunProfile profile);

    /** Points recorded so far, to hand to {@link #awaitMetrics}. */
    long metricsRecorded();

    /** Waits until the first {@code points} points are stored; false if the work was stopped before. */
    boolean awaitMetrics(long points) throws InterruptedException;

    /** Stores a file under its hash unless the platform has it; false if the work was stopped before. */
    boolean upload(FileRef ref, Path file);

    /** Fetches a file by its hash, verified; false if the work was stopped before. */
    boolean fetch(FileRef ref, Path target) throws IOException;

    /**
     * Begins something that takes time, for the run's trace; to be closed when it is done. Costs nothing where nothing is traced.
     *
     * @param name one of a few words
     */
    default Phase phase(String name) {
        return Phase.NONE;
    }

    /** How long a phase that goes on and on should be before another takes its place, nanoseconds. */
    default long cutNanos() {
        return Long.MAX_VALUE;
    }

    /** Whether so many bytes may be written to the work directory's disk, which is to keep a reserve free. */
    boolean hasRoomFor(long bytes);

    /**
     * Takes a saved checkpoint into the runner's keeping, where it outlives this process, in place of the one before. An attempt of this
     * run that this runner is granted later goes on from it, unless one has been committed since.
     *
     * @param directory that is moved
     * @return where it lies now
     */
    Path keep(Path directory, CheckpointCommit checkpoint) throws IOException;

    /** Makes a checkpoint visible; false if the work was stopped before. What was kept of it is deleted. */
    boolean commit(CheckpointCommit checkpoint);
}
