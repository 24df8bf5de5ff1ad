package dev.isoflop.runner.work.gpu;

import dev.isoflop.lm.cuda.engine.GpuPlan;
import dev.isoflop.lm.cuda.engine.LaneSnapshot;
import dev.isoflop.lm.cuda.engine.OpTime;
import dev.isoflop.lm.cuda.engine.RunArray;
import dev.isoflop.lm.train.StepResult;
import dev.isoflop.lm.train.TrainerState;
import dev.isoflop.lm.train.TrainingOptions;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * An array without a device: a lane's loss is a chaotic function of its seed and the steps it has done, results come with a delay, and the
 * rules of a real array (what must be collected before what, who may be asked) are enforced.
 */
final class FakeLanes implements LaneArray {

    static final int AHEAD = 8;

    private static final class Run {
        final TrainingOptions options;
        long submitted;
        long done;

        Run(TrainingOptions options) {
            this.options = options;
        }
    }

    private record Flight(Run[] runs) {}

    GpuPlan plan;
    volatile Throwable failure;
    volatile long divergeAt = Long.MAX_VALUE;
    final AtomicInteger steps = new AtomicInteger();
    final AtomicInteger evaluations = new AtomicInteger();
    final AtomicInteger shrunk = new AtomicInteger();
    volatile boolean closed;
    private Run[] lanes;
    private final Deque<Flight> flights = new ArrayDeque<>();
    private Thread owner;

    FakeLanes(GpuPlan plan) {
        this.plan = plan;
        this.lanes = new Run[plan.lanes()];
    }

    static double loss(long seed, long steps) {
        double x = 0.3 + seed * 1e-3;
        for (long i = 0; i < steps; i++) {
            x = 3.9 * x * (1 - x);
        }
        return x;
    }

    private void check() {
        if (owner == null) {
            owner = Thread.currentThread();
        }
        if (owner != Thread.currentThread()) {
            throw new AssertionError("two threads use one array");
        }
        if (failure instanceof RuntimeException e) {
            throw e;
        }
    }

    private void settled() {
        check();
        if (!flights.isEmpty()) {
            throw new AssertionError("results must be collected first");
        }
    }

    @Override
    public GpuPlan plan() {
        return plan;
    }

    @Override
    public boolean free(int lane) {
        return lanes[lane] == null;
    }

    @Override
    public void start(int lane, TrainingOptions options) {
        settled();
        lanes[lane] = new Run(options);
    }

    @Override
    public void resume(int lane, Path checkpoint) {
        throw new AssertionError("not used");
    }

    @Override
    public void release(int lane) {
        lanes[lane] = null;
    }

    @Override
    public long stepsDone(int lane) {
        return lanes[lane].done;
    }

    @Override
    public long stepsSubmitted(int lane) {
        return lanes[lane].submitted;
    }

    @Override
    public boolean canSubmit() {
        return flights.size() < AHEAD;
    }

    @Override
    public int inFlight() {
        return flights.size();
    }

    @Override
    public void submit(boolean[] held) {
        check();
        Run[] runs = new Run[lanes.length];
        boolean any = false;
        for (int i = 0; i < lanes.length; i++) {
            if (lanes[i] != null && !held[i] && lanes[i].submitted < lanes[i].options.steps()) {
                runs[i] = lanes[i];
                lanes[i].submitted++;
                any = true;
            }
        }
        if (!any || !canSubmit()) {
            throw new AssertionError("nothing to submit");
        }
        flights.add(new Flight(runs));
        steps.incrementAndGet();
    }

    @Override
    public int collect(RunArray.Listener listener) {
        check();
        return flights.size() < AHEAD / 2 ? 0 : take(listener);
    }

    @Override
    public void await(RunArray.Listener listener) {
        check();
        if (!flights.isEmpty()) {
            take(listener);
        }
    }

    private int take(RunArray.Listener listener) {
        Flight flight = flights.remove();
        for (int i = 0; i < flight.runs.length; i++) {
            Run run = flight.runs[i];
            if (run != null && i < lanes.length && run == lanes[i]) {
                run.done++;
                double loss = run.done >= divergeAt ? Double.NaN : loss(run.options.seed(), run.done);
                listener.step(i, new StepResult(run.done, loss, 1, 1e-3, run.done * 8, run.done * 1e6));
            }
        }
        return 1;
    }

    @Override
    public double[] evaluate(long maxTokens) {
        settled();
        evaluations.incrementAndGet();
        double[] losses = new double[lanes.length];
        for (int i = 0; i < lanes.length; i++) {
            losses[i] = lanes[i] == null ? Double.NaN : 1 + loss(lanes[i].options.seed(), lanes[i].done);
        }
        return losses;
    }

    @Override
    public LaneSnapshot snapshot(int lane) {
        settled();
        Run run = lanes[lane];
        return new LaneSnapshot(
                new TrainerState(plan.spec(), run.options, run.done, 100),
                plan.layout(),
                TrainerState.Tensors.zeros(plan.layout()),
                "{}");
    }

    @Override
    public List<OpTime> profile(boolean[] held, RunArray.Listener listener) {
        settled();
        submit(held);
        take(listener);
        return List.of(new OpTime("head", 1, 10, 1e6, 1e6));
    }

    @Override
    public void keep(int... kept) {
        settled();
        List<Run> left = new ArrayList<>();
        for (int lane : kept) {
            left.add(lanes[lane]);
        }
        lanes = left.toArray(new Run[0]);
        plan = plan.withLanes(kept.length);
        shrunk.incrementAndGet();
    }

    @Override
    public void close() {
        closed = true;
    }
}
