package dev.isoflop.lm.cuda.engine;

import dev.isoflop.lm.cuda.driver.CudaDevice;
import dev.isoflop.lm.cuda.driver.CudaStream;
import dev.isoflop.lm.cuda.driver.DeviceMemory;
import dev.isoflop.lm.model.ParameterLayout;
import dev.isoflop.lm.train.Optimizer;
import java.util.ArrayList;
import java.util.List;

/** The device memory of a plan: four arenas, and one small block for what changes from step to step. Everything begins as zero. */
final class Arenas implements AutoCloseable {

    /** Bytes of a lane's {@code Hyper} in adamw.cu. */
    static final int HYPER_BYTES = 64;

    /** Bytes of a lane's {@code State} in adamw.cu. */
    static final int STATE_BYTES = 16;

    /** Elements of a piece of the parameters that one block updates. */
    private static final int PIECE = 8192;

    private final List<DeviceMemory> all = new ArrayList<>();
    final DeviceMemory parameters;
    /** What products read: the bf16 copy, or the parameters themselves in fp32. */
    final DeviceMemory weights;

    final DeviceMemory gradients;
    final DeviceMemory first;
    final DeviceMemory second;
    final DeviceMemory activations;
    final DeviceMemory pieces;
    final int pieceCount;
    final DeviceMemory gainOffsets;

    /** Written anew for each step: {@code Hyper[lanes]}, then {@code long starts[accumulation][lanes][batch]}. */
    final DeviceMemory step;

    final DeviceMemory state;
    final DeviceMemory lossSums; // double [lanes]
    final DeviceMemory lossScale; // float [lanes]
    final DeviceMemory squares; // double [lanes][blocks]
    final int squareBlocks;
    final DeviceMemory counter; // long
    final DeviceMemory evalStarts; // long [lanes][batch]
    final DeviceMemory evalWindows; // Windows of step.cu: next, count, available
    final DeviceMemory evalSums; // double [lanes]

    Arenas(CudaDevice device, CudaStream stream, GpuPlan plan) {
        try {
            long n = plan.lanes() * plan.stride();
            this.parameters = zeros(device, stream, 4 * n);
            this.weights = plan.precision() == Precision.FP32 ? parameters : zeros(device, stream, 2 * n);
            this.gradients = zeros(device, stream, 4 * n);
            this.first = zeros(device, stream, 4 * n);
            this.second = zeros(device, stream, 4 * n);
            this.activations = zeros(device, stream, plan.activationBytes());
            int[] words = pieces(plan);
            this.pieceCount = words.length / 4;
            this.pieces = zeros(device, stream, 4L * words.length);
            long[] gains = gains(plan.deviceLayout());
            int[] gainWords = new int[2 * gains.length];
            for (int i = 0; i < gains.length; i++) {
                gainWords[2 * i] = (int) gains[i];
            }
            this.gainOffsets = zeros(device, stream, 4L * gainWords.length);
            this.step = zeros(device, stream, stepBytes(plan));
            this.state = zeros(device, stream, (long) STATE_BYTES * plan.lanes());
            this.lossSums = zeros(device, stream, 8L * plan.lanes());
            this.lossScale = zeros(device, stream, 4L * plan.lanes());
            this.squareBlocks = Math.max(1, 4 * device.multiprocessors() / Math.min(plan.lanes(), 8));
            this.squares = zeros(device, stream, 8L * plan.lanes() * squareBlocks);
            this.counter = zeros(device, stream, 8);
            this.evalStarts = zeros(device, stream, 8L * plan.lanes() * plan.batch());
            this.evalWindows = zeros(device, stream, 32);
            this.evalSums = zeros(device, stream, 8L * plan.lanes());
            float targets = (float) (1.0 / ((double) plan.rows * plan.accumulation()));
            lossScale.fill32(stream, Float.floatToRawIntBits(targets), 0, plan.lanes());
            stream.synchronize();
            pieces.upload(words);
            gainOffsets.upload(gainWords);
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    private DeviceMemory zeros(CudaDevice device, CudaStream stream, long bytes) {
        DeviceMemory memory = DeviceMemory.allocate(device, bytes);
        all.add(memory);
        memory.memset(stream, 0, 0, bytes);
        return memory;
    }

    /** Tensors that AdamW updates, cut into pieces: {@code Segment[]} of adamw.cu. */
    private static int[] pieces(GpuPlan plan) {
        List<int[]> pieces = new ArrayList<>();
        for (ParameterLayout.Tensor t : plan.deviceLayout().tensors()) {
            if (plan.optimizer() == Optimizer.MUON && t.kind().hidden()) {
                continue;
            }
            for (int at = 0; at < t.length(); at += PIECE) {
                int count = Math.min(PIECE, t.length() - at);
                pieces.add(new int[] {t.offset() + at, 0, count, t.kind().decays() ? 1 : 0});
            }
        }
        return pieces.stream().flatMapToInt(java.util.Arrays::stream).toArray();
    }

    /** Where the gains of the norms over whole rows begin, in the order of the forward pass. */
    private static long[] gains(ParameterLayout layout) {
        return layout.tensors().stream()
                .filter(t -> t.kind() == ParameterLayout.Kind.NORM
                        && !t.name().contains("q_norm")
                        && !t.name().contains("k_norm"))
                .mapToLong(ParameterLayout.Tensor::offset)
                .toArray();
    }

    /** Bytes of {@link #step} that a plan uses. */
    static int stepBytes(GpuPlan plan) {
        long starts = 8L * plan.accumulation() * plan.lanes() * plan.batch();
        return Math.toIntExact((HYPER_BYTES * (long) plan.lanes() + starts + 15) / 16 * 16);
    }

    long hyper() {
        return step.address();
    }

    /** Window starts of a pass. */
    long starts(GpuPlan plan, int pass) {
        return step.address(HYPER_BYTES * (long) plan.lanes() + 8L * pass * plan.lanes() * plan.batch());
    }

    @Override
    public void close() {
        all.forEach(DeviceMemory::close);
    }
}
