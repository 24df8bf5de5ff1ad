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
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Brings saved checkpoints to the platform: files first, then, once every metric up to the checkpoint's step has been
 * acknowledged, the commit that makes it visible. In that order a resume can never skip a metric that was lost.
 *
 * <p>Concurrency: one thread uses a publisher. {@link #begin} returns at once and a virtual thread does the work; one
 * checkpoint travels at a time.
 *
 * <p>Crash: until its commit a checkpoint does not exist for anyone else.
 */
public final class CheckpointPublisher {

    private final AttemptContext context;
    private @Nullable FutureTask<Boolean> travelling;

    public CheckpointPublisher(AttemptContext context) {
        this.context = context;
    }

    /** Whether the last checkpoint has arrived, so that another may follow. */
    public boolean idle() {
        return travelling == null || travelling.isDone();
    }

    /** Starts publishing a directory, which is deleted afterwards. */
    public void begin(Path directory, long step, long tokens, double trainSeconds) {
        long points = context.metricsRecorded();
        FutureTask<Boolean> task = new FutureTask<>(() -> {
            try (Phase _ = context.phase("publish checkpoint").with("step", step)) {
                boolean committed = publish(directory, step, tokens, trainSeconds, points);
                Directories.delete(directory);
                return committed;
            }
        });
        travelling = task;
        Thread.ofVirtual().name("checkpoint-" + step).start(task);
    }

    /**
     * Waits for the checkpoint on its way, if there is one.
     *
     * @return whether it was committed; true if there was none
     * @throws IOException if the disk failed
     */
    public boolean await() throws IOException, InterruptedException {
        FutureTask<Boolean> task = travelling;
        travelling = null;
        if (task == null) {
            return true;
        }
        try {
            return task.get();
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

    private boolean publish(Path directory, long step, long tokens, double trainSeconds, long points)
            throws IOException, InterruptedException {
        List<FileRef> files = new ArrayList<>();
        for (Path file : files(directory)) {
            FileRef ref = new FileRef(
                    directory.relativize(file).toString().replace('\\', '/'), Sha256.of(file), Files.size(file));
            if (!context.upload(ref, file)) {
                return false;
            }
            files.add(ref);
        }
        return context.awaitMetrics(points) && context.commit(new CheckpointCommit(step, tokens, trainSeconds, files));
    }

    private static List<Path> files(Path directory) throws IOException {
        try (Stream<Path> walk = Files.walk(directory)) {
            return walk.filter(Files::isRegularFile).sorted().toList();
        }
    }
}
