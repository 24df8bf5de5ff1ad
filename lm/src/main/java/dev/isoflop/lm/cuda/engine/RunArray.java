package dev.isoflop.lm.cuda.engine;

import dev.isoflop.lm.checkpoint.CorruptCheckpointException;
import dev.isoflop.lm.cuda.driver.Args;
import dev.isoflop.lm.cuda.driver.CudaStream;
import dev.isoflop.lm.cuda.driver.DeviceMemory;
import dev.isoflop.lm.model.ModelSpec;
import dev.isoflop.lm.train.BatchOrder;
import dev.isoflop.lm.train.Initialiser;
import dev.isoflop.lm.train.StepResult;
import dev.isoflop.lm.train.TrainerState;
import dev.isoflop.lm.train.TrainingOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Runs of one shape that train side by side on one GPU: a lane each, with its own options, seed, order of data and step, all in the same
 * launches. One lane is a run by itself.
 *
 * <p>A step of all lanes is one captured graph. What differs from step to step is in device memory, so the same graph serves every step and
 * every run that a lane is given later. The host writes a step's hyperparameters and windows ahead ({@link #submit}) and collects results
 * when they are there ({@link #collect}); it never has to wait for the device, and allocates nothing on the way.
 *
 * <p>Lanes do not touch each other: a lane whose loss is no longer a number skips its updates, the others go on. A lane that has done all
 * its steps stands still until it is given another run or left out by {@link #keep}.
 *
 * <p>Concurrency: one thread's, which has bound the device. Several arrays can run beside each other, each with its own thread.
 *
 * <p>Crash: {@link #save} writes a whole checkpoint or none. What follows a resume on the same kind of GPU, with the same timings of
 * products (see {@link CudaBackend}) and number of lanes, is bitwise what would have followed without the interruption.
 */
public final class RunArray implements AutoCloseable {

    /** How a step is given to the device. */
    public enum Mode {
        /** As one captured graph. */
        GRAPH,
        /** Launch by launch, to find which one fails; the same bits. */
        EAGER
    }

    /** Takes results as they come. */
    @FunctionalInterface
    public interface Listener {
        /** @param lane whose step it was */
        void step(int lane, StepResult result);
    }

    private static final int SPINS = 2_000;
    private static final long PAUSE_NANOS = 20_000;

    private static final class Lane {
        private final TrainingOptions options;
        private final BatchOrder order;
        private long submitted;
        private long done;

        Lane(TrainingOptions options, BatchOrder order, long step) {
            this.options = options;
            this.order = order;
            this.submitted = step;
            this.done = step;
        }

        boolean finished() {
            return submitted >= options.steps();
        }
    }

    private final CudaBackend backend;
    private final ModelSpec spec;
    private final GpuTokens train;
    private final Mode mode;
    private final CudaStream main;
    private final CudaStream side;
    private final Arenas arenas;
    private final HostTransfer transfer;
    private @Nullable Lane[] lanes;
    private final @Nullable Lane[] @Nullable [] active = new Lane[StepRing.SLOTS][];
    private StepGraph built;
    private long submitted;
    private long collected;

    private RunArray(CudaBackend backend, GpuPlan plan, GpuTokens train, Mode mode) {
        this.backend = backend;
        this.spec = plan.spec();
        this.train = train;
        this.mode = mode;
        this.main = CudaStream.create(backend.device());
        this.side = CudaStream.create(backend.device());
        backend.blas().prepare(main);
        backend.blas().prepare(side);
        this.transfer = new HostTransfer(backend.device(), main);
        this.lanes = new Lane[plan.lanes()];
        Arenas made = null;
        try {
            made = new Arenas(backend.device(), main, plan);
            this.arenas = made;
            this.built = build(plan);
        } catch (RuntimeException e) { // most likely out of memory: nothing of it may stay
            if (made != null) {
                made.close();
            }
            transfer.close();
            side.close();
            main.close();
            throw e;
        }
    }

    /**
     * Makes an array with empty lanes; give each a run by {@link #start} or {@link #resume}.
     *
     * @param train the data of all lanes
     * @throws IllegalArgumentException if model and data do not fit together, naming the field
     */
    public static RunArray create(CudaBackend backend, GpuPlan plan, GpuTokens train, Mode mode) {
        if (train.vocabSize() > plan.spec().vocabSize()) {
            throw new IllegalArgumentException("the data has " + train.vocabSize()
                    + " distinct ids, the model's vocabSize is " + plan.spec().vocabSize()
                    + "; use the vocabulary of the tokenizer that made the data");
        }
        return new RunArray(backend, plan, train, mode);
    }

    /** What depends on the number of lanes, for another number; its counts begin at 0. */
    private StepGraph build(GpuPlan plan) {
        submitted = 0;
        collected = 0;
        return new StepGraph(backend, plan, arenas, train, main, side, transfer, mode);
    }

    // ---- lanes

    /** The plan of the lanes there are now. */
    public GpuPlan plan() {
        return built.plan();
    }

    /** Steps whose results of a lane were collected. */
    public long stepsDone(int lane) {
        return lane(lane).done;
    }

    /** Steps of a lane's run given to the device, collected or not. */
    public long stepsSubmitted(int lane) {
        return lane(lane).submitted;
    }

    private Lane lane(int index) {
        Lane lane = lanes[index];
        if (lane == null) {
            throw new IllegalStateException("lane " + index + " has no run");
        }
        return lane;
    }

    /** Whether a lane has no run. */
    public boolean free(int lane) {
        return lanes[lane] == null;
    }

    /** Takes the run out of a lane. Results under way are not delivered any more. */
    public void release(int lane) {
        lanes[lane] = null;
    }

    /** How a lane's run is trained. */
    public TrainingOptions options(int lane) {
        return lane(lane).options;
    }

    /** Whether all steps of a lane's run were collected. */
    public boolean finished(int lane) {
        return lane(lane).done >= lane(lane).options.steps();
    }

    /**
     * Gives a lane a new run, with parameters drawn from its seed. Waits for the steps under way.
     *
     * @throws IllegalArgumentException if the options do not have the array's shape, naming the field
     */
    public void start(int lane, TrainingOptions options) {
        float[] parameters = new float[plan().layout().length()];
        Initialiser.initialise(spec, plan().layout(), options.seed(), parameters);
        put(lane, options, parameters, null, 0);
    }

    /**
     * Gives a lane a run that goes on from a checkpoint of this or the CPU backend, with the same data.
     *
     * @throws CorruptCheckpointException if a file is missing, cut short or of another model, or if the data has another length
     */
    public void resume(int lane, Path directory) throws IOException {
        TrainerState state = TrainerState.read(directory);
        if (state.dataLength() != train.length()) {
            throw new CorruptCheckpointException(directory + " was trained on " + state.dataLength()
                    + " tokens, the data given has " + train.length() + "; resume with the data it began with");
        }
        if (!state.spec().equals(spec)) {
            throw new CorruptCheckpointException(directory + " is of another model: " + state.spec() + ", not " + spec);
        }
        TrainerState.Tensors tensors = TrainerState.Tensors.zeros(plan().layout());
        TrainerState.readTensors(directory, plan().layout(), tensors);
        put(lane, state.options(), tensors.parameters(), tensors, state.step());
    }

    /** @param moments null for zeros, which then need not be copied */
    private void put(
            int lane, TrainingOptions options, float[] parameters, TrainerState.@Nullable Tensors moments, long step) {
        same("batchSequences", options.batchSequences(), plan().batch());
        same("contextLength", options.contextLength(), plan().context());
        same("gradientAccumulation", options.gradientAccumulation(), plan().accumulation());
        same("optimizer", options.optimizer(), plan().optimizer());
        Objects.checkIndex(lane, lanes.length);
        settle();
        long n = plan().stride();
        transfer.up(plan().toDevice(parameters), arenas.parameters, 4 * lane * n);
        if (moments == null) {
            arenas.first.memset(main, 0, 4 * lane * n, 4 * n);
            arenas.second.memset(main, 0, 4 * lane * n, 4 * n);
        } else {
            transfer.up(plan().toDevice(moments.first()), arenas.first, 4 * lane * n);
            transfer.up(plan().toDevice(moments.second()), arenas.second, 4 * lane * n);
        }
        if (plan().precision() == Precision.BF16) {
            Args args = built.model().args().reset().address(arenas.weights.address(2 * lane * n));
            args.address(arenas.parameters.address(4 * lane * n)).int64(n);
            backend.kernel("step.cu", "to_bf16").launch(main, 1024, 1, 1, 256, 0, args);
        }
        lanes[lane] = new Lane(options, new BatchOrder(options.seed(), train.length(), options.contextLength()), step);
    }

    private static void same(String name, Object given, Object planned) {
        if (!given.equals(planned)) {
            throw new IllegalArgumentException(
                    name + " = " + given + " must be " + planned + ", as in the other lanes of the array");
        }
    }

    /**
     * Leaves out all lanes but these, which become lanes 0, 1, … in this order: smaller launches, the same buffers. Waits for the steps
     * under way; their results must have been collected.
     *
     * @param kept in ascending order, at least one
     */
    public void keep(int... kept) {
        settle();
        @Nullable Lane[] left = new Lane[kept.length];
        for (int i = 0; i < kept.length; i++) {
            int lane = kept[i];
            left[i] = lanes[lane];
            if (lane < i || (i > 0 && lane <= kept[i - 1])) {
                throw new IllegalArgumentException("lanes to keep must ascend");
            }
            if (lane != i) {
                move(arenas.parameters, lane, i, 4);
                move(arenas.first, lane, i, 4);
                move(arenas.second, lane, i, 4);
                if (plan().precision() == Precision.BF16) {
                    move(arenas.weights, lane, i, 2);
                }
            }
        }
        main.synchronize();
        GpuPlan smaller = plan().withLanes(kept.length);
        if (smaller.activationBytes() > arenas.activations.bytes()) {
            throw new IllegalStateException(smaller.lanes() + " lanes take more memory than the array has");
        }
        built.close();
        lanes = left;
        built = build(smaller);
    }

    private void move(DeviceMemory arena, int from, int to, int unit) {
        long bytes = unit * plan().stride();
        arena.copyFrom(main, to * bytes, arena.address(from * bytes), bytes);
    }

    // ---- training

    /** Whether another step can be given to the device without waiting. */
    public boolean canSubmit() {
        return submitted - collected < StepRing.SLOTS;
    }

    /** Steps given to the device whose results were not collected yet. */
    public int inFlight() {
        return (int) (submitted - collected);
    }

    /** Gives the device the next step of every lane that has one left. Does not wait. */
    public void submit() {
        submit(null);
    }

    /**
     * Gives the device the next step of lanes that have one left. Does not wait.
     *
     * @param held lanes that stand still meanwhile, or null for none
     * @throws IllegalStateException if no lane has a step left, or results have to be collected first
     */
    public void submit(boolean @Nullable [] held) {
        long slot = prepare(held);
        built.launch();
        submitted = slot + 1;
    }

    private long prepare(boolean @Nullable [] held) {
        if (!canSubmit()) {
            throw new IllegalStateException("the ring is full: collect results first");
        }
        GpuPlan plan = plan();
        StepRing ring = built.ring();
        long slot = submitted;
        @Nullable Lane[] running = activeAt(slot);
        boolean any = false;
        for (int i = 0; i < plan.lanes(); i++) {
            Lane lane = lanes[i];
            boolean goes = lane != null && !lane.finished() && (held == null || !held[i]);
            running[i] = goes ? lane : null;
            if (lane == null || !goes) {
                ring.hold(slot, i);
                continue;
            }
            any = true;
            ring.update(slot, i, lane.options, lane.submitted);
            for (int pass = 0; pass < plan.accumulation(); pass++) {
                long first = (lane.submitted * plan.accumulation() + pass) * plan.batch();
                for (int b = 0; b < plan.batch(); b++) {
                    ring.start(slot, i, pass, b, lane.order.start(first + b));
                }
            }
            lane.submitted++;
        }
        if (!any) {
            throw new IllegalStateException("every lane has done all its steps");
        }
        return slot;
    }

    /** Whose step a slot holds, lane by lane. */
    private @Nullable Lane[] activeAt(long slot) {
        int i = (int) (slot % StepRing.SLOTS);
        @Nullable Lane[] runs = active[i];
        if (runs == null || runs.length != plan().lanes()) {
            runs = new Lane[plan().lanes()];
            active[i] = runs;
        }
        return runs;
    }

    /**
     * Hands over the results of all steps that have ended, in order. Does not wait.
     *
     * @return how many steps these were
     * @throws dev.isoflop.lm.cuda.driver.CudaException if the device failed
     */
    public int collect(Listener listener) {
        long finished = built.ring().finished();
        int count = 0;
        for (; collected < finished; collected++, count++) {
            @Nullable Lane[] running = activeAt(collected);
            for (int i = 0; i < running.length; i++) {
                Lane lane = running[i];
                if (lane != null && lane == lanes[i]) {
                    listener.step(i, result(i, lane));
                }
            }
        }
        return count;
    }

    private StepResult result(int i, Lane lane) {
        TrainingOptions o = lane.options;
        double rate = o.schedule().learningRate(lane.done, o);
        lane.done++;
        long tokens = lane.done * o.tokensPerStep();
        return new StepResult(
                lane.done,
                built.ring().loss(collected, i) / o.tokensPerStep(),
                built.ring().norm(collected, i),
                rate,
                tokens,
                tokens * spec.trainingFlopsPerToken(o.contextLength()));
    }

    /** Hands over results, waiting for the next step's if there are none yet. */
    public void await(Listener listener) {
        if (inFlight() == 0) {
            return;
        }
        for (int tries = 0; collect(listener) == 0; tries++) {
            if (tries < SPINS) {
                Thread.onSpinWait();
            } else {
                LockSupport.parkNanos(PAUSE_NANOS); // there is other work in the ring: no hurry
                if (tries % 256 == 0) {
                    main.isIdle(); // throws what a kernel did wrong
                }
            }
        }
    }

    /** One step of all lanes, waited for: the simple way, at the cost of an idle device between steps. */
    public void step(Listener listener) {
        submit();
        while (inFlight() > 0) {
            await(listener);
        }
    }

    private void settle() {
        main.synchronize();
        if (collected != built.ring().finished()) {
            throw new IllegalStateException("results of " + inFlight() + " steps must be collected first");
        }
    }

    // ---- evaluation

    /**
     * Mean loss of every lane in nats per token over windows of the training context: evenly spread over the source, not overlapping, the
     * same each time. Uses the training buffers between steps and changes no state.
     *
     * @param maxTokens about how many targets to score; all whole windows if the source has fewer
     * @throws IllegalArgumentException if the source has fewer tokens than one window
     */
    public double[] evaluate(GpuTokens source, long maxTokens) {
        settle();
        return built.evaluator().evaluate(source, maxTokens);
    }

    // ---- checkpoints and looking inside

    /** Writes a lane's checkpoint, the same files as the CPU backend's; {@code dir} is replaced if it exists. */
    public void save(int lane, Path dir) throws IOException {
        snapshot(lane).write(dir);
    }

    /** Copies a lane's state to the host; waits for the steps under way, whose results must have been collected. */
    public LaneSnapshot snapshot(int lane) {
        TrainerState state = new TrainerState(spec, options(lane), stepsDone(lane), train.length());
        return new LaneSnapshot(
                state,
                plan().layout(),
                tensors(lane),
                backend.tuning().export(built.model().productKeys()));
    }

    /** A lane's parameters and moments. */
    public TrainerState.Tensors tensors(int lane) {
        settle();
        TrainerState.Tensors tensors = TrainerState.Tensors.zeros(plan().layout());
        down(arenas.parameters, lane, tensors.parameters());
        down(arenas.first, lane, tensors.first());
        down(arenas.second, lane, tensors.second());
        return tensors;
    }

    /** Gradients of a lane's last step before clipping, laid out as parameters. */
    public float[] gradients(int lane) {
        settle();
        float[] values = new float[plan().layout().length()];
        down(arenas.gradients, lane, values);
        return values;
    }

    private void down(DeviceMemory arena, int lane, float[] values) {
        GpuPlan plan = plan();
        boolean same = plan.deviceLayout() == plan.layout();
        float[] target = same ? values : new float[plan.deviceLayout().length()];
        transfer.down(arena, 4 * lane * plan.stride(), target);
        if (!same) {
            plan.fromDevice(target, values);
        }
    }

    /**
     * What a lane's parameters as they are now make of some windows of the training context. Uses the training buffers between steps and
     * changes no state.
     *
     * @param starts first tokens of the windows, as many as the plan's batch
     * @return logits {@code [batch * context][vocabSize]}
     * @throws IllegalStateException if the plan holds the logits of fewer rows at a time
     */
    public float[] logits(int lane, GpuTokens source, long... starts) {
        settle();
        return LogitsProbe.logits(backend, built.model(), plan(), arenas, main, lane, source, starts);
    }

    /**
     * One more step, with the time of each kind of operation, most expensive first. The operations are those of any step, so what lanes
     * learn in it is the same bits; only the side stream's run between the others instead of beside them. Waits for the steps under way.
     *
     * @param held lanes that stand still meanwhile, or null for none; their part of the launches takes its time all the same
     * @throws IllegalStateException if no lane has a step left, or results must be collected first
     */
    public List<OpTime> profile(boolean @Nullable [] held, Listener listener) {
        settle();
        List<OpTime> table = OpTime.of(built.program(), backend.device(), main, graph -> {
            long slot = prepare(held);
            graph.launch(main);
            submitted = slot + 1;
        });
        collect(listener);
        return table;
    }

    /** Kernels, copies and memsets of a step's graph; 0 in eager mode. */
    public int graphNodes() {
        return built.nodes();
    }

    @Override
    public void close() {
        main.synchronize();
        side.synchronize();
        built.close();
        arenas.close();
        transfer.close();
        side.close();
        main.close();
    }
}
