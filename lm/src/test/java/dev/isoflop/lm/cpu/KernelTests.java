package dev.isoflop.lm.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import java.util.concurrent.atomic.AtomicIntegerArray;
import jdk.incubator.vector.FloatVector;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class KernelTests {

    @ParameterizedTest
    @CsvSource({"1,1,1", "7,5,3", "8,16,32", "9,17,33", "64,96,32", "13,48,600", "31,100,7", "4,64,1030", "40,33,129"})
    void productsAgreeWithDoublePrecision(int m, int n, int k) {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        float[] a = normal(random, m * k);
        float[] w = java.util.Arrays.copyOf(normal(random, k * n), k * n + 64);
        float[] packed = new float[Gemm.packedLength(k, n) + 64];
        Gemm.pack(w, 0, n, 1, k, n, packed, 0, 0, n);
        float[] aT = new float[m * k];
        float[] wT = new float[k * n];
        for (int p = 0; p < k; p++) {
            for (int i = 0; i < m; i++) {
                aT[p * m + i] = a[i * k + p];
            }
            for (int j = 0; j < n; j++) {
                wT[j * k + p] = w[p * n + j];
            }
        }
        float[] packedFromTranspose = new float[packed.length];
        Gemm.pack(wT, 0, 1, k, k, n, packedFromTranspose, 0, 0, n);
        assertThat(packedFromTranspose).containsExactly(packed);
        float[] start = normal(random, m * n);
        for (boolean add : new boolean[] {false, true}) {
            float[] byPack = start.clone();
            float[] plain = start.clone();
            float[] transposed = start.clone();
            Gemm.packed(m, n, k, a, 0, k, 1, packed, 0, byPack, 0, n, add);
            Gemm.plain(m, n, k, a, 0, k, 1, w, 0, n, plain, 0, n, add);
            Gemm.plain(m, n, k, aT, 0, 1, m, w, 0, n, transposed, 0, n, add);
            assertThat(plain).containsExactly(byPack);
            assertThat(transposed).containsExactly(byPack);
            for (int i = 0; i < m; i++) {
                for (int j = 0; j < n; j++) {
                    double expected = add ? start[i * n + j] : 0;
                    double size = Math.abs(expected);
                    for (int p = 0; p < k; p++) {
                        expected += (double) a[i * k + p] * w[p * n + j];
                        size += Math.abs((double) a[i * k + p] * w[p * n + j]);
                    }
                    assertThat((double) byPack[i * n + j]).as("seed %d", seed).isCloseTo(expected, within(2e-6 * size));
                }
            }
        }
    }

    private static float[] normal(Random random, int n) {
        float[] out = new float[n];
        for (int i = 0; i < n; i++) {
            out[i] = (float) random.nextGaussian();
        }
        return out;
    }

    @Test
    void exponentialIsWithinAFewUnitsInTheLastPlace() {
        float[] x = new float[MicroKernels.L];
        for (double v = -87.2; v < 88; v += 0.00371) {
            java.util.Arrays.fill(x, (float) v);
            float actual = Exp.of(FloatVector.fromArray(MicroKernels.S, x, 0)).lane(0);
            double expected = Math.exp((float) v);
            assertThat(Math.abs(actual - expected) / expected).as("exp(%s)", v).isLessThan(4e-7);
        }
    }

    @Test
    void exponentialKeepsItsEdges() {
        float[] x = new float[MicroKernels.L];
        x[0] = Float.NEGATIVE_INFINITY;
        x[1 % x.length] = Float.NaN;
        FloatVector e = Exp.of(FloatVector.fromArray(MicroKernels.S, x, 0));
        assertThat(e.lane(0)).isZero();
        assertThat(e.lane(1)).isNaN();
        assertThat(Exp.of(FloatVector.broadcast(MicroKernels.S, 1e9f)).lane(0)).isFinite();
    }

    @Test
    void everyTaskRunsOnceInEveryOperation() {
        try (WorkerPool pool = new WorkerPool(3)) {
            for (int round = 0; round < 3_000; round++) {
                int tasks = 1 + round % 37;
                AtomicIntegerArray ran = new AtomicIntegerArray(tasks);
                pool.run((task, worker) -> ran.incrementAndGet(task), tasks);
                for (int i = 0; i < tasks; i++) {
                    assertThat(ran.get(i)).isEqualTo(1);
                }
            }
        }
    }

    @Test
    void aTasksFailureReachesTheCallerAndThePoolGoesOn() {
        try (WorkerPool pool = new WorkerPool(2)) {
            Assertions.assertThatThrownBy(() -> pool.run(
                            (task, worker) -> {
                                if (task == 3) {
                                    throw new IllegalArgumentException("task three");
                                }
                            },
                            8))
                    .hasRootCauseMessage("task three");
            AtomicIntegerArray ran = new AtomicIntegerArray(8);
            pool.run((task, worker) -> ran.incrementAndGet(task), 8);
            assertThat(ran.get(7)).isEqualTo(1);
        }
    }
}
