package dev.isoflop.lm.cuda.blas;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.isoflop.lm.cuda.Gpu;
import dev.isoflop.lm.cuda.driver.CudaDevice;
import dev.isoflop.lm.cuda.driver.CudaEvent;
import dev.isoflop.lm.cuda.driver.CudaGraph;
import dev.isoflop.lm.cuda.driver.CudaStream;
import dev.isoflop.lm.cuda.driver.DeviceMemory;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Tag("gpu")
class MatmulGpuTests {

    @TempDir
    Path directory;

    private CudaDevice device;
    private CudaStream stream;
    private CublasLt library;

    @BeforeEach
    void open() {
        device = Gpu.require();
        stream = CudaStream.create(device);
        library = CublasLt.open(device);
    }

    @AfterEach
    void close() {
        if (device != null) {
            library.close();
            stream.close();
            device.close();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "FP32, FP32, 5, 7, 3, 1",
        "FP32, FP32, 128, 96, 65, 1",
        "FP32, FP32, 33, 50, 129, 3",
        "BF16, BF16, 128, 64, 256, 1",
        "BF16, FP32, 72, 40, 136, 1",
        "BF16, BF16, 24, 56, 88, 4",
        "BF16, FP32, 8, 16, 24, 7",
        "BF16, BF16, 13, 27, 31, 1"
    })
    void productsAgreeWithDoublePrecisionForAllTransposes(
            MatrixType in, MatrixType out, int m, int n, int k, int batch) {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int form = 0; form < 8; form++) {
            boolean ta = (form & 1) != 0;
            boolean tb = (form & 2) != 0;
            float beta = (form & 4) != 0 ? 1 : 0;
            // rows longer than their matrices, and gaps between the products of a batch
            int pad = m % 8 == 0 ? 8 : 1;
            int lda = (ta ? m : k) + pad;
            int ldb = (tb ? k : n) + pad;
            int ldc = n + pad;
            int sizeA = (ta ? k : m) * lda;
            int sizeB = (tb ? n : k) * ldb;
            int sizeC = m * ldc;
            MatmulProblem problem = MatmulProblem.of(m, n, k, in)
                    .withOutput(out)
                    .transposed(ta, tb)
                    .withLeading(lda, ldb, ldc)
                    .withScale(0.5f, beta);
            if (batch > 1) {
                problem = problem.batched(batch, sizeA, sizeB, sizeC);
            }
            float[] a = rounded(Gpu.normal(random, sizeA * batch), in);
            float[] b = rounded(Gpu.normal(random, sizeB * batch), in);
            float[] c = rounded(Gpu.normal(random, sizeC * batch), out);
            if (beta == 0) {
                java.util.Arrays.fill(c, Float.NaN); // must be overwritten without being read
            }
            try (DeviceMemory deviceA = upload(a, in);
                    DeviceMemory deviceB = upload(b, in);
                    DeviceMemory deviceC = upload(c, out);
                    MatmulPlan plan = library.plan(problem)) {
                plan.run(stream, deviceA.address(), deviceB.address(), deviceC.address());
                stream.synchronize();
                float[] result = download(deviceC, c.length, out);
                double worst = 0;
                for (int p = 0; p < batch; p++) {
                    for (int i = 0; i < m; i++) {
                        for (int j = 0; j < n; j++) {
                            double sum = 0;
                            double magnitude = 0;
                            for (int l = 0; l < k; l++) {
                                double x = a[p * sizeA + (ta ? l * lda + i : i * lda + l)];
                                double y = b[p * sizeB + (tb ? j * ldb + l : l * ldb + j)];
                                sum += x * y;
                                magnitude += Math.abs(x * y);
                            }
                            int at = p * sizeC + i * ldc + j;
                            double expected = 0.5 * sum + (beta == 1 ? c[at] : 0);
                            double scale = magnitude + Math.abs(expected);
                            double difference = Math.abs(result[at] - expected);
                            worst = Double.isNaN(difference) ? Double.NaN : Math.max(worst, difference / scale);
                        }
                        // what lies between the rows stays as it was
                        int between = p * sizeC + i * ldc + n;
                        assertThat(Float.floatToIntBits(result[between])).isEqualTo(Float.floatToIntBits(c[between]));
                    }
                }
                assertThat(worst)
                        .as("%s, seed %d", problem.key(), seed)
                        .isLessThan(out == MatrixType.BF16 ? 1.0 / 256 : 1e-6);
            }
        }
    }

    @Test
    void tunedChoicesAreRememberedAndGiveTheSameBits() {
        Path file = directory.resolve("tuning.json");
        MatmulProblem problem =
                MatmulProblem.of(512, 384, 1024, MatrixType.BF16).transposed(false, true);
        Random random = new Random(1);
        try (DeviceMemory a = upload(Gpu.normal(random, 512 * 1024), MatrixType.BF16);
                DeviceMemory b = upload(Gpu.normal(random, 384 * 1024), MatrixType.BF16);
                DeviceMemory c = DeviceMemory.allocate(device, 2L * 512 * 384)) {
            float[] first;
            try (MatmulPlan plan = library.plan(problem)) {
                plan.autotune(stream, a.address(), b.address(), c.address(), TuningCache.open(file));
                plan.run(stream, a.address(), b.address(), c.address());
                stream.synchronize();
                first = download(c, 512 * 384, MatrixType.BF16);
                System.out.println("tuned " + plan.key() + ": " + plan.proposed() + " proposals, "
                        + TuningCache.open(file).find(plan.key()));
            }
            c.memset(0xff);
            TuningCache cache = TuningCache.open(file);
            try (MatmulPlan plan = library.plan(problem, cache)) {
                TuningCache.Entry entry = cache.find(plan.key()).orElseThrow();
                assertThat(plan.use(entry)).isTrue();
                library.prepare(stream);
                try (CudaGraph graph =
                        CudaGraph.capture(stream, () -> plan.run(stream, a.address(), b.address(), c.address()))) {
                    assertThat(graph.nodes()).isPositive();
                    graph.launch(stream);
                    stream.synchronize();
                }
                assertThat(download(c, 512 * 384, MatrixType.BF16)).isEqualTo(first);
                assertThat(plan.use(new TuningCache.Entry("ff", 0, 0, 0, 0))).isFalse();
                assertThatThrownBy(() -> plan.run(stream, a.address() + 2, b.address(), c.address()))
                        .hasMessageContaining("not multiples of 16 bytes");
            }
        }
    }

    @Test
    void aCallAllocatesNothing() {
        com.sun.management.ThreadMXBean threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        MatmulProblem problem = MatmulProblem.of(64, 64, 64, MatrixType.BF16);
        try (DeviceMemory a = DeviceMemory.allocate(device, 8192);
                DeviceMemory b = DeviceMemory.allocate(device, 8192);
                DeviceMemory c = DeviceMemory.allocate(device, 8192);
                MatmulPlan plan = library.plan(problem)) {
            a.memset(0);
            b.memset(0);
            long allocated = Long.MAX_VALUE;
            double best = Double.MAX_VALUE;
            for (int round = 0; round < 60; round++) {
                long bytes = threads.getCurrentThreadAllocatedBytes();
                long start = System.nanoTime();
                for (int i = 0; i < 500; i++) {
                    plan.run(stream, a.address(), b.address(), c.address());
                }
                best = Math.min(best, (System.nanoTime() - start) / 1e3 / 500);
                allocated = Math.min(allocated, threads.getCurrentThreadAllocatedBytes() - bytes);
                stream.synchronize();
            }
            Gpu.figure("cublasLtMatmul call, host", best, "us");
            assertThat(allocated).isLessThan(500);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "BF16, BF16, 8192, 8192, 8192, false",
        "BF16, BF16, 16384, 2304, 768, true",
        "BF16, FP32, 768, 768, 16384, false",
        "FP32, FP32, 4096, 4096, 4096, false"
    })
    void largeProductsAreFast(MatrixType in, MatrixType out, int m, int n, int k, boolean transposeB) {
        MatmulProblem problem = MatmulProblem.of(m, n, k, in)
                .withOutput(out)
                .transposed(false, transposeB)
                .withAlignment(256);
        Random random = new Random(5);
        float[] block = Gpu.normal(random, 1 << 20);
        try (DeviceMemory a = DeviceMemory.allocate(device, (long) m * k * in.bytes());
                DeviceMemory b = DeviceMemory.allocate(device, (long) k * n * in.bytes());
                DeviceMemory c = DeviceMemory.allocate(device, (long) m * n * out.bytes());
                DeviceMemory seed = upload(block, in);
                MatmulPlan plan = library.plan(problem);
                CudaEvent from = CudaEvent.create(device);
                CudaEvent to = CudaEvent.create(device)) {
            for (DeviceMemory target : new DeviceMemory[] {a, b}) {
                for (long at = 0; at < target.bytes(); at += seed.bytes()) {
                    target.copyFrom(stream, at, seed.address(), Math.min(seed.bytes(), target.bytes() - at));
                }
            }
            TuningCache.Entry entry = plan.autotune(stream, a.address(), b.address(), c.address());
            int repeats = 20;
            double millis = Double.MAX_VALUE;
            for (int round = 0; round < 3; round++) {
                from.record(stream);
                for (int i = 0; i < repeats; i++) {
                    plan.run(stream, a.address(), b.address(), c.address());
                }
                to.record(stream);
                to.synchronize();
                millis = Math.min(millis, to.millisSince(from) / repeats);
            }
            Gpu.figure("matmul " + problem.key(), problem.flops() / millis / 1e9, "TFLOP/s");
            System.out.printf(
                    "  cublasLt %d, %d proposals, chose %d: %.1f us, first %.1f us%n",
                    library.version(),
                    plan.proposed(),
                    entry.candidate(),
                    entry.microseconds(),
                    entry.firstMicroseconds());
            assertThat(problem.flops() / millis / 1e9).isGreaterThan(1);
        }
    }

    private DeviceMemory upload(float[] values, MatrixType type) {
        DeviceMemory memory = DeviceMemory.allocate(device, (long) values.length * type.bytes());
        switch (type) {
            case FP32 -> memory.upload(values);
            case BF16 -> {
                short[] halves = new short[values.length];
                for (int i = 0; i < values.length; i++) {
                    halves[i] = (short) (roundToBf16(values[i]) >>> 16);
                }
                memory.upload(halves);
            }
        }
        return memory;
    }

    private static float[] download(DeviceMemory memory, int length, MatrixType type) {
        float[] values = new float[length];
        switch (type) {
            case FP32 -> memory.download(values);
            case BF16 -> {
                short[] halves = new short[length];
                memory.download(halves);
                for (int i = 0; i < length; i++) {
                    values[i] = Float.intBitsToFloat(halves[i] << 16);
                }
            }
        }
        return values;
    }

    private static float[] rounded(float[] values, MatrixType type) {
        if (type == MatrixType.BF16) {
            for (int i = 0; i < values.length; i++) {
                values[i] = Float.intBitsToFloat(roundToBf16(values[i]));
            }
        }
        return values;
    }

    /** The float's bits rounded to the nearest of 16, ties to even. */
    private static int roundToBf16(float value) {
        int bits = Float.floatToRawIntBits(value);
        return bits + 0x7fff + (bits >>> 16 & 1) & 0xffff0000;
    }
}
