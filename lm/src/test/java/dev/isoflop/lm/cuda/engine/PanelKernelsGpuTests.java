package dev.isoflop.lm.cuda.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.lm.cuda.Gpu;
import dev.isoflop.lm.cuda.driver.Args;
import dev.isoflop.lm.cuda.driver.CudaStream;
import dev.isoflop.lm.cuda.driver.DeviceMemory;
import dev.isoflop.lm.model.ModelSpec;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Against float64 from fresh numbers, outputs poisoned and guarded, each twice for equal bits. */
@Tag("gpu")
class PanelKernelsGpuTests {

    private static final int GUARD = 4096;

    /** Widths and rows that no tile divides, groups of heads, more panels than one block takes. */
    static Stream<GpuPlan> plans() {
        return Stream.of(
                plan(300, 128, 4, 4, 344, 3, 5, 40),
                plan(1000, 320, 5, 5, 856, 2, 3, 70),
                plan(61, 72, 3, 3, 104, 1, 3, 33),
                plan(513, 512, 4, 2, 1368, 1, 2, 130),
                plan(256, 256, 4, 2, 688, 40, 4, 128),
                plan(128, 64, 2, 1, 8, 2, 1, 1));
    }

    private static GpuPlan plan(int vocab, int d, int heads, int kvHeads, int f, int lanes, int batch, int context) {
        ModelSpec spec = new ModelSpec(vocab, context, d, 1, heads, kvHeads, f, 10_000, 1e-5, true, false);
        return new GpuPlan(spec, Precision.BF16, lanes, batch, context, 1);
    }

    private final List<DeviceMemory> owned = new ArrayList<>();
    private final long seed = System.nanoTime();
    private final Random random = new Random(seed);
    private final Args args = new Args();
    private CudaBackend backend;
    private CudaStream stream;

    @BeforeEach
    void open() {
        Gpu.require();
        backend = CudaBackend.open(0, Path.of(System.getProperty("java.io.tmpdir"), "isoflop-test-backend"));
        stream = CudaStream.create(backend.device());
    }

    @AfterEach
    void close() {
        owned.forEach(DeviceMemory::close);
        if (backend != null) {
            stream.close();
            backend.close();
        }
        args.close();
    }

    @ParameterizedTest
    @MethodSource("plans")
    void gateAndUpAreProjectedAndJoined(GpuPlan plan) {
        int d = plan.spec().dModel();
        int f = plan.ff;
        int rows = plan.lanes() * plan.rows;
        float[] x = normal(rows * d, 1);
        float[] w = normal(Math.toIntExact(plan.lanes() * plan.stride()), Math.pow(d, -0.5));
        try (PanelKernels panels = new PanelKernels(backend, plan, args)) {
            Assumptions.assumeTrue(panels.gates(), "no compute capability 9.0 here");
            DeviceMemory from = up(x);
            DeviceMemory weights = up(w);
            float[][] got = twice(() -> {
                DeviceMemory gateUp = poisoned(2 * rows * f);
                DeviceMemory act = poisoned(rows * f);
                panels.swiglu(gateUp.address(GUARD), act.address(GUARD), from.address(), weights.address())
                        .on(stream);
                return new float[][] {down(gateUp, 2 * rows * f), down(act, rows * f)};
            });
            float[] wanted = project(plan, x, w, 2 * f, d);
            close("gate and up", got[0], wanted);
            float[] joined = new float[rows * f];
            for (int i = 0; i < joined.length; i++) {
                int at = i / f * 2 * f + i % f;
                joined[i] = (float) (silu(wanted[at]) * wanted[at + f]);
            }
            close("act", got[1], joined);
        }
    }

    @ParameterizedTest
    @MethodSource("plans")
    void theGradientOfGateAndUpTakesTheirPlace(GpuPlan plan) {
        int d = plan.spec().dModel();
        int f = plan.ff;
        int rows = plan.lanes() * plan.rows;
        float[] dy = normal(rows * d, 1);
        float[] w = normal(Math.toIntExact(plan.lanes() * plan.stride()), Math.pow(d, -0.5));
        float[] gateUp = normal(2 * rows * f, 1);
        try (PanelKernels panels = new PanelKernels(backend, plan, args)) {
            Assumptions.assumeTrue(panels.gates(), "no compute capability 9.0 here");
            DeviceMemory from = up(dy);
            DeviceMemory weights = up(w);
            float[] got = twice(() -> {
                DeviceMemory both = poisoned(2 * rows * f);
                both.upload(narrow(gateUp), 0, gateUp.length, GUARD);
                panels.swigluGradient(both.address(GUARD), from.address(), weights.address())
                        .on(stream);
                return new float[][] {down(both, 2 * rows * f)};
            })[0];
            float[] wanted = new float[2 * rows * f];
            IntStream.range(0, rows).parallel().forEach(row -> {
                int lane = row / plan.rows;
                for (int c = 0; c < f; c++) {
                    double dAct = 0;
                    for (int k = 0; k < d; k++) {
                        dAct += (double) dy[row * d + k] * w[Math.toIntExact(lane * plan.stride()) + k * f + c];
                    }
                    int at = row * 2 * f + c;
                    double g = gateUp[at];
                    double s = 1 / (1 + Math.exp(-g));
                    wanted[at] = (float) (dAct * gateUp[at + f] * s * (1 + g * (1 - s)));
                    wanted[at + f] = (float) (dAct * g * s);
                }
            });
            close("gradient of gate and up", got, wanted);
        }
    }

    @ParameterizedTest
    @MethodSource("plans")
    void queriesAndKeysAreProjectedAndTurned(GpuPlan plan) {
        ModelSpec spec = plan.spec();
        int d = spec.dModel();
        int width = spec.qkvWidth();
        int head = spec.headDim();
        int rows = plan.lanes() * plan.rows;
        float[] x = normal(rows * d, 1);
        float[] w = normal(Math.toIntExact(plan.lanes() * plan.stride()), Math.pow(d, -0.5));
        try (PanelKernels panels = new PanelKernels(backend, plan, args)) {
            Assumptions.assumeTrue(panels.turns(), "no compute capability 9.0 here, or another head size");
            DeviceMemory from = up(x);
            DeviceMemory weights = up(w);
            float[] angles = new float[plan.context() * head];
            for (int i = 0; i < plan.context() * head / 2; i++) {
                int position = i / (head / 2);
                int pair = i % (head / 2);
                double angle = position * Math.pow(10_000, -2.0 * pair / head);
                angles[position * head + pair] = (float) Math.cos(angle);
                angles[position * head + head / 2 + pair] = (float) Math.sin(angle);
            }
            DeviceMemory table = DeviceMemory.allocate(backend.device(), 4L * angles.length);
            owned.add(table);
            table.upload(angles);
            float[] got = twice(() -> {
                DeviceMemory qkv = poisoned(rows * width);
                panels.project(qkv.address(GUARD), from.address(), weights.address(), table.address())
                        .on(stream);
                return new float[][] {down(qkv, rows * width)};
            })[0];
            float[] wanted = project(plan, x, w, width, d);
            for (int row = 0; row < rows; row++) {
                int position = row % plan.rows % plan.context();
                for (int h = 0; h < spec.heads() + spec.kvHeads(); h++) {
                    for (int pair = 0; pair < head / 2; pair++) {
                        int at = row * width + h * head + pair;
                        float c = angles[position * head + pair];
                        float s = angles[position * head + head / 2 + pair];
                        float a = wanted[at];
                        float b = wanted[at + head / 2];
                        wanted[at] = a * c - b * s;
                        wanted[at + head / 2] = b * c + a * s;
                    }
                }
            }
            close("queries, keys and values", got, wanted);
        }
    }

    @ParameterizedTest
    @MethodSource("plans")
    void lossesAndTheGradientOfTheirLogits(GpuPlan plan) {
        int d = plan.spec().dModel();
        int vocab = plan.spec().vocabSize();
        int ld = plan.ldLogits;
        int lanes = plan.lanes();
        int rows = lanes * plan.rows;
        float[] x = normal(rows * d, 1);
        float[] w = normal(Math.toIntExact(lanes * plan.stride()), Math.pow(d, -0.5));
        int[] targets = random.ints(rows, 0, vocab).toArray();
        targets[rows / 2] = -1;
        float[] scales = new float[lanes];
        for (int i = 0; i < lanes; i++) {
            scales[i] = 1 + i % 3;
        }
        try (PanelKernels panels = new PanelKernels(backend, plan, args)) {
            Assumptions.assumeTrue(panels.gates(), "no compute capability 9.0 here");
            DeviceMemory from = up(x);
            DeviceMemory weights = up(w);
            DeviceMemory ids = DeviceMemory.allocate(backend.device(), 4L * rows);
            DeviceMemory scale = DeviceMemory.allocate(backend.device(), 4L * lanes);
            owned.add(ids);
            owned.add(scale);
            ids.upload(targets);
            scale.upload(scales);
            float[][] got = twice(() -> {
                DeviceMemory gradient = poisoned(rows * ld);
                DeviceMemory losses = DeviceMemory.allocate(backend.device(), 4L * rows);
                DeviceMemory again = DeviceMemory.allocate(backend.device(), 4L * rows);
                owned.add(losses);
                owned.add(again);
                for (DeviceMemory to : new DeviceMemory[] {losses, again}) {
                    to.memset(0xff);
                    panels.loss(
                                    0,
                                    plan.rows,
                                    gradient.address(GUARD),
                                    from.address(),
                                    weights.address(),
                                    ids.address(),
                                    to.address(),
                                    scale.address(),
                                    to == losses)
                            .on(stream);
                }
                float[] first = new float[rows];
                float[] second = new float[rows];
                float[] logits = down(gradient, rows * ld);
                losses.download(first);
                again.download(second);
                assertThat(second).as("without the gradient").isEqualTo(first);
                return new float[][] {logits, first};
            });
            float[] logits = project(plan, x, w, vocab, d);
            float[] wantedLosses = new float[rows];
            float[] wanted = new float[rows * ld];
            for (int row = 0; row < rows; row++) {
                double largest = Double.NEGATIVE_INFINITY;
                for (int c = 0; c < vocab; c++) {
                    largest = Math.max(largest, logits[row * vocab + c]);
                }
                double sum = 0;
                for (int c = 0; c < vocab; c++) {
                    sum += Math.exp(logits[row * vocab + c] - largest);
                }
                if (targets[row] < 0) {
                    continue;
                }
                wantedLosses[row] = (float) (largest + Math.log(sum) - logits[row * vocab + targets[row]]);
                for (int c = 0; c < vocab; c++) {
                    double p = Math.exp(logits[row * vocab + c] - largest) / sum;
                    wanted[row * ld + c] = (float) (scales[row / plan.rows] * (p - (c == targets[row] ? 1 : 0)));
                }
            }
            close("losses", got[1], wantedLosses, 1e-5);
            close("gradient of the logits", got[0], wanted);
        }
    }

    private static double silu(double x) {
        return x / (1 + Math.exp(-x));
    }

    /** {@code y[rows][out] = x[rows][in] · Wᵀ}, W the first of each lane's parameters. */
    private static float[] project(GpuPlan plan, float[] x, float[] w, int out, int in) {
        int rows = plan.lanes() * plan.rows;
        float[] y = new float[rows * out];
        IntStream.range(0, rows).parallel().forEach(row -> {
            int from = Math.toIntExact(row / plan.rows * plan.stride());
            for (int c = 0; c < out; c++) {
                double sum = 0;
                for (int k = 0; k < in; k++) {
                    sum += (double) x[row * in + k] * w[from + c * in + k];
                }
                y[row * out + c] = (float) sum;
            }
        });
        return y;
    }

    private float[] normal(int length, double scale) {
        float[] values = Gpu.normal(random, length);
        for (int i = 0; i < length; i++) {
            values[i] = wide(narrow((float) (values[i] * scale)));
        }
        return values;
    }

    private DeviceMemory up(float[] values) {
        DeviceMemory memory = DeviceMemory.allocate(backend.device(), 2L * values.length);
        owned.add(memory);
        memory.upload(narrow(values));
        return memory;
    }

    /** NaN, with as much of it again around it. */
    private DeviceMemory poisoned(int length) {
        DeviceMemory memory = DeviceMemory.allocate(backend.device(), 2L * length + 2 * GUARD);
        owned.add(memory);
        memory.memset(0xff);
        return memory;
    }

    private float[] down(DeviceMemory memory, int length) {
        stream.synchronize();
        short[] all = new short[length + GUARD];
        memory.download(all);
        for (int i = 0; i < GUARD / 2; i++) {
            assertThat(all[i]).as("before the output").isEqualTo((short) -1);
            assertThat(all[GUARD / 2 + length + i]).as("after the output").isEqualTo((short) -1);
        }
        float[] values = new float[length];
        for (int i = 0; i < length; i++) {
            values[i] = wide(all[GUARD / 2 + i]);
        }
        return values;
    }

    private float[][] twice(Supplier<float[][]> run) {
        float[][] first = run.get();
        float[][] second = run.get();
        for (int i = 0; i < first.length; i++) {
            assertThat(Arrays.mismatch(first[i], second[i]))
                    .as("two runs, seed %d", seed)
                    .isEqualTo(-1);
        }
        return first;
    }

    private void close(String what, float[] got, float[] wanted) {
        close(what, got, wanted, 5e-3);
    }

    private void close(String what, float[] got, float[] wanted, double tolerance) {
        double difference = 0;
        double norm = 0;
        for (int i = 0; i < wanted.length; i++) {
            difference += Math.pow((double) got[i] - wanted[i], 2);
            norm += Math.pow(wanted[i], 2);
        }
        assertThat(Math.sqrt(difference / norm)).as("%s, seed %d", what, seed).isLessThan(tolerance);
    }

    private static short[] narrow(float[] values) {
        short[] bits = new short[values.length];
        for (int i = 0; i < values.length; i++) {
            bits[i] = narrow(values[i]);
        }
        return bits;
    }

    private static short narrow(float x) {
        int bits = Float.floatToRawIntBits(x);
        return (short) ((bits + 0x7fff + (bits >>> 16 & 1)) >>> 16);
    }

    private static float wide(short x) {
        return Float.intBitsToFloat(x << 16);
    }
}
