package dev.isoflop.lm.cuda.kernels;

import dev.isoflop.lm.cuda.driver.DeviceMemory;
import dev.isoflop.lm.cuda.kernels.KernelBench.Type;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("gpu")
class RmsNormGpuTests {

    private static final int LANES = 2;
    /** Large, since with one column the gradient is what it leaves of 1 - 1. */
    private static final float EPS = 0.5f;

    private KernelBench bench;

    @BeforeEach
    void open() {
        bench = new KernelBench("rmsnorm.cu");
    }

    @AfterEach
    void close() {
        if (bench != null) {
            bench.close();
        }
    }

    @Test
    void normsWithAndWithoutAResidualAndTheirGradients() {
        for (Type type : Type.values()) {
            for (int d : KernelBench.WIDTHS) {
                for (int rows : KernelBench.ROWS) {
                    check(type, d, rows, false);
                    check(type, d, rows, true);
                }
            }
        }
    }

    /** Widths around those from which a lane holds one vector more, and one that is not held in registers. */
    @Test
    void widthsInRegistersUpToTheirLimits() {
        for (Type type : Type.values()) {
            int vector = 16 / type.bytes;
            for (int each = 1; each <= 4; each++) {
                for (int d : new int[] {32 * each * vector - vector, 32 * each * vector, 32 * each * vector + vector}) {
                    check(type, d, 101, true);
                    check(type, d, 30, false);
                }
            }
        }
    }

    private void check(Type type, int d, int rows, boolean add) {
        String what = "rmsnorm " + type + " d=" + d + " rows=" + rows + (add ? " with a residual" : "");
        int n = LANES * rows * d;
        int stride = d + 16; // elements between the lanes' gains
        float[] x = bench.normal(type, n);
        float[] delta = bench.normal(type, n);
        float[] w = bench.normal(type, LANES * stride);
        float[] dy = bench.normal(type, n);
        float[] residual = bench.normal(type, n);
        DeviceMemory gains = bench.up(type, w);
        DeviceMemory deltas = bench.up(type, delta);
        DeviceMemory rstd = bench.poisoned(Type.F32, LANES * rows);
        float[][] forward = bench.twice(what, () -> {
            DeviceMemory in = bench.up(type, x);
            DeviceMemory y = bench.poisoned(type, n);
            bench.args.reset().address(y).address(rstd);
            if (add) {
                bench.args.address(in).address(in).address(deltas); // the sum takes the place of x
            } else {
                bench.args.address(in);
            }
            bench.args.address(gains).int64(stride).int32(rows).int32(d).float32(EPS);
            bench.launch("rmsnorm_" + (add ? "add_" : "") + "forward_" + type.suffix, (rows + 3) / 4, LANES, 1, 128, 0);
            return new float[][] {
                bench.down(type, y, n), bench.down(Type.F32, rstd, LANES * rows), bench.down(type, in, n)
            };
        });
        float[] stored = forward[2];
        double[] sum = new double[n];
        for (int i = 0; i < n; i++) {
            sum[i] = add ? (double) x[i] + delta[i] : x[i];
        }
        bench.close(what + ": sum", type, stored, sum);
        double[] y = new double[n];
        double[] scales = new double[LANES * rows];
        double[] dx = new double[n];
        double[] dw = new double[LANES * d];
        float[] before = bench.normal(Type.F32, LANES * d);
        for (int i = 0; i < dw.length; i++) {
            dw[i] = before[i];
        }
        for (int r = 0; r < LANES * rows; r++) {
            int lane = r / rows;
            double squares = 0;
            for (int c = 0; c < d; c++) {
                squares += (double) stored[r * d + c] * stored[r * d + c];
            }
            double s = 1 / Math.sqrt(squares / d + EPS);
            scales[r] = s;
            double mean = 0;
            for (int c = 0; c < d; c++) {
                mean += (double) dy[r * d + c] * w[lane * stride + c] * stored[r * d + c] * s / d;
            }
            for (int c = 0; c < d; c++) {
                double normal = stored[r * d + c] * s;
                double gain = w[lane * stride + c];
                y[r * d + c] = normal * gain;
                dx[r * d + c] = s * (gain * dy[r * d + c] - normal * mean) + (add ? residual[r * d + c] : 0);
                dw[lane * d + c] += dy[r * d + c] * normal;
            }
        }
        bench.close(what + ": y", type, forward[0], y);
        bench.close(what + ": rstd", Type.F32, forward[1], scales);

        DeviceMemory in = bench.up(type, stored);
        int blocks = Math.min(7, rows);
        int warps = 4;
        float[][] backward = bench.twice(what, () -> {
            // the gradient takes the place of dy, or that of the residual's
            DeviceMemory dys = bench.up(type, dy);
            DeviceMemory residuals = bench.up(type, residual);
            DeviceMemory out = add ? residuals : dys;
            DeviceMemory partial = bench.poisoned(Type.F32, (long) LANES * blocks * d);
            DeviceMemory gradients = bench.up(Type.F32, before);
            DeviceMemory narrow = bench.poisoned(Type.BF16, LANES * d);
            bench.args
                    .reset()
                    .address(out)
                    .address(partial)
                    .address(dys)
                    .address(in)
                    .address(gains)
                    .int64(stride)
                    .address(rstd)
                    .address(add ? residuals.address() : 0)
                    .int32(rows)
                    .int32(d);
            bench.launch("rmsnorm_backward_" + type.suffix, blocks, LANES, 1, 32 * warps, 4 * warps * d);
            bench.args
                    .reset()
                    .address(gradients)
                    .address(partial)
                    .int64(d)
                    .int32(blocks)
                    .int32(d)
                    .int32(1);
            bench.launch("rmsnorm_reduce_f32", (d + 31) / 32, LANES, 1, 256, 0);
            bench.args
                    .reset()
                    .address(narrow)
                    .address(partial)
                    .int64(d)
                    .int32(blocks)
                    .int32(d)
                    .int32(0);
            bench.launch("rmsnorm_reduce_g16", (d + 31) / 32, LANES, 1, 256, 0);
            return new float[][] {
                bench.down(type, out, n),
                bench.down(Type.F32, gradients, LANES * d),
                bench.down(Type.BF16, narrow, LANES * d)
            };
        });
        bench.close(what + ": dx", type, backward[0], dx);
        bench.close(what + ": dw", Type.F32, backward[1], dw);
        for (int i = 0; i < dw.length; i++) {
            dw[i] -= before[i];
        }
        bench.close(what + ": dw in bf16", Type.BF16, backward[2], dw);
        bench.free();
    }
}
