package dev.isoflop.runner.work;

import dev.isoflop.protocol.job.FileRef;
import dev.isoflop.protocol.runner.CheckpointCommit;
import dev.isoflop.runner.platform.Sha256;
import dev.isoflop.runner.trace.Phase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Brings saved checkpoints to the platform: files first, then, once every metric up to the checkpoint's step has been
 * acknowledged, the commit that makes it visible. In that order a resume can never skip a metric that was lost.
 *
 * <p>While the platform is away a newer checkpoint takes the place of the one that waits.
 *
 * <p>Concurrency: one thread uses a publisher. {@link #begin} returns at once and a virtual thread does the work; one
 * checkpoint travels at a time.
 *
 * <p>Crash: until its commit a checkpoint does not exist for anyone else; it is kept ({@link AttemptContext#keep}) for a later attempt
 * of the same runner.
 */
public final class CheckpointPublisher {

    private final AttemptContext context;
    private @Nullable Travel travelling;

    public CheckpointPublisher(AttemptContext context) {
        this.context = context;
    }

    /** One checkpoint on its way. */
    private static final class Travel {
        final FutureTask<Boolean> task;
        final Thread thread;
        volatile boolean superseded;

        Travel(String name, Function<Travel, Callable<Boolean>> work) {
            this.task = new FutureTask<>(work.apply(this));
            this.thread = Thread.ofVirtual().name(name).unstarted(task);
        }
    }

    /** Whether another checkpoint may follow: the last one has arrived, or cannot and may be replaced. */
    public boolean takesAnother() {
        return travelling == null || travelling.task.isDone() || context.platformAway();
    }

    /** Whether none is on its way. */
    public boolean idle() {
        return travelling == null || travelling.task.isDone();
    }

    /**
     * Waits for the one on its way, or gives it up because the platform is away.
     *
     * @return false if the work was stopped before it arrived
     * @throws IOException if the disk failed
     */
    public boolean makeWay() throws IOException, InterruptedException {
        Travel before = travelling;
        if (before != null && !before.task.isDone() && context.platformAway()) {
            before.superseded = true;
            before.thread.interrupt();
            before.thread.join();
            travelling = null;
            return true;
        }
        return await();
    }

    /** Starts publishing a directory, which is deleted afterwards. {@link #makeWay} comes first. */
    public void begin(Path directory, long step, long tokens, double trainSeconds) {
        long points = context.metricsRecorded();
        Travel travel = new Travel("checkpoint-" + step, self -> () -> {
            try (Phase _ = context.phase("publish checkpoint").with("step", step)) {
                return publish(directory, step, tokens, trainSeconds, points);
            } catch (IOException | RuntimeException | InterruptedException e) {
                if (self.superseded) {
                    return false; // what an interrupt does to whoever is reading or sending
                }
                throw e;
            }
        });
        travelling = travel;
        travel.thread.start();
    }

    /**
     * Waits for the checkpoint on its way, if there is one.
     *
     * @return whether it was committed; true if there was none
     * @throws IOException if the disk failed
     */
    public boolean await() throws IOException, InterruptedException {
        Travel travel = travelling;
        travelling = null;
        if (travel == null) {
            return true;
        }
        try {
            return travel.task.get();
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case IOException io -> throw io;
                case RuntimeException runtime -> throw runtime;
                case Error error -> throw error;
                case null -> throw new IllegalStateException(e);
                case Throwable other -> throw new IllegalStateException(other);
            }
        }
    }

    private boolean publish(Path saved, long step, long tokens, double trainSeconds, long points)
            throws IOException, InterruptedException {
        List<FileRef> files = new ArrayList<>();
        for (Path file : files(saved)) {
            files.add(new FileRef(
                    saved.relativize(file).toString().replace('\\', '/'), Sha256.of(file), Files.size(file)));
        }
        CheckpointCommit checkpoint = new CheckpointCommit(step, tokens, trainSeconds, files);
        Path directory = context.keep(saved, checkpoint);
        for (FileRef file : files) {
            if (!context.upload(file, directory.resolve(file.name()))) {
                return false;
            }
        }
        if (!context.awaitMetrics(points) || !context.commit(checkpoint)) {
            return false;
        }
        if (directory.equals(saved)) {
            Directories.delete(saved); // nobody has it in keeping
        }
        return true;
    }

    private static List<Path> files(Path directory) throws IOException {
        try (Stream<Path> walk = Files.walk(directory)) {
            return walk.filter(Files::isRegularFile).sorted().toList();
        }
    }
}
