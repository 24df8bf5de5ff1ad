package dev.isoflop.lm.cuda.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.lm.cuda.Gpu;
import dev.isoflop.lm.cuda.driver.Args;
import dev.isoflop.lm.cuda.driver.CudaDevice;
import dev.isoflop.lm.cuda.driver.CudaModule;
import dev.isoflop.lm.cuda.driver.CudaStream;
import dev.isoflop.lm.cuda.driver.DeviceMemory;
import dev.isoflop.lm.cuda.driver.Kernel;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.function.Supplier;

/** What a test of kernels needs: the device, fresh random numbers, memory of either type, and comparisons with float64. */
final class KernelBench implements AutoCloseable {

    /** Sizes of rows: scalar, odd, aligned for one type only, aligned for both, more than one pass of a warp. */
    static final int[] WIDTHS = {1, 17, 24, 64, 320};

    static final int[] ROWS = {1, 33, 1000};

    enum Type {
        F32("f32", 4, 1e-5),
        BF16("bf16", 2, 1e-2);

        final String suffix;
        final int bytes;
        final double tolerance;

        Type(String suffix, int bytes, double tolerance) {
            this.suffix = suffix;
            this.bytes = bytes;
            this.tolerance = tolerance;
        }
    }

    final CudaDevice device = Gpu.require();
    final CudaStream stream = CudaStream.create(device);
    final Args args = new Args();
    final long seed = System.nanoTime();
    final Random random = new Random(seed);
    final CudaModule module;
    private final Map<String, Kernel> kernels = new HashMap<>();
    private final Deque<DeviceMemory> owned = new ArrayDeque<>();

    KernelBench(String file) {
        this.module = Gpu.kernels(device, file);
        System.out.println(file + " with seed " + seed);
    }

    void launch(String kernel, int gridX, int gridY, int gridZ, int block, int sharedBytes) {
        kernels.computeIfAbsent(kernel, module::function).launch(stream, gridX, gridY, gridZ, block, sharedBytes, args);
    }

    /** Normal numbers that the type can hold exactly. */
    float[] normal(Type type, int length) {
        float[] values = Gpu.normal(random, length);
        if (type == Type.BF16) {
            for (int i = 0; i < length; i++) {
                values[i] = fromBf16(toBf16(values[i]));
            }
        }
        return values;
    }

    int[] ids(int length, int below) {
        return random.ints(length, 0, below).toArray();
    }

    DeviceMemory up(Type type, float[] values) {
        DeviceMemory memory = allocate((long) type.bytes * values.length);
        if (type == Type.F32) {
            memory.upload(values);
        } else {
            short[] narrow = new short[values.length];
            for (int i = 0; i < values.length; i++) {
                narrow[i] = toBf16(values[i]);
            }
            memory.upload(narrow);
        }
        return memory;
    }

    DeviceMemory up(int[] values) {
        DeviceMemory memory = allocate(4L * values.length);
        memory.upload(values);
        return memory;
    }

    /** Memory full of NaN, or of -1. */
    DeviceMemory poisoned(Type type, long length) {
        DeviceMemory memory = allocate(type.bytes * length);
        memory.memset(0xff);
        return memory;
    }

    float[] down(Type type, DeviceMemory memory, int length) {
        stream.synchronize();
        float[] values = new float[length];
        if (type == Type.F32) {
            memory.download(values, 0, length, 0);
        } else {
            short[] narrow = new short[length];
            memory.slice(0, 2L * length).download(narrow);
            for (int i = 0; i < length; i++) {
                values[i] = fromBf16(narrow[i]);
            }
        }
        return values;
    }

    int[] downInts(DeviceMemory memory, int length) {
        stream.synchronize();
        int[] values = new int[length];
        memory.download(values, 0, length, 0);
        return values;
    }

    /** Frees what was allocated since the last time. */
    void free() {
        stream.synchronize();
        while (!owned.isEmpty()) {
            owned.pop().close();
        }
    }

    /** Runs twice, from the same inputs; the results must be the same bits. */
    float[][] twice(String what, Supplier<float[][]> run) {
        float[][] first = run.get();
        float[][] second = run.get();
        for (int i = 0; i < first.length; i++) {
            for (int j = 0; j < first[i].length; j++) {
                if (Float.floatToRawIntBits(first[i][j]) != Float.floatToRawIntBits(second[i][j])) {
                    throw new AssertionError("%s, seed %d: result %d differs at %d between two runs: %s and %s"
                            .formatted(what, seed, i, j, first[i][j], second[i][j]));
                }
            }
        }
        return first;
    }

    void close(String what, Type type, float[] got, double[] want) {
        close(what, got, want, type.tolerance);
    }

    /** The norm of the difference, relative to that of what is wanted. */
    void close(String what, float[] got, double[] want, double tolerance) {
        assertThat(got).as(what).hasSize(want.length);
        double difference = 0;
        double norm = 0;
        for (int i = 0; i < want.length; i++) {
            difference += (got[i] - want[i]) * (got[i] - want[i]);
            norm += want[i] * want[i];
        }
        assertThat(Math.sqrt(difference / Math.max(norm, 1e-30)))
                .as("%s: relative norm, seed %d", what, seed)
                .isLessThan(tolerance);
    }

    void same(String what, int[] got, int[] want) {
        int at = Arrays.mismatch(got, want);
        if (at >= 0) {
            throw new AssertionError(
                    "%s, seed %d: %d instead of %d at %d".formatted(what, seed, got[at], want[at], at));
        }
    }

    DeviceMemory allocate(long bytes) {
        DeviceMemory memory = DeviceMemory.allocate(device, bytes);
        owned.push(memory);
        return memory;
    }

    @Override
    public void close() {
        free();
        module.close();
        args.close();
        stream.close();
        device.close();
    }

    /** To the nearest, even on ties. */
    static short toBf16(float x) {
        int bits = Float.floatToRawIntBits(x);
        return Float.isNaN(x) ? 0x7fff : (short) ((bits + 0x7fff + (bits >>> 16 & 1)) >>> 16);
    }

    static float fromBf16(short x) {
        return Float.intBitsToFloat(x << 16);
    }
}
