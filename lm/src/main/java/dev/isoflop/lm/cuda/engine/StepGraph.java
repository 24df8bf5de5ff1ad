package dev.isoflop.lm.cuda.engine;

import dev.isoflop.lm.cuda.driver.CudaDevice;
import dev.isoflop.lm.cuda.driver.CudaEvent;
import dev.isoflop.lm.cuda.driver.CudaGraph;
import dev.isoflop.lm.cuda.driver.CudaStream;
import dev.isoflop.lm.cuda.driver.Kernel;
import org.jspecify.annotations.Nullable;

/**
 * A training step of some number of lanes, ready to be launched again and again: control in, passes, update, metrics out. What it works on
 * ({@link Arenas}) outlives it, so that an array can be made smaller in place.
 */
final class StepGraph implements AutoCloseable {

    private static final int BEGIN_THREADS = 256;
    private static final int END_THREADS = 32;

    /** A step that takes longer is timed once. */
    private static final double SLOW_MILLIS = 50;

    private final CudaStream main;
    private final CudaStream side;
    private final GpuPlan plan;
    private final CudaModel model;
    private final StepRing ring;
    private final Program program;
    private final @Nullable CudaGraph graph;
    private final Evaluator evaluator;

    /**
     * Plans and times products, runs the step once without effect, and captures it.
     *
     * @param main stream of the step
     * @param side stream for what may run beside it
     */
    StepGraph(
            CudaBackend backend,
            GpuPlan plan,
            Arenas arenas,
            GpuTokens train,
            CudaStream main,
            CudaStream side,
            HostTransfer transfer,
            RunArray.Mode mode) {
        this.main = main;
        this.side = side;
        this.plan = plan;
        this.model = new CudaModel(backend, main, plan, arenas);
        this.ring = new StepRing(backend.device(), plan);
        this.program = new Program(backend.device());
        write(backend, arenas, train);
        // loads all code, which a capture cannot; the gradient scales of the empty ring are 0, so nothing is updated
        program.run(main, side);
        main.synchronize();
        side.synchronize();
        this.graph = mode == RunArray.Mode.GRAPH ? capture(backend.device()) : null;
        arenas.counter.memset(main, 0, 0, 8);
        arenas.state.memset(main, 0, 0, arenas.state.bytes());
        main.synchronize();
        ring.reset();
        this.evaluator = new Evaluator(backend, model, plan, arenas, main, transfer, mode);
    }

    private void write(CudaBackend backend, Arenas arenas, GpuTokens train) {
        Kernel begin = backend.kernel("step.cu", "step_begin");
        Kernel end = backend.kernel("step.cu", "step_end");
        int bytes = Arenas.stepBytes(plan);
        program.main("step begin", 0, bytes, s -> {
            model.args()
                    .reset()
                    .address(arenas.step)
                    .address(ring.controlAddress())
                    .address(arenas.counter);
            begin.launch(
                    s,
                    1,
                    1,
                    1,
                    BEGIN_THREADS,
                    0,
                    model.args().int32(StepRing.SLOTS).int32(bytes));
        });
        for (int pass = 0; pass < plan.accumulation(); pass++) {
            model.trainingPass(program, train, pass);
        }
        model.update(program);
        program.main("step end", 0, 16.0 * plan.lanes(), s -> {
            model.args()
                    .reset()
                    .address(ring.metricAddress())
                    .address(ring.finishedAddress())
                    .address(arenas.counter);
            model.args()
                    .int32(StepRing.SLOTS)
                    .address(arenas.lossSums)
                    .address(arenas.state)
                    .int32(plan.lanes());
            end.launch(s, 1, 1, 1, END_THREADS, 0, model.args());
        });
    }

    /**
     * The step with or without a side stream, whichever is faster here: where the main chain fills the device, a second stream only
     * makes both miss the cache. The bits are the same, so the choice may differ from one process to the next.
     */
    private CudaGraph capture(CudaDevice device) {
        CudaGraph one = CudaGraph.capture(main, () -> program.run(main, null));
        CudaGraph two = CudaGraph.capture(main, () -> program.run(main, side));
        boolean alone = millis(device, one) < millis(device, two);
        (alone ? two : one).close();
        CudaGraph chosen = alone ? one : two;
        chosen.upload(main);
        return chosen;
    }

    private double millis(CudaDevice device, CudaGraph timed) {
        try (CudaEvent from = CudaEvent.create(device);
                CudaEvent to = CudaEvent.create(device)) {
            double best = Double.POSITIVE_INFINITY;
            for (int i = 0; i < 4 && (i < 2 || best < SLOW_MILLIS); i++) {
                from.record(main);
                timed.launch(main);
                to.record(main);
                to.synchronize();
                best = i == 0 ? best : Math.min(best, to.millisSince(from)); // the first also uploads it
            }
            return best;
        }
    }

    GpuPlan plan() {
        return plan;
    }

    CudaModel model() {
        return model;
    }

    StepRing ring() {
        return ring;
    }

    Program program() {
        return program;
    }

    Evaluator evaluator() {
        return evaluator;
    }

    /** Gives the device a step, whose control is in the ring. */
    void launch() {
        if (graph != null) {
            graph.launch(main);
        } else {
            program.run(main, side);
        }
    }

    /** Kernels, copies and memsets of the graph; 0 without one. */
    int nodes() {
        return graph == null ? 0 : graph.nodes();
    }

    @Override
    public void close() {
        evaluator.close();
        if (graph != null) {
            graph.close();
        }
        program.close();
        model.close();
        ring.close();
    }
}
