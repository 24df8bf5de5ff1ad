package dev.isoflop.lm.cuda.kernels;

import dev.isoflop.lm.cuda.driver.DeviceMemory;
import dev.isoflop.lm.cuda.kernels.KernelBench.Type;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("gpu")
class SwigluGpuTests {

    private KernelBench bench;

    @BeforeEach
    void open() {
        bench = new KernelBench("swiglu.cu");
    }

    @AfterEach
    void close() {
        if (bench != null) {
            bench.close();
        }
    }

    @Test
    void theActivationAndItsGradientInPlace() {
        for (Type type : Type.values()) {
            for (int f : KernelBench.WIDTHS) {
                for (int rows : KernelBench.ROWS) {
                    check(type, f, rows);
                }
            }
        }
    }

    private void check(Type type, int f, int rows) {
        String what = "swiglu " + type + " f=" + f + " rows=" + rows;
        float[] gateUp = bench.normal(type, rows * 2 * f); // [rows][2f]
        float[] dAct = bench.normal(type, rows * f);
        gateUp[0] = -128; // exp(128) is infinite
        double[] act = new double[rows * f];
        double[] gradient = new double[rows * 2 * f];
        for (int r = 0; r < rows; r++) {
            for (int c = 0; c < f; c++) {
                double g = gateUp[r * 2 * f + c];
                double u = gateUp[r * 2 * f + f + c];
                double s = 1 / (1 + Math.exp(-g));
                act[r * f + c] = g * s * u;
                gradient[r * 2 * f + c] = dAct[r * f + c] * u * s * (1 + g * (1 - s));
                gradient[r * 2 * f + f + c] = dAct[r * f + c] * g * s;
            }
        }
        int blocks = Math.min(rows, 100);
        float[][] got = bench.twice(what, () -> {
            DeviceMemory both = bench.up(type, gateUp);
            DeviceMemory out = bench.poisoned(type, rows * f);
            DeviceMemory again = bench.up(type, dAct);
            bench.args.reset().address(out).address(both).int64(rows).int32(f);
            bench.launch("swiglu_forward_" + type.suffix, blocks, 1, 1, 128, 0);
            bench.args
                    .reset()
                    .address(both)
                    .address(again)
                    .address(again)
                    .int64(rows)
                    .int32(f);
            bench.launch("swiglu_backward_" + type.suffix, blocks, 1, 1, 128, 0);
            return new float[][] {
                bench.down(type, out, rows * f), bench.down(type, both, rows * 2 * f), bench.down(type, again, rows * f)
            };
        });
        if (rows * f > 1) { // the one element would be 0 up to the last denormals
            bench.close(what, type, got[0], act);
            bench.close(what + ": gradient", type, got[1], gradient);
            bench.close(what + ": again", type, got[2], act);
        }
        bench.free();
    }
}
