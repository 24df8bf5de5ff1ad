package dev.isoflop.runner.work.gpu;

import dev.isoflop.lm.cuda.driver.CudaException;
import dev.isoflop.lm.cuda.engine.CudaBackend;
import dev.isoflop.lm.cuda.engine.DevicePeaks;
import dev.isoflop.lm.cuda.engine.GpuPlan;
import dev.isoflop.lm.cuda.engine.GpuTokens;
import dev.isoflop.lm.cuda.engine.LaneCalibration;
import dev.isoflop.lm.cuda.engine.Precision;
import dev.isoflop.lm.cuda.engine.RunArray;
import dev.isoflop.lm.tokens.TokenSource;
import dev.isoflop.protocol.runner.RunProfile;
import dev.isoflop.runner.work.OutOfDeviceMemoryException;
import dev.isoflop.runner.work.PreparedDataset;
import dev.isoflop.runner.work.TrainingDevice;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One device: its groups of runs, its memory, the datasets it holds.
 *
 * <p>Concurrency: a monitor guards groups, memory and datasets; nothing waits for the device while holding it but the upload of a dataset.
 */
final class GpuWorker implements LaneHost, AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(GpuWorker.class);

    /** Share of the free memory that arrays and datasets may take; the rest is for modules, workspaces and fragments. */
    private static final double USABLE = 0.92;

    private static final class Tokens {
        private final GpuTokens tokens;
        private final long bytes;
        private int users;

        Tokens(GpuTokens tokens, long bytes) {
            this.tokens = tokens;
            this.bytes = bytes;
        }
    }

    private final CudaBackend backend;
    private final LaneCalibration calibration;
    private final Consumer<CudaException> lost;
    private final long capacity;
    private final List<LaneGroup> groups = new ArrayList<>();
    private final Map<String, Tokens> datasets = new HashMap<>();
    private long reserved;
    private int numbered;

    GpuWorker(int ordinal, Path cache, Consumer<CudaException> lost) {
        this.backend = CudaBackend.open(ordinal, cache);
        this.lost = lost;
        this.calibration = LaneCalibration.measure(backend);
        this.capacity = (long) (backend.device().freeBytes() * USABLE);
        log.info(
                "{}: {} GiB for training, {} us a launch, {} GB/s, {} TFLOP/s",
                backend.device(),
                capacity >> 30,
                "%.2f".formatted(calibration.launchMicros()),
                Math.round(calibration.bytesPerSecond() * 1e-9),
                Math.round(calibration.matmulFlops() * 1e-12));
    }

    CudaBackend backend() {
        return backend;
    }

    @Override
    public LaneCalibration calibration() {
        return calibration;
    }

    /**
     * What runs in a precision train on.
     *
     * @param job the precision as jobs name it
     * @param engine the same as the engine names it
     */
    TrainingDevice device(dev.isoflop.protocol.job.Precision job, Precision engine) {
        String name = backend.device().name();
        return new TrainingDevice(
                name,
                job,
                DevicePeaks.of(name, engine)
                        .map(p -> new RunProfile.Peaks(p.flops(), p.bytesPerSecond()))
                        .orElse(null),
                new RunProfile.Peaks(calibration.matmulFlops(engine), calibration.bytesPerSecond()));
    }

    /** Puts a session into a group that has a place for it, or a new one. */
    synchronized void join(LaneGroup.Shape shape, PreparedDataset data, LaneSession session) {
        String train = shape.dataset() + "/train";
        String validation = shape.dataset() + "/validation";
        for (LaneGroup group : groups) {
            if (group.join(shape, session)) {
                return;
            }
        }
        acquire(train, data.train());
        try {
            acquire(validation, data.validation());
        } catch (RuntimeException e) {
            release(train);
            throw e;
        }
        LaneGroup group = new LaneGroup(this, shape);
        group.join(shape, session);
        groups.add(group);
        Thread.ofPlatform()
                .name("lanes-" + backend.device().ordinal() + "." + ++numbered)
                .start(group);
    }

    @Override
    public LaneArray open(LaneGroup.Shape shape, GpuPlan plan) {
        GpuTokens train;
        GpuTokens validation;
        synchronized (this) {
            train = Objects.requireNonNull(datasets.get(shape.dataset() + "/train")).tokens;
            validation = Objects.requireNonNull(datasets.get(shape.dataset() + "/validation")).tokens;
        }
        backend.device().bind();
        return new DeviceLanes(RunArray.create(backend, plan, train, RunArray.Mode.GRAPH), validation);
    }

    /** Makes sure that the device holds a source, and that it stays. */
    private void acquire(String key, TokenSource source) {
        Tokens known = datasets.get(key);
        if (known == null) {
            backend.device().bind();
            long bytes = GpuTokens.bytes(source);
            if (!make(bytes)) {
                throw new OutOfDeviceMemoryException("the dataset takes " + (bytes >> 20) + " MiB, the device has "
                        + (freeBytes() >> 20) + " MiB left");
            }
            known = new Tokens(GpuTokens.upload(backend.device(), source), bytes);
            reserved += bytes;
            datasets.put(key, known);
        }
        known.users++;
    }

    private void release(String key) {
        Tokens tokens = datasets.get(key);
        if (tokens != null) {
            tokens.users--; // kept for the next run, until the memory is wanted
        }
    }

    /** Makes room by dropping datasets that nobody uses; whether there is enough now. */
    private boolean make(long bytes) {
        if (bytes > capacity - reserved) {
            datasets.values().removeIf(t -> {
                if (t.users > 0) {
                    return false;
                }
                backend.device().bind();
                t.tokens.close();
                reserved -= t.bytes;
                return true;
            });
        }
        return bytes <= capacity - reserved;
    }

    /**
     * Takes memory for an array, waiting until others have given theirs back.
     *
     * @throws OutOfDeviceMemoryException if it would not even fit alone
     */
    @Override
    public synchronized void reserve(long bytes) throws InterruptedException {
        while (!make(bytes)) {
            long held = datasets.values().stream().mapToLong(t -> t.bytes).sum();
            if (bytes > capacity - held && groups.stream().noneMatch(LaneGroup::holdsMemory)) {
                throw new OutOfDeviceMemoryException("the run takes " + (bytes >> 20) + " MiB, the device has "
                        + (capacity - held >> 20) + " MiB for it; lower batchSequences or the model's size");
            }
            wait(1_000);
        }
        reserved += bytes;
    }

    /** Bytes that an array may take at once. */
    @Override
    public synchronized long freeBytes() {
        long unused = datasets.values().stream()
                .filter(t -> t.users == 0)
                .mapToLong(t -> t.bytes)
                .sum();
        return capacity - reserved + unused;
    }

    /** How busy the device is: 1 when what it trains fills it. */
    synchronized double load() {
        return groups.stream().mapToDouble(LaneGroup::load).sum();
    }

    /** Called by a group at its end. */
    @Override
    public synchronized void ended(LaneGroup group, long bytes) {
        groups.remove(group);
        reserved -= bytes;
        release(group.shape().dataset() + "/train");
        release(group.shape().dataset() + "/validation");
        notifyAll();
    }

    /** A group failed in a way that may concern all of the process. */
    @Override
    public void failed(Throwable error) {
        if (error instanceof CudaException e && e.isSticky()) {
            List<LaneGroup> all;
            synchronized (this) {
                all = List.copyOf(groups);
            }
            all.forEach(g -> g.abandon(e));
            lost.accept(e);
        }
    }

    @Override
    public void close() {
        List<LaneGroup> all;
        synchronized (this) {
            all = List.copyOf(groups);
        }
        all.forEach(LaneGroup::close);
        synchronized (this) {
            datasets.values().forEach(t -> t.tokens.close());
            datasets.clear();
        }
        backend.close();
    }
}
