package dev.isoflop.lm.cuda.engine;

import dev.isoflop.lm.cuda.driver.CudaGraph;
import dev.isoflop.lm.cuda.driver.CudaStream;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Held-out loss of all lanes: the same windows for each, one graph a source, launched once a batch. The device keeps the place among the
 * windows itself, so the host only launches.
 */
final class Evaluator implements AutoCloseable {

    /** A pass over a source's windows. */
    private record Pass(Program program, @Nullable CudaGraph graph) {}

    private final CudaBackend backend;
    private final CudaModel model;
    private final GpuPlan plan;
    private final Arenas arenas;
    private final CudaStream stream;
    private final HostTransfer transfer;
    private final RunArray.Mode mode;
    private final Map<GpuTokens, Pass> passes = new HashMap<>();

    Evaluator(
            CudaBackend backend,
            CudaModel model,
            GpuPlan plan,
            Arenas arenas,
            CudaStream stream,
            HostTransfer transfer,
            RunArray.Mode mode) {
        this.backend = backend;
        this.model = model;
        this.plan = plan;
        this.arenas = arenas;
        this.stream = stream;
        this.transfer = transfer;
        this.mode = mode;
    }

    /** See {@link RunArray#evaluate}. */
    double[] evaluate(GpuTokens source, long maxTokens) {
        int context = plan.context();
        long available = (source.length() - 1) / context;
        if (available < 1) {
            throw new IllegalArgumentException("the evaluation data has " + source.length()
                    + " tokens, fewer than one window of contextLength + 1 = " + (context + 1));
        }
        long windows = Math.clamp(maxTokens / context, 1, available);
        Pass pass = passes.computeIfAbsent(source, this::pass);
        transfer.up(new long[] {0, windows, available}, arenas.evalWindows);
        arenas.evalSums.memset(stream, 0, 0, 8L * plan.lanes());
        for (long w = 0; w < windows; w += plan.batch()) {
            if (pass.graph != null) {
                pass.graph.launch(stream);
            } else {
                pass.program.run(stream, null);
            }
        }
        double[] losses = new double[plan.lanes()];
        transfer.down(arenas.evalSums, losses);
        for (int i = 0; i < losses.length; i++) {
            losses[i] /= (double) windows * context;
        }
        return losses;
    }

    private Pass pass(GpuTokens source) {
        Program program = new Program(backend.device());
        model.evaluationPass(program, source);
        if (mode == RunArray.Mode.EAGER) {
            return new Pass(program, null);
        }
        program.run(stream, null); // loads what a capture cannot
        stream.synchronize();
        return new Pass(program, CudaGraph.capture(stream, () -> program.run(stream, null)));
    }

    @Override
    public void close() {
        for (Pass pass : passes.values()) {
            if (pass.graph != null) {
                pass.graph.close();
            }
            pass.program.close();
        }
        passes.clear();
    }
}
