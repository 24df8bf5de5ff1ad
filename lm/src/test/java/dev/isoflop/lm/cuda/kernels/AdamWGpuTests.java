package dev.isoflop.lm.cuda.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.lm.cuda.driver.DeviceMemory;
import dev.isoflop.lm.cuda.kernels.KernelBench.Type;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("gpu")
class AdamWGpuTests {

    private static final int LANES = 3;
    private static final int SICK = 1;
    private static final int STEPS = 5;
    private static final int HYPER = 16;

    private KernelBench bench;

    @BeforeEach
    void open() {
        bench = new KernelBench("adamw.cu");
    }

    @AfterEach
    void close() {
        if (bench != null) {
            bench.close();
        }
    }

    @Test
    void lanesAreUpdatedEachItsWayAndASickOneIsLeftAlone() {
        for (int[] tensors : new int[][] {{1}, {17, 24, 1}, {64, 64 * 320, 17, 33 * 24, 100_003}}) {
            check(Type.F32, Type.F32, tensors);
            check(Type.F32, Type.BF16, tensors);
            check(Type.BF16, Type.BF16, tensors);
        }
    }

    /** Pieces of 4096 elements: from, count and whether they decay; every other tensor does. */
    private static int[] segments(int[] tensors) {
        List<Integer> words = new ArrayList<>();
        int at = 0;
        for (int t = 0; t < tensors.length; t++) {
            for (int from = 0; from < tensors[t]; from += 4096) {
                words.addAll(List.of(at + from, 0, Math.min(4096, tensors[t] - from), t % 2));
            }
            at += tensors[t];
        }
        return words.stream().mapToInt(Integer::intValue).toArray();
    }

    private static float[] hyper(int t) {
        float[] all = new float[LANES * HYPER];
        for (int lane = 0; lane < LANES; lane++) {
            float[] own = {
                1e-2f * (lane + 1),
                0.9f,
                0.95f,
                1e-8f,
                0.1f * lane,
                (float) (1 / (1 - Math.pow(0.9f, t))),
                (float) (1 / Math.sqrt(1 - Math.pow(0.95f, t))),
                lane == 2 ? 0 : 0.5f,
                0.25f
            };
            System.arraycopy(own, 0, all, lane * HYPER, own.length);
        }
        return all;
    }

    private void check(Type gradients, Type copies, int[] tensors) {
        int n = Arrays.stream(tensors).sum();
        int stride = (n + 7) / 8 * 8; // between lanes
        String what = "adamw of " + gradients + " gradients, " + copies + " copies, " + Arrays.toString(tensors);
        float[] start = bench.normal(Type.F32, LANES * stride);
        float[][] grads = new float[STEPS][];
        for (int step = 0; step < STEPS; step++) {
            grads[step] = bench.normal(gradients, LANES * stride);
            grads[step][SICK * stride + n / 2] = step % 2 == 0 ? Float.NaN : Float.POSITIVE_INFINITY;
        }
        int[] segments = segments(tensors);
        DeviceMemory table = bench.up(segments);
        int blocks = 13;
        float[][] got = bench.twice(what, () -> {
            DeviceMemory w = bench.up(Type.F32, start);
            DeviceMemory m = bench.up(Type.F32, new float[LANES * stride]);
            DeviceMemory v = bench.up(Type.F32, new float[LANES * stride]);
            DeviceMemory copy = bench.poisoned(Type.BF16, LANES * stride);
            DeviceMemory partial = bench.poisoned(Type.F32, 2 * LANES * blocks);
            DeviceMemory state = bench.up(new int[4 * LANES]);
            DeviceMemory hyper = bench.up(Type.F32, hyper(1));
            String suffix = gradients == Type.F32 ? "f32" : "g16";
            for (int step = 0; step < STEPS; step++) {
                hyper.upload(hyper(step + 1));
                DeviceMemory g = bench.up(gradients, grads[step]);
                bench.args.reset().address(partial).address(g).int64(stride).int64(n);
                bench.launch("gradient_squares_" + suffix, blocks, LANES, 1, 256, 0);
                bench.args
                        .reset()
                        .address(state)
                        .address(partial)
                        .address(hyper)
                        .int32(blocks);
                bench.launch("gradient_norm", 1, LANES, 1, 32, 0);
                bench.args
                        .reset()
                        .address(w)
                        .address(m)
                        .address(v)
                        .address(g)
                        .address(copies == Type.BF16 ? copy.address() : 0)
                        .address(table)
                        .address(hyper)
                        .address(state)
                        .int64(stride);
                bench.launch("adamw_" + suffix, segments.length / 4, LANES, 1, 256, 0);
            }
            float[] norms = bench.down(Type.F32, state, 4 * LANES);
            assertThat(bench.downInts(state, 4 * LANES)[4 * SICK + 2]).isEqualTo(STEPS);
            assertThat(bench.downInts(state, 4 * LANES)[2]).isZero();
            return new float[][] {
                bench.down(Type.F32, w, LANES * stride),
                bench.down(Type.F32, m, LANES * stride),
                bench.down(Type.F32, v, LANES * stride),
                bench.down(Type.BF16, copy, LANES * stride),
                {norms[0], norms[8], norms[1], norms[9]}
            };
        });
        assertThat(Arrays.equals(got[0], SICK * stride, (SICK + 1) * stride, start, SICK * stride, (SICK + 1) * stride))
                .as(what + ": the sick lane")
                .isTrue();
        for (int lane = 0; lane < LANES; lane += 2) {
            double[][] want = reference(lane, tensors, stride, start, grads);
            for (int i = 0; i < 3; i++) {
                float[] own = Arrays.copyOfRange(got[i], lane * stride, lane * stride + n);
                bench.close(what + ": result " + i + " of lane " + lane, Type.F32, own, want[i]);
            }
            double[] norm = {want[3][0], want[3][1]};
            bench.close(what + ": norm", new float[] {got[4][lane / 2], got[4][2 + lane / 2]}, norm, 1e-5);
            for (int i = lane * stride; copies == Type.BF16 && i < lane * stride + n; i++) {
                if (got[3][i] != KernelBench.fromBf16(KernelBench.toBf16(got[0][i]))) {
                    throw new AssertionError(what + ": the copy of " + got[0][i] + " is " + got[3][i]);
                }
            }
        }
        bench.free();
    }

    /** Parameters, both moments, and the last step's norm and scale. */
    private static double[][] reference(int lane, int[] tensors, int stride, float[] start, float[][] grads) {
        int n = Arrays.stream(tensors).sum();
        double[] w = new double[n];
        double[] m = new double[n];
        double[] v = new double[n];
        double[] norm = new double[2];
        for (int i = 0; i < n; i++) {
            w[i] = start[lane * stride + i];
        }
        for (int step = 0; step < STEPS; step++) {
            float[] h = Arrays.copyOfRange(hyper(step + 1), lane * HYPER, (lane + 1) * HYPER);
            double squares = 0;
            for (int i = 0; i < n; i++) {
                squares += (double) grads[step][lane * stride + i] * grads[step][lane * stride + i];
            }
            norm[0] = Math.sqrt(squares) * h[8];
            norm[1] = h[8] * (h[7] > 0 && norm[0] > h[7] ? h[7] / norm[0] : 1);
            int i = 0;
            for (int t = 0; t < tensors.length; t++) {
                for (int end = i + tensors[t]; i < end; i++) {
                    double g = grads[step][lane * stride + i] * norm[1];
                    m[i] = h[1] * m[i] + (1 - (double) h[1]) * g;
                    v[i] = h[2] * v[i] + (1 - (double) h[2]) * g * g;
                    w[i] -= t % 2 == 0 ? 0 : w[i] * h[0] * h[4];
                    w[i] -= h[0] * h[5] * m[i] / (Math.sqrt(v[i]) * h[6] + h[3]);
                }
            }
        }
        return new double[][] {w, m, v, norm};
    }
}
