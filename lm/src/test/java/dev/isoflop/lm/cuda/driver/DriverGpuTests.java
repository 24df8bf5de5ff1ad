package dev.isoflop.lm.cuda.driver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.isoflop.lm.cuda.Gpu;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("gpu")
class DriverGpuTests {

    private CudaDevice device;
    private CudaStream stream;
    private Args args;

    @BeforeEach
    void open() {
        device = Gpu.require();
        stream = CudaStream.create(device);
        args = new Args();
    }

    @AfterEach
    void close() {
        if (device != null) {
            args.close();
            stream.close();
            device.close();
        }
    }

    @Test
    void theDeviceDescribesItself() {
        System.out.println(device + ", driver " + CudaDevices.driverVersion() + ", " + device.totalBytes()
                + " bytes, L2 " + device.l2Bytes() + ", shared " + device.maxSharedBytes());
        assertThat(device.name()).isNotBlank();
        assertThat(device.capability()).isGreaterThanOrEqualTo(ComputeCapability.OLDEST);
        assertThat(device.multiprocessors()).isPositive();
        assertThat(device.l2Bytes()).isGreaterThan(1 << 20);
        assertThat(device.maxSharedBytes()).isGreaterThanOrEqualTo(99 << 10);
        assertThat(device.freeBytes()).isBetween(1L, device.totalBytes());
        assertThat(device.pciBusId()).matches("[0-9A-Fa-f]{4,8}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\\.[0-9]");
        assertThatThrownBy(() -> CudaDevice.open(99)).hasMessageContaining("device 99 of");
    }

    @Test
    void whatGoesUpComesDown() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        int n = (5 << 20) / 4 + 3; // more than one chunk, and an odd end
        try (DeviceMemory memory = DeviceMemory.allocate(device, 4L * n + 64);
                Arena arena = Arena.ofConfined();
                PinnedMemory pinned = PinnedMemory.allocate(device, 4L * n)) {
            assertThat(memory.address() % 256).isZero();
            float[] floats = Gpu.normal(random, n);
            memory.upload(floats, 0, n, 64);
            float[] back = new float[n];
            memory.download(back, 0, n, 64);
            assertThat(back).as("seed %d", seed).isEqualTo(floats);
            memory.download(back, 5, 1, 64 + 4 * 9);
            assertThat(back[5]).isEqualTo(floats[9]);

            int[] ints = random.ints(1000).toArray();
            memory.slice(128).upload(ints);
            int[] intsBack = new int[1000];
            memory.download(intsBack, 0, 1000, 128);
            assertThat(intsBack).isEqualTo(ints);

            short[] shorts = {1, -2, Short.MIN_VALUE};
            memory.upload(shorts);
            short[] shortsBack = new short[3];
            memory.download(shortsBack);
            assertThat(shortsBack).isEqualTo(shorts);

            MemorySegment host = arena.allocate(4L * n);
            host.copyFrom(MemorySegment.ofArray(floats));
            memory.upload(host, 64);
            memory.download(stream, pinned.segment(), 64);
            stream.synchronize();
            assertThat(pinned.segment().mismatch(host)).isEqualTo(-1);

            memory.memset(0xff);
            memory.fill32(stream, Float.floatToRawIntBits(1.5f), 0, 4);
            memory.copyFrom(stream, 32, memory.address(), 16);
            stream.synchronize();
            float[] filled = new float[9];
            memory.download(filled);
            assertThat(filled).startsWith(1.5f, 1.5f, 1.5f, 1.5f).endsWith(1.5f);
            assertThat(filled[4]).isNaN();
            assertThatThrownBy(() -> memory.upload(floats, 0, n, 68)).isInstanceOf(IndexOutOfBoundsException.class);
        }
        assertThatThrownBy(() -> DeviceMemory.allocate(device, 1L << 50))
                .isInstanceOfSatisfying(CudaException.class, e -> {
                    assertThat(e.isOutOfMemory()).isTrue();
                    assertThat(e.isSticky()).isFalse();
                });
    }

    @Test
    void aKernelAddsVectorsWithItsMacro() {
        Random random = new Random(7);
        int n = 10_007;
        try (CudaModule module = Gpu.testKernels(device, Map.of("FACTOR", 3));
                DeviceMemory x = DeviceMemory.allocate(device, 4L * n);
                DeviceMemory y = DeviceMemory.allocate(device, 4L * n);
                DeviceMemory out = DeviceMemory.allocate(device, 4L * n)) {
            float[] a = Gpu.normal(random, n);
            float[] b = Gpu.normal(random, n);
            x.upload(a);
            y.upload(b);
            out.memset(0xff);
            Kernel add = module.function("add");
            add.launch(
                    stream,
                    (n + 255) / 256,
                    1,
                    1,
                    256,
                    0,
                    args.reset()
                            .address(out)
                            .address(x)
                            .address(y)
                            .float32(0.5f)
                            .int32(n));
            stream.synchronize();
            float[] result = new float[n];
            out.download(result);
            for (int i = 0; i < n; i++) {
                assertThat(result[i]).isEqualTo(Math.fma(1.5f, b[i], a[i]));
            }
            assertThat(add.registers()).isPositive();
            assertThat(add.localBytes()).isZero();
            assertThat(add.blocksPerMultiprocessor(256, 0)).isPositive();
            assertThatThrownBy(() ->
                            add.launch(stream, 1, 1, 1, 256, 0, args.reset().address(out)))
                    .hasMessageContaining("kernel add takes parameters of [8, 8, 8, 4, 4] bytes, was given [8]");
            assertThatThrownBy(() -> module.function("nothing")).hasMessageContaining("CUDA_ERROR_NOT_FOUND");
            assertThatThrownBy(() -> add.launch(
                            stream,
                            1,
                            1,
                            1,
                            4096,
                            0,
                            args.reset()
                                    .address(out)
                                    .address(x)
                                    .address(y)
                                    .float32(0.5f)
                                    .int32(n)))
                    .isInstanceOf(CudaException.class)
                    .hasMessageContaining("launch of add<<<1 x 1 x 1, 4096 x 1 x 1, 0 bytes>>>");
        }
    }

    @Test
    void blocksMayHaveAllTheSharedMemoryOnceOptedIn() {
        try (CudaModule module = Gpu.testKernels(device, Map.of());
                DeviceMemory out = DeviceMemory.allocate(device, 4)) {
            int words = device.maxSharedBytes() / 4;
            Kernel sum = module.function("shared_sum");
            args.reset().address(out).int32(words);
            assertThatThrownBy(() -> sum.launch(stream, 1, 1, 1, 256, 4 * words, args))
                    .isInstanceOf(CudaException.class);
            sum.maxDynamicShared(4 * words).launch(stream, 1, 1, 1, 256, 4 * words, args);
            stream.synchronize();
            int[] result = new int[1];
            out.download(result);
            assertThat(result[0]).isEqualTo((int) ((long) words * (words - 1) / 2));
        }
    }

    @Test
    void aCapturedGraphGivesTheBitsOfEagerLaunches() {
        int n = 4099;
        int steps = 50;
        try (CudaModule module = Gpu.testKernels(device, Map.of());
                DeviceMemory eager = DeviceMemory.allocate(device, 4L * n);
                DeviceMemory captured = DeviceMemory.allocate(device, 4L * n)) {
            float[] start = Gpu.normal(new Random(3), n);
            eager.upload(start);
            captured.upload(start);
            Kernel step = module.function("step");
            for (int i = 0; i < 3 * steps; i++) {
                step.launch(
                        stream,
                        17,
                        1,
                        1,
                        256,
                        0,
                        args.reset()
                                .address(eager)
                                .float32(1 + i % steps * 1e-3f)
                                .int64(n));
            }
            stream.synchronize();
            try (CudaGraph graph = CudaGraph.capture(stream, () -> {
                for (int i = 0; i < steps; i++) {
                    step.launch(
                            stream,
                            17,
                            1,
                            1,
                            256,
                            0,
                            args.reset()
                                    .address(captured)
                                    .float32(1 + i * 1e-3f)
                                    .int64(n));
                }
            })) {
                assertThat(graph.nodes()).isEqualTo(steps);
                graph.upload(stream);
                for (int i = 0; i < 3; i++) {
                    graph.launch(stream);
                }
                stream.synchronize();
            }
            float[] one = new float[n];
            float[] other = new float[n];
            eager.download(one);
            captured.download(other);
            assertThat(other).isEqualTo(one);
        }
    }

    @Test
    void aCaptureThatFailsLeavesTheStreamUsable() {
        assertThatThrownBy(() -> CudaGraph.capture(stream, () -> {
                    throw new IllegalStateException("no");
                }))
                .hasMessage("no");
        assertThatThrownBy(() -> CudaGraph.capture(stream, stream::synchronize)).isInstanceOf(CudaException.class);
        assertThatThrownBy(() -> CudaGraph.capture(stream, () -> stream.workspace(1 << 20)))
                .hasMessageContaining("before its work is captured");
        try (DeviceMemory memory = DeviceMemory.allocate(device, 64)) {
            memory.memset(stream, 1, 0, 64);
            stream.synchronize();
            assertThat(stream.isIdle()).isTrue();
        }
    }

    @Test
    void streamsWaitForEachOthersEvents() {
        int n = 1 << 22;
        try (CudaModule module = Gpu.testKernels(device, Map.of());
                CudaStream other = CudaStream.create(device, -1);
                CudaEvent done = CudaEvent.withoutTiming(device);
                DeviceMemory x = DeviceMemory.allocate(device, 4L * n);
                PinnedMemory pinned = PinnedMemory.allocate(device, 4)) {
            x.memset(0);
            Kernel step = module.function("step");
            args.reset().address(x).float32(1).int64(n);
            for (int i = 0; i < 200; i++) {
                step.launch(stream, n / 256, 1, 1, 256, 0, args);
            }
            done.record(stream);
            other.waitFor(done);
            x.download(other, pinned.segment(), 4L * (n - 1));
            other.synchronize();
            assertThat(done.isDone()).isTrue();
            assertThat(pinned.segment().get(ValueLayout.JAVA_FLOAT, 0)).isEqualTo(200);
        }
    }

    @Test
    void anEagerLaunchAllocatesNothingAndAGraphNodeCostsAboutAMicrosecond() {
        int nodes = 1000;
        com.sun.management.ThreadMXBean threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        try (CudaModule module = Gpu.testKernels(device, Map.of());
                CudaEvent from = CudaEvent.create(device);
                CudaEvent to = CudaEvent.create(device)) {
            Kernel empty = module.function("empty");
            double bestMicros = Double.MAX_VALUE;
            long allocated = Long.MAX_VALUE;
            for (int round = 0; round < 60; round++) {
                long bytes = threads.getCurrentThreadAllocatedBytes();
                long start = System.nanoTime();
                for (int i = 0; i < nodes; i++) {
                    empty.launch(stream, 1, 1, 1, 32, 0, args.reset().int32(i));
                }
                bestMicros = Math.min(bestMicros, (System.nanoTime() - start) / 1e3 / nodes);
                allocated = Math.min(allocated, threads.getCurrentThreadAllocatedBytes() - bytes);
                stream.synchronize();
            }
            Gpu.figure("eager launch, host", bestMicros, "us");
            Gpu.figure("bytes allocated by " + nodes + " launches", allocated, "bytes");
            try (CudaGraph graph = CudaGraph.capture(stream, () -> {
                for (int i = 0; i < nodes; i++) {
                    empty.launch(stream, 1, 1, 1, 32, 0, args.reset().int32(i));
                }
            })) {
                double[] micros = new double[20];
                double[] host = new double[20];
                for (int round = 0; round < micros.length; round++) {
                    from.record(stream);
                    long start = System.nanoTime();
                    graph.launch(stream);
                    host[round] = (System.nanoTime() - start) / 1e3;
                    to.record(stream);
                    to.synchronize();
                    micros[round] = to.millisSince(from) * 1e3 / nodes;
                }
                Gpu.figure("graph node", Arrays.stream(micros).min().orElseThrow(), "us");
                Gpu.figure(
                        "graph launch of " + nodes + " nodes, host",
                        Arrays.stream(host).min().orElseThrow(),
                        "us");
                assertThat(Arrays.stream(micros).min().orElseThrow()).isLessThan(5);
            }
            assertThat(allocated).isLessThan(nodes);
            assertThat(bestMicros).isLessThan(20);
        }
    }

    @Test
    void nvmlReadsTheSameGpu() {
        try (Nvml nvml = Nvml.of(device)) {
            Nvml.Reading reading = nvml.read();
            System.out.println(reading);
            assertThat(reading.memoryTotalBytes()).isBetween(device.totalBytes(), device.totalBytes() + (8L << 30));
            assertThat(reading.memoryUsedBytes()).isBetween(1L, reading.memoryTotalBytes());
            assertThat(reading.utilisationPercent()).isBetween(0.0, 100.0);
            assertThat(reading.powerWatts()).isBetween(5.0, 2000.0);
            assertThat(reading.temperatureCelsius()).isBetween(5.0, 110.0);
            assertThat(reading.smClockMhz()).isBetween(50, 5000);
        }
        try (Nvml nvml = Nvml.byIndex(0)) {
            assertThat(nvml.read().memoryTotalBytes()).isPositive();
        }
    }
}
