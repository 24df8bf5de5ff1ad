package dev.isoflop.lm.cuda.kernels;

import dev.isoflop.lm.cuda.driver.DeviceMemory;
import dev.isoflop.lm.cuda.kernels.KernelBench.Type;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("gpu")
class RopeGpuTests {

    private static final int LANES = 2;
    private static final int CONTEXT = 37;
    private static final double THETA = 10_000;
    private static final float EPS = 0.5f;

    private KernelBench bench;

    /** One shape: rows of {@code heads} queries, {@code kv} keys and as many values. */
    private record Shape(int rows, int heads, int kv, int headDim) {
        int all() {
            return heads + kv;
        }

        int ld() {
            return (heads + 2 * kv) * headDim;
        }
    }

    @BeforeEach
    void open() {
        bench = new KernelBench("rope.cu");
    }

    @AfterEach
    void close() {
        if (bench != null) {
            bench.close();
        }
    }

    @Test
    void headsAreRotatedAndRotatedBack() {
        for (Type type : Type.values()) {
            for (int headDim : new int[] {2, 6, 24, 34, 64, 80, 128, 256}) {
                for (int rows : KernelBench.ROWS) {
                    Shape shape = new Shape(rows, 3, 1, headDim);
                    rotation(type, shape, 1);
                    rotation(type, shape, -1);
                    normedRotation(type, shape);
                }
            }
        }
    }

    private DeviceMemory table(int headDim) {
        DeviceMemory table = bench.poisoned(Type.F32, CONTEXT * headDim);
        bench.args.reset().address(table).int32(CONTEXT).int32(headDim).float64(THETA);
        bench.launch("rope_table", 3, 1, 1, 128, 0);
        return table;
    }

    /** Turns [rows][ld] in place, query and key heads alone. */
    private static void rotate(double[] x, Shape shape, int direction) {
        int half = shape.headDim / 2;
        for (int r = 0; r < LANES * shape.rows; r++) {
            int position = r % shape.rows % CONTEXT;
            for (int h = 0; h < shape.all(); h++) {
                int at = r * shape.ld() + h * shape.headDim;
                for (int p = 0; p < half; p++) {
                    double angle = direction * position * Math.pow(THETA, -2.0 * p / shape.headDim);
                    double a = x[at + p];
                    double b = x[at + half + p];
                    x[at + p] = a * Math.cos(angle) - b * Math.sin(angle);
                    x[at + half + p] = b * Math.cos(angle) + a * Math.sin(angle);
                }
            }
        }
    }

    private static double[] wide(float[] x) {
        double[] wide = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            wide[i] = x[i];
        }
        return wide;
    }

    private void rotation(Type type, Shape shape, int direction) {
        int n = LANES * shape.rows * shape.ld();
        float[] x = bench.normal(type, n);
        double[] want = wide(x);
        rotate(want, shape, direction);
        DeviceMemory table = table(shape.headDim);
        String what = "rope " + type + " " + shape + " direction " + direction;
        float[][] got = bench.twice(what, () -> {
            DeviceMemory qkv = bench.up(type, x);
            bench.args
                    .reset()
                    .address(qkv)
                    .address(table)
                    .int32(shape.rows)
                    .int32(CONTEXT)
                    .int32(shape.heads)
                    .int32(shape.kv)
                    .int32(shape.headDim)
                    .float32(direction);
            bench.launch("rope_" + type.suffix, 19, LANES, 1, 128, 0);
            return new float[][] {bench.down(type, qkv, n)};
        });
        bench.close(what, type, got[0], want);
        bench.free();
    }

    private void normedRotation(Type type, Shape shape) {
        String what = "rope with norm " + type + " " + shape;
        int headDim = shape.headDim;
        int all = shape.all();
        int n = LANES * shape.rows * shape.ld();
        int raws = LANES * shape.rows * all * headDim;
        int stride = 2 * headDim; // each lane's gains: queries', keys'
        float[] x = bench.normal(type, n);
        float[] dy = bench.normal(type, n);
        float[] gains = bench.normal(type, LANES * stride);
        double[] y = wide(x);
        double[] dx = wide(dy);
        double[] dGains = new double[LANES * stride];
        rotate(dx, shape, -1);
        for (int r = 0; r < LANES * shape.rows; r++) {
            for (int h = 0; h < all; h++) {
                int at = r * shape.ld() + h * headDim;
                int gain = r / shape.rows * stride + (h < shape.heads ? 0 : headDim);
                double squares = 0;
                for (int c = 0; c < headDim; c++) {
                    squares += (double) x[at + c] * x[at + c];
                }
                double s = 1 / Math.sqrt(squares / headDim + EPS);
                double mean = 0;
                for (int c = 0; c < headDim; c++) {
                    y[at + c] = x[at + c] * s * gains[gain + c];
                    dGains[gain + c] += dx[at + c] * x[at + c] * s;
                    mean += dx[at + c] * gains[gain + c] * x[at + c] * s / headDim;
                }
                for (int c = 0; c < headDim; c++) {
                    dx[at + c] = s * (gains[gain + c] * dx[at + c] - x[at + c] * s * mean);
                }
            }
        }
        rotate(y, shape, 1);
        DeviceMemory table = table(headDim);
        DeviceMemory gain = bench.up(type, gains);
        long kGain = gain.address((long) headDim * type.bytes);
        int blocks = 5;
        float[][] got = bench.twice(what, () -> {
            DeviceMemory qkv = bench.up(type, x);
            DeviceMemory raw = bench.poisoned(type, raws);
            DeviceMemory rstd = bench.poisoned(Type.F32, LANES * shape.rows * all);
            bench.args
                    .reset()
                    .address(qkv)
                    .address(raw)
                    .address(rstd)
                    .address(table)
                    .address(gain)
                    .address(kGain)
                    .int64(stride)
                    .int32(shape.rows)
                    .int32(CONTEXT)
                    .int32(shape.heads)
                    .int32(shape.kv)
                    .int32(headDim)
                    .float32(EPS);
            bench.launch("rope_norm_forward_" + type.suffix, 11, LANES, 1, 128, 0);
            DeviceMemory gradient = bench.up(type, dy);
            DeviceMemory partial = bench.poisoned(Type.F32, LANES * blocks * 2L * headDim);
            DeviceMemory sums = bench.poisoned(Type.F32, LANES * stride);
            bench.args
                    .reset()
                    .address(gradient)
                    .address(partial)
                    .address(raw)
                    .address(rstd)
                    .address(table)
                    .address(gain)
                    .address(kGain)
                    .int64(stride)
                    .int32(shape.rows)
                    .int32(CONTEXT)
                    .int32(shape.heads)
                    .int32(shape.kv)
                    .int32(headDim);
            bench.launch("rope_norm_backward_" + type.suffix, blocks, LANES, 1, 128, 0);
            bench.args
                    .reset()
                    .address(sums)
                    .address(sums.address(4L * headDim))
                    .address(partial)
                    .int64(stride)
                    .int32(blocks)
                    .int32(headDim)
                    .int32(0);
            bench.launch("rope_gain_reduce_f32", (headDim + 31) / 32, LANES, 2, 256, 0);
            return new float[][] {
                bench.down(type, qkv, n), bench.down(type, gradient, n), bench.down(Type.F32, sums, LANES * stride)
            };
        });
        bench.close(what + ": y", type, got[0], y);
        bench.close(what + ": dx", type, got[1], dx);
        bench.close(what + ": gains", Type.F32, got[2], dGains);
        bench.free();
    }
}
