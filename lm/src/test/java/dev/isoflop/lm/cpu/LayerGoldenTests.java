package dev.isoflop.lm.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.isoflop.lm.support.Npy;
import dev.isoflop.lm.support.Shared;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** Single layers against CS336's snapshots, where inputs as well as outputs are known. */
class LayerGoldenTests {

    private static final int ROWS = 48;
    private static final int D = 64;

    private final Path dir = Shared.require("cs336/assignment1-basics/golden");

    @Test
    void rmsNormAgrees() {
        float[] x = Npy.read(dir.resolve("inputs/in_embeddings.npy")).floats();
        float[] gain =
                Npy.read(dir.resolve("inputs/rmsnorm_weight_recovered.npy")).floats();
        float[] expected = Npy.read(dir.resolve("snapshots/test_rmsnorm.npy")).floats();
        float[] y = new float[x.length];
        Elementwise.rmsNorm(x, 0, gain, 0, y, 0, new float[ROWS], 0, ROWS, D, 1e-5f);
        for (int i = 0; i < y.length; i++) {
            assertThat(y[i]).isCloseTo(expected[i], within(1e-6f * (1 + Math.abs(expected[i]))));
        }
    }

    @Test
    void rotationAgreesOnceInterleavedPairsAreSplitInHalves() {
        float[] x = Npy.read(dir.resolve("inputs/in_embeddings.npy")).floats();
        float[] expected = Npy.read(dir.resolve("snapshots/test_rope.npy")).floats();
        int half = D / 2;
        int context = 12;
        float[] angles = new float[2 * context * half + 64];
        for (int t = 0; t < context; t++) {
            for (int i = 0; i < half; i++) {
                double angle = t * Math.pow(10_000, -2.0 * i / D);
                angles[t * half + i] = (float) Math.cos(angle);
                angles[context * half + t * half + i] = (float) Math.sin(angle);
            }
        }
        float[] y = java.util.Arrays.copyOf(halves(x), x.length + 64);
        Elementwise.rotate(y, 0, D, 1, half, angles, 0, context * half, 0, context, ROWS, 1f);
        float[] wanted = halves(expected);
        for (int i = 0; i < wanted.length; i++) {
            assertThat(y[i]).isCloseTo(wanted[i], within(1e-6f * (1 + Math.abs(wanted[i]))));
        }
        Elementwise.rotate(y, 0, D, 1, half, angles, 0, context * half, 0, context, ROWS, -1f);
        float[] back = halves(x);
        for (int i = 0; i < back.length; i++) {
            assertThat(y[i]).isCloseTo(back[i], within(2e-6f * (1 + Math.abs(back[i]))));
        }
    }

    private static float[] halves(float[] rows) {
        float[] out = new float[rows.length];
        for (int i = 0; i < rows.length; i++) {
            int c = i % D;
            out[i - c + (c % 2 == 0 ? c / 2 : D / 2 + c / 2)] = rows[i];
        }
        return out;
    }
}
