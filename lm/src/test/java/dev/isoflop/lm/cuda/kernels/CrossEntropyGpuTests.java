package dev.isoflop.lm.cuda.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.lm.cuda.driver.DeviceMemory;
import dev.isoflop.lm.cuda.kernels.KernelBench.Type;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("gpu")
class CrossEntropyGpuTests {

    private static final int LANES = 2;

    private KernelBench bench;

    @BeforeEach
    void open() {
        bench = new KernelBench("crossentropy.cu");
    }

    @AfterEach
    void close() {
        if (bench != null) {
            bench.close();
        }
    }

    @Test
    void lossAndGradientWithZLossAndCap() {
        for (Type type : Type.values()) {
            for (int vocab : new int[] {2, 17, 24, 321, 1000}) {
                for (int rows : new int[] {1, 33}) {
                    check(type, rows, vocab, vocab, 0, 0);
                    check(type, rows, vocab, (vocab + 63) / 64 * 64, 1e-2f, 0);
                    check(type, rows, vocab, vocab + 3, 0, 2);
                    check(type, rows, vocab, (vocab + 63) / 64 * 64, 1e-2f, 2);
                }
            }
            check(type, 1000, 65, 128, 0, 0);
            check(type, 3, 50_257, 50_304, 1e-4f, 15);
        }
    }

    /** Rows around the sizes from which a thread holds twice as many vectors, and the one that is no longer held in registers. */
    @Test
    void rowsInRegistersUpToTheirLimits() {
        for (Type type : Type.values()) {
            int vector = 16 / type.bytes;
            for (int block : new int[] {32, 96, 1024}) {
                for (int each : new int[] {1, 2, 4, 8}) {
                    int most = block * each * vector;
                    for (int vocab : new int[] {most - vector - 1, most - 1, most, most + 1}) {
                        check(type, block == 1024 ? 2 : 33, vocab, (vocab + 63) / 64 * 64, 1e-3f, 0, block);
                    }
                    check(type, 2, most - 3, most - 3, 0, 0, block); // rows that are not aligned
                }
            }
        }
    }

    private void check(Type type, int rows, int vocab, int ld, float zLoss, float cap) {
        check(type, rows, vocab, ld, zLoss, cap, 256);
    }

    private void check(Type type, int rows, int vocab, int ld, float zLoss, float cap, int block) {
        String what = "cross-entropy %s rows=%d vocab=%d ld=%d z=%s cap=%s threads=%d"
                .formatted(type, rows, vocab, ld, zLoss, cap, block);
        int n = LANES * rows * ld;
        int tokenStride = rows + 5; // as if these rows were a chunk of the lane's
        float[] logits = bench.normal(type, n); // [LANES][rows][ld]
        for (int i = 0; i < n; i++) {
            // padding must not matter; of few columns the target's may be so likely that its loss has no digits left
            logits[i] = i % ld < vocab ? (vocab < 100 ? 1 : 4) * logits[i] : Float.NaN;
        }
        int[] targets = bench.ids(LANES * tokenStride, vocab);
        if (rows > 1) {
            targets[1] = -1;
        }
        float[] scales = {0.25f, 2};
        double[] losses = new double[LANES * rows];
        double[] sums = new double[LANES * rows];
        double[] gradient = new double[n];
        for (int r = 0; r < LANES * rows; r++) {
            int target = targets[r / rows * tokenStride + r % rows];
            if (target >= 0) {
                row(logits, r * ld, vocab, target, zLoss, cap, scales[r / rows], gradient, losses, sums, r);
            }
        }
        DeviceMemory tokens = bench.up(targets);
        DeviceMemory scale = bench.up(Type.F32, scales);
        float[][] got = bench.twice(what, () -> {
            DeviceMemory x = bench.up(type, logits);
            DeviceMemory loss = bench.poisoned(Type.F32, LANES * tokenStride);
            DeviceMemory lse = bench.poisoned(Type.F32, LANES * tokenStride);
            bench.args
                    .reset()
                    .address(x)
                    .address(tokens)
                    .address(loss)
                    .address(lse)
                    .address(scale)
                    .int64((long) rows * ld)
                    .int64(tokenStride)
                    .int32(ld)
                    .int32(vocab)
                    .float32(zLoss)
                    .float32(cap)
                    .int32(1);
            bench.launch("crossentropy_" + type.suffix, rows, LANES, 1, block, 0);
            return new float[][] {bench.down(type, x, n), chunk(loss, rows, tokenStride), chunk(lse, rows, tokenStride)
            };
        });
        // losses are float in either type, of logits that are exact
        bench.close(what + ": loss", got[1], losses, 1e-5);
        bench.close(what + ": log sum", got[2], sums, 1e-5);
        bench.close(what + ": gradient", type, got[0], gradient);
        for (int i = 0; i < n; i++) {
            if (i % ld >= vocab && got[0][i] != 0) {
                throw new AssertionError(what + ": padding is " + got[0][i]);
            }
        }
        bench.free();
    }

    private static void row(
            float[] x,
            int at,
            int vocab,
            int target,
            double zLoss,
            double cap,
            double scale,
            double[] gradient,
            double[] losses,
            double[] sums,
            int r) {
        double[] y = new double[vocab];
        double max = Double.NEGATIVE_INFINITY;
        for (int c = 0; c < vocab; c++) {
            y[c] = cap > 0 ? cap * Math.tanh(x[at + c] / cap) : x[at + c];
            max = Math.max(max, y[c]);
        }
        double sum = 0;
        for (int c = 0; c < vocab; c++) {
            sum += Math.exp(y[c] - max);
        }
        double lse = max + Math.log(sum);
        losses[r] = lse - y[target];
        sums[r] = lse;
        for (int c = 0; c < vocab; c++) {
            double slope = cap > 0 ? 1 - y[c] * y[c] / (cap * cap) : 1;
            double p = Math.exp(y[c] - lse);
            gradient[at + c] = scale * slope * (p * (1 + 2 * zLoss * lse) - (c == target ? 1 : 0));
        }
    }

    private float[] chunk(DeviceMemory memory, int rows, int stride) {
        float[] all = bench.down(Type.F32, memory, LANES * stride);
        float[] own = new float[LANES * rows];
        for (int lane = 0; lane < LANES; lane++) {
            System.arraycopy(all, lane * stride, own, lane * rows, rows);
        }
        return own;
    }

    @Test
    void evaluationLeavesLogitsAloneAndAForeignTargetIsNan() {
        int vocab = 40;
        float[] logits = bench.normal(Type.F32, 2 * vocab);
        DeviceMemory x = bench.up(Type.F32, logits);
        DeviceMemory loss = bench.poisoned(Type.F32, 2);
        for (int gradient = 0; gradient < 2; gradient++) {
            bench.args
                    .reset()
                    .address(x)
                    .address(bench.up(new int[] {3, vocab}))
                    .address(loss)
                    .address(0)
                    .address(bench.up(Type.F32, new float[] {1}))
                    .int64(0)
                    .int64(0)
                    .int32(vocab)
                    .int32(vocab)
                    .float32(0)
                    .float32(0)
                    .int32(gradient);
            bench.launch("crossentropy_f32", 2, 1, 1, 64, 0);
            float[] after = bench.down(Type.F32, x, 2 * vocab);
            float[] losses = bench.down(Type.F32, loss, 2);
            assertThat(losses[0]).isPositive();
            assertThat(losses[1]).isNaN();
            if (gradient == 0) {
                assertThat(after).isEqualTo(logits);
            } else {
                assertThat(after[0]).isFinite();
                assertThat(after[vocab]).isNaN();
            }
        }
    }
}
