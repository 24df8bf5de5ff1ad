package dev.isoflop.lm.cuda.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.lm.cuda.Gpu;
import dev.isoflop.lm.cuda.driver.CudaEvent;
import dev.isoflop.lm.cuda.driver.DeviceMemory;
import dev.isoflop.lm.cuda.kernels.KernelBench.Type;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Time of each kernel at the size of a GPT-2 124M step of 32 × 1024 tokens in bf16, and the bandwidth that is: all of them are bound by
 * memory, so the device's is their roofline. Bytes are those that have to be moved once, not those that were.
 */
@Tag("gpu")
class KernelFiguresGpuTests {

    private static final int ROWS = 32 * 1024;
    private static final int D = 768;
    private static final int VOCAB = 50_257;
    private static final int PADDED = 50_304;
    private static final long BILLION = 1_000_000_000;

    private static void time(KernelBench bench, String name, double bytes, Runnable launch) {
        double best = Double.MAX_VALUE;
        try (CudaEvent from = CudaEvent.create(bench.device);
                CudaEvent to = CudaEvent.create(bench.device)) {
            for (int round = 0; round < 5; round++) {
                from.record(bench.stream);
                for (int i = 0; i < 10; i++) {
                    launch.run();
                }
                to.record(bench.stream);
                to.synchronize();
                best = Math.min(best, to.millisSince(from) / 10);
            }
        }
        assertThat(best).isPositive();
        Gpu.figure(name, best * 1e3, "us, %.0f GB/s".formatted(bytes / (best * 1e-3) / BILLION));
    }

    /** Normal numbers in bf16; they repeat, since drawing them all takes longer than the test. */
    private static DeviceMemory random(KernelBench bench, int length) {
        float[] some = bench.normal(Type.BF16, 1 << 16);
        float[] values = new float[length];
        for (int i = 0; i < length; i++) {
            values[i] = some[i & 0xffff];
        }
        return bench.up(Type.BF16, values);
    }

    private static DeviceMemory zeros(KernelBench bench, long bytes) {
        DeviceMemory memory = bench.allocate(bytes);
        memory.memset(0);
        return memory;
    }

    @Test
    void normsRotationsAndActivations() {
        double row = 2.0 * ROWS * D; // bytes of [ROWS][D]
        try (KernelBench bench = new KernelBench("rmsnorm.cu")) {
            DeviceMemory x = random(bench, ROWS * D);
            DeviceMemory y = bench.poisoned(Type.BF16, ROWS * D);
            DeviceMemory delta = zeros(bench, 2L * ROWS * D);
            DeviceMemory w = bench.up(Type.BF16, bench.normal(Type.BF16, D));
            DeviceMemory rstd = zeros(bench, 4L * ROWS);
            int blocks = 2 * bench.device.multiprocessors();
            DeviceMemory partial = zeros(bench, 4L * blocks * D);
            time(bench, "rmsnorm with residual", 4 * row, () -> {
                bench.args
                        .reset()
                        .address(y)
                        .address(rstd)
                        .address(x)
                        .address(x)
                        .address(delta)
                        .address(w);
                bench.args.int64(0).int32(ROWS).int32(D).float32(1e-5f);
                bench.launch("rmsnorm_add_forward_bf16", ROWS / 4, 1, 1, 128, 0);
            });
            time(bench, "rmsnorm backward", 4 * row, () -> {
                bench.args
                        .reset()
                        .address(delta)
                        .address(partial)
                        .address(y)
                        .address(x)
                        .address(w)
                        .int64(0);
                bench.args.address(rstd).address(delta).int32(ROWS).int32(D);
                bench.launch("rmsnorm_backward_bf16", blocks, 1, 1, 256, 4 * 8 * D);
            });
            time(bench, "rmsnorm reduce", 4.0 * blocks * D, () -> {
                bench.args
                        .reset()
                        .address(rstd)
                        .address(partial)
                        .int64(0)
                        .int32(blocks)
                        .int32(D)
                        .int32(0);
                bench.launch("rmsnorm_reduce_f32", D / 32, 1, 1, 256, 0);
            });
        }
        try (KernelBench bench = new KernelBench("rope.cu")) {
            DeviceMemory qkv = random(bench, ROWS * 3 * D);
            DeviceMemory raw = bench.poisoned(Type.BF16, ROWS * 2 * D);
            DeviceMemory rstd = zeros(bench, 4L * ROWS * 24);
            DeviceMemory gain = bench.up(Type.BF16, bench.normal(Type.BF16, 64));
            DeviceMemory table = zeros(bench, 4L * 1024 * 64);
            int blocks = 8 * bench.device.multiprocessors();
            DeviceMemory partial = zeros(bench, 4L * blocks * 128);
            bench.args.reset().address(table).int32(1024).int32(64).float64(1e4);
            bench.launch("rope_table", 64, 1, 1, 128, 0);
            time(bench, "rope", 4 * row, () -> {
                bench.args.reset().address(qkv).address(table).int32(ROWS).int32(1024);
                bench.args.int32(12).int32(12).int32(64).float32(1);
                bench.launch("rope_bf16", blocks, 1, 1, 128, 0);
            });
            time(bench, "rope with QK-norm", 6 * row, () -> {
                bench.args
                        .reset()
                        .address(qkv)
                        .address(raw)
                        .address(rstd)
                        .address(table)
                        .address(gain)
                        .address(gain);
                bench.args
                        .int64(0)
                        .int32(ROWS)
                        .int32(1024)
                        .int32(12)
                        .int32(12)
                        .int32(64)
                        .float32(1e-5f);
                bench.launch("rope_norm_forward_bf16", blocks, 1, 1, 128, 0);
            });
            time(bench, "rope with QK-norm backward", 6 * row, () -> {
                bench.args
                        .reset()
                        .address(qkv)
                        .address(partial)
                        .address(raw)
                        .address(rstd)
                        .address(table);
                bench.args
                        .address(gain)
                        .address(gain)
                        .int64(0)
                        .int32(ROWS)
                        .int32(1024)
                        .int32(12)
                        .int32(12)
                        .int32(64);
                bench.launch("rope_norm_backward_bf16", blocks, 1, 1, 128, 0);
            });
        }
        try (KernelBench bench = new KernelBench("swiglu.cu")) {
            int f = 2048;
            DeviceMemory both = random(bench, ROWS * 2 * f);
            DeviceMemory act = zeros(bench, 2L * ROWS * f);
            time(bench, "swiglu", 6.0 * ROWS * f, () -> {
                bench.args.reset().address(act).address(both).int64(ROWS).int32(f);
                bench.launch("swiglu_forward_bf16", ROWS, 1, 1, 256, 0);
            });
            time(bench, "swiglu backward", 10.0 * ROWS * f, () -> {
                bench.args
                        .reset()
                        .address(both)
                        .address(0)
                        .address(act)
                        .int64(ROWS)
                        .int32(f);
                bench.launch("swiglu_backward_bf16", ROWS, 1, 1, 256, 0);
            });
        }
    }

    @Test
    void embeddingsLossAndUpdate() {
        try (KernelBench bench = new KernelBench("embedding.cu")) {
            int[] ids = bench.ids(ROWS, VOCAB);
            for (int i = 0; i < ROWS; i += 20) {
                ids[i] = 262; // as frequent as the commonest word
            }
            DeviceMemory keys = bench.up(ids);
            DeviceMemory[] sorted = {zeros(bench, 4L * ROWS), zeros(bench, 4L * ROWS)};
            DeviceMemory[] order = {zeros(bench, 4L * ROWS), zeros(bench, 4L * ROWS)};
            int chunks = ROWS / 1024;
            DeviceMemory counts = zeros(bench, 4L * 256 * chunks);
            time(bench, "embedding index", 24.0 * ROWS, () -> {
                for (int pass = 0; pass < 2; pass++) {
                    DeviceMemory in = pass == 0 ? keys : sorted[0];
                    bench.args
                            .reset()
                            .address(counts)
                            .address(in)
                            .int32(ROWS)
                            .int32(VOCAB)
                            .int32(8 * pass);
                    bench.launch("embedding_sort_count", chunks, 1, 1, 1024, 0);
                    bench.args
                            .reset()
                            .address(sorted[pass])
                            .address(order[pass])
                            .address(in);
                    bench.args.address(pass == 0 ? 0 : order[0].address()).address(counts);
                    bench.args.int32(ROWS).int32(VOCAB).int32(8 * pass);
                    bench.launch("embedding_sort_scatter", chunks, 1, 1, 1024, 0);
                }
            });
            DeviceMemory dy = zeros(bench, 2L * ROWS * D);
            DeviceMemory table = zeros(bench, 4L * VOCAB * D);
            DeviceMemory partial = zeros(bench, 8L * ROWS / 32 * D);
            for (int add = 0; add < 2; add++) {
                int accumulate = add;
                time(bench, "embedding backward, accumulate " + add, 2.0 * ROWS * D + 4.0 * VOCAB * D, () -> {
                    int spans = ROWS / 32;
                    bench.args
                            .reset()
                            .address(table)
                            .address(partial)
                            .address(dy)
                            .address(sorted[1])
                            .address(order[1]);
                    bench.args.int32(ROWS).int32(D).int32(VOCAB).int64(0).int32(accumulate);
                    int more = accumulate == 1 ? 0 : (VOCAB + 31) / 32;
                    bench.launch("embedding_backward_bf16", spans + more, 1, 1, 192, 0);
                    bench.args.reset().address(table).address(partial).address(sorted[1]);
                    bench.args.int32(ROWS).int32(D).int32(VOCAB).int64(0).int32(accumulate);
                    bench.launch("embedding_borders_bf16", spans, 1, 1, 192, 0);
                });
            }
        }
        try (KernelBench bench = new KernelBench("crossentropy.cu")) {
            int rows = 4096;
            DeviceMemory logits = zeros(bench, 2L * rows * PADDED);
            DeviceMemory loss = zeros(bench, 4L * rows);
            DeviceMemory targets = bench.up(bench.ids(rows, VOCAB));
            DeviceMemory scale = bench.up(Type.F32, new float[] {1});
            for (int threads : new int[] {512, 800, 1024}) { // the first is too few to hold a row in registers
                int block = threads;
                time(bench, "cross-entropy, " + threads + " threads", 4.0 * rows * PADDED, () -> {
                    bench.args
                            .reset()
                            .address(logits)
                            .address(targets)
                            .address(loss)
                            .address(0)
                            .address(scale);
                    bench.args
                            .int64(0)
                            .int64(0)
                            .int32(PADDED)
                            .int32(VOCAB)
                            .float32(0)
                            .float32(0)
                            .int32(1);
                    bench.launch("crossentropy_bf16", rows, 1, 1, block, 0);
                });
            }
        }
        try (KernelBench bench = new KernelBench("adamw.cu")) {
            int pieces = 124_000_000 / 8192;
            long n = 8192L * pieces;
            DeviceMemory[] arenas = new DeviceMemory[4];
            for (int i = 0; i < 4; i++) {
                arenas[i] = zeros(bench, 4 * n);
            }
            DeviceMemory copy = zeros(bench, 2 * n);
            int[] words = new int[4 * pieces];
            for (int i = 0; i < pieces; i++) {
                words[4 * i] = 8192 * i;
                words[4 * i + 2] = 8192;
                words[4 * i + 3] = 1;
            }
            DeviceMemory segments = bench.up(words);
            float[] numbers = {1e-3f, 0.9f, 0.95f, 1e-8f, 0.1f, 10, 4, 1, 1, 0, 0, 0, 0, 0, 0, 0};
            DeviceMemory hyper = bench.up(Type.F32, numbers);
            DeviceMemory state = zeros(bench, 16);
            int blocks = 8 * bench.device.multiprocessors();
            DeviceMemory partial = zeros(bench, 8L * blocks);
            time(bench, "gradient norm", 4.0 * n, () -> {
                bench.args.reset().address(partial).address(arenas[3]).int64(n).int64(n);
                bench.launch("gradient_squares_f32", blocks, 1, 1, 256, 0);
                bench.args
                        .reset()
                        .address(state)
                        .address(partial)
                        .address(hyper)
                        .int32(blocks);
                bench.launch("gradient_norm", 1, 1, 1, 32, 0);
            });
            time(bench, "adamw", 30.0 * n, () -> {
                bench.args
                        .reset()
                        .address(arenas[0])
                        .address(arenas[1])
                        .address(arenas[2])
                        .address(arenas[3]);
                bench.args
                        .address(copy)
                        .address(segments)
                        .address(hyper)
                        .address(state)
                        .int64(n);
                bench.launch("adamw_f32", pieces, 1, 1, 256, 0);
            });
        }
    }
}
