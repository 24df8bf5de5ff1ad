package dev.isoflop.runner.work.gpu;

import dev.isoflop.lm.cuda.driver.CudaException;
import dev.isoflop.lm.cuda.engine.GpuPlan;
import dev.isoflop.lm.cuda.engine.Precision;
import dev.isoflop.lm.model.ModelSpec;
import dev.isoflop.lm.train.TrainingOptions;
import dev.isoflop.protocol.job.PretrainSpec;
import dev.isoflop.runner.work.CpuEngine;
import dev.isoflop.runner.work.PreparedDataset;
import dev.isoflop.runner.work.TrainingEngine;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The project's own engine on GPUs. Each run is a session of its own, claimed, checkpointed and reported on its own; those of one shape
 * and dataset train as lanes of one array, those of different shapes beside each other in streams of their own.
 *
 * <p>Concurrency: sessions are made and used by the threads of their attempts; each array has one thread that talks to the device.
 *
 * <p>Crash: an error that ruins the device's context fails every session as the machine's fault and is told to the listener, which ends
 * the process; runs go on from their checkpoints in another.
 */
public final class GpuEngine implements TrainingEngine, AutoCloseable {

    private final List<GpuWorker> workers = new ArrayList<>();

    /**
     * Opens devices and lets each measure itself.
     *
     * @param ordinals of the devices
     * @param cache for compiled kernels and timings, kept between processes
     * @param lost hears of an error after which the process has to end
     */
    public GpuEngine(List<Integer> ordinals, Path cache, Consumer<CudaException> lost) {
        try {
            for (int ordinal : ordinals) {
                workers.add(new GpuWorker(ordinal, cache, lost));
            }
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    @Override
    public Session create(PretrainSpec spec, PreparedDataset data, int threads) throws InterruptedException {
        return open(spec, data, null);
    }

    @Override
    public Session resume(PretrainSpec spec, Path checkpoint, PreparedDataset data, int threads)
            throws InterruptedException {
        return open(spec, data, checkpoint);
    }

    private Session open(PretrainSpec spec, PreparedDataset data, @Nullable Path checkpoint)
            throws InterruptedException {
        ModelSpec model = CpuEngine.model(spec.model());
        TrainingOptions options = CpuEngine.options(spec);
        Precision precision = switch (spec.training().precision()) {
            case FP32 -> Precision.FP32;
            case BF16 -> Precision.BF16;
        };
        GpuPlan plan = new GpuPlan(
                        model,
                        precision,
                        1,
                        options.batchSequences(),
                        options.contextLength(),
                        options.gradientAccumulation())
                .withOptimizer(options.optimizer());
        if (data.train().vocabSize() > model.vocabSize()) {
            throw new IllegalArgumentException("the data has "
                    + data.train().vocabSize() + " distinct ids, the model's vocabSize is " + model.vocabSize()
                    + "; use the vocabulary of the tokenizer that made the data");
        }
        GpuWorker worker = workers.stream()
                .min(Comparator.comparingDouble(GpuWorker::load))
                .orElseThrow();
        if (checkpoint != null) {
            worker.backend().adopt(checkpoint);
        }
        LaneSession session =
                new LaneSession(worker.device(spec.training().precision(), precision), options, checkpoint);
        worker.join(new LaneGroup.Shape(plan, spec.dataset().id()), data, session);
        try {
            session.awaitReady();
        } catch (InterruptedException | RuntimeException e) {
            session.close(); // it may be waiting for a lane still
            throw e;
        }
        return session;
    }

    /** How many more runs are worth taking now: as many as one likes until the devices are busy, then none. */
    public int room() {
        double free =
                workers.stream().mapToDouble(w -> Math.max(0, FULL - w.load())).sum();
        return free > 0 ? Integer.MAX_VALUE : 0;
    }

    /** Load at which a device is left alone: some work waits, so that it never idles. */
    private static final double FULL = 1.5;

    /** Bytes left on the emptiest device. */
    public long freeBytes() {
        return workers.stream().mapToLong(GpuWorker::freeBytes).max().orElse(0);
    }

    @Override
    public void close() {
        workers.forEach(GpuWorker::close);
    }
}
