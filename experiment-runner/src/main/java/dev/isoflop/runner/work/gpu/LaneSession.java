package dev.isoflop.runner.work.gpu;

import dev.isoflop.lm.cuda.engine.LaneSnapshot;
import dev.isoflop.lm.train.StepResult;
import dev.isoflop.lm.train.TrainingOptions;
import dev.isoflop.runner.work.TrainingDevice;
import dev.isoflop.runner.work.TrainingEngine;
import dev.isoflop.runner.work.TrainingProfile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One run as its attempt sees it: a lane of some array.
 *
 * <p>Concurrency: the attempt's thread calls the methods of {@link TrainingEngine.Session}; the group's thread the others. Results travel
 * through a queue, in bursts, so that neither thread is woken for every step.
 */
final class LaneSession implements TrainingEngine.Session {

    private static final int BURST_MILLIS = 20;

    /** Something a lane is asked for between steps. */
    sealed interface Request {
        record Evaluate(long maxTokens, CompletableFuture<Double> loss) implements Request {}

        record Copy(CompletableFuture<LaneSnapshot> state) implements Request {}
    }

    private final TrainingDevice device;
    private final TrainingOptions options;
    private final @Nullable Path checkpoint;
    private final Deque<StepResult> results = new ArrayDeque<>();
    private final CompletableFuture<Long> ready = new CompletableFuture<>();
    private volatile @Nullable LaneGroup group;
    private volatile @Nullable Request request;
    private volatile long limit;
    private volatile boolean closed;
    private volatile boolean profileAsked;
    private volatile @Nullable TrainingProfile profile;
    private @Nullable Throwable failure;
    private long done;

    /** Lane in the group's array, -1 before it has one; the group's thread alone. */
    int lane = -1;

    /** Since when it stands still waiting for its attempt; the group's thread alone. */
    long stillSince;

    /** @param checkpoint to go on from, or null for a new run */
    LaneSession(TrainingDevice device, TrainingOptions options, @Nullable Path checkpoint) {
        this.device = device;
        this.options = options;
        this.checkpoint = checkpoint;
    }

    // --- the group's side

    TrainingOptions options() {
        return options;
    }

    @Nullable
    Path checkpoint() {
        return checkpoint;
    }

    void joined(LaneGroup to) {
        group = to;
    }

    /** The lane is there and has done so many steps. */
    void begin(long step) {
        limit = step;
        ready.complete(step);
    }

    /** The step it may go to. */
    long limit() {
        return limit;
    }

    boolean isClosed() {
        return closed;
    }

    @Nullable
    Request request() {
        return request;
    }

    void answered() {
        request = null;
    }

    /**
     * Whether it asked for a profile and has none. Apart from {@link #request}, because it is answered by a step and not between steps: a
     * lane that may go no further until it goes on has to be able to ask.
     */
    boolean wantsProfile() {
        return profileAsked && profile == null;
    }

    void profiled(TrainingProfile answer) {
        profile = answer;
    }

    synchronized void deliver(StepResult result) {
        results.add(result);
        if (result.step() >= limit || !result.finite()) {
            notifyAll();
        }
    }

    synchronized void fail(Throwable error) {
        failure = error;
        ready.completeExceptionally(error);
        switch (request) {
            case null -> {}
            case Request.Evaluate e -> e.loss().completeExceptionally(error);
            case Request.Copy c -> c.state().completeExceptionally(error);
        }
        notifyAll();
    }

    // --- the attempt's side

    /** Waits until the lane is there. */
    void awaitReady() throws InterruptedException {
        done = get(ready);
    }

    @Override
    public long stepsDone() {
        return done;
    }

    @Override
    public int mostAhead() {
        return Integer.MAX_VALUE;
    }

    @Override
    public void advance(long step, Consumer<StepResult> consumer) throws InterruptedException {
        limit = step;
        wake();
        List<StepResult> burst = new ArrayList<>();
        while (done < step) {
            take(burst);
            for (StepResult result : burst) {
                done = result.step();
                consumer.accept(result);
                if (!result.finite()) {
                    return;
                }
            }
            burst.clear();
        }
    }

    private synchronized void take(List<StepResult> burst) throws InterruptedException {
        while (results.isEmpty()) {
            if (failure != null) {
                throw rethrown(failure);
            }
            wait(BURST_MILLIS);
        }
        burst.addAll(results);
        results.clear();
    }

    @Override
    public double evaluate(long maxTokens) throws InterruptedException {
        CompletableFuture<Double> loss = new CompletableFuture<>();
        ask(new Request.Evaluate(maxTokens, loss));
        return get(loss);
    }

    @Override
    public TrainingDevice device() {
        return device;
    }

    @Override
    public Optional<TrainingProfile> profile() {
        if (!profileAsked) {
            profileAsked = true;
            wake();
        }
        return Optional.ofNullable(profile);
    }

    @Override
    public void save(Path directory) throws IOException, InterruptedException {
        CompletableFuture<LaneSnapshot> state = new CompletableFuture<>();
        ask(new Request.Copy(state));
        get(state).write(directory);
    }

    private synchronized void ask(Request what) {
        if (failure != null) {
            throw rethrown(failure);
        }
        request = what;
        wake();
    }

    private void wake() {
        LaneGroup to = group;
        if (to != null) {
            to.wake();
        }
    }

    private static <T> T get(CompletableFuture<T> future) throws InterruptedException {
        try {
            return future.get();
        } catch (ExecutionException e) {
            throw rethrown(e.getCause());
        }
    }

    /** The group's error, as the attempt's own: its kind decides who is charged for it. */
    private static RuntimeException rethrown(@Nullable Throwable error) {
        if (error instanceof RuntimeException e) {
            return e;
        }
        if (error instanceof Error e) {
            throw e;
        }
        return error instanceof IOException e
                ? new java.io.UncheckedIOException(e)
                : new IllegalStateException("training on the GPU ended", error);
    }

    @Override
    public void close() {
        closed = true;
        wake();
    }
}
