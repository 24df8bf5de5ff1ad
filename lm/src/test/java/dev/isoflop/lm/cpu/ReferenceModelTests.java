package dev.isoflop.lm.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.isoflop.lm.model.ModelSpec;
import dev.isoflop.lm.model.ParameterLayout;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The fast model against the double-precision one, at shapes that touch every edge, with inputs that are new each run. */
class ReferenceModelTests {

    // vocab, d, layers, heads, kvHeads, ff, tied, qkNorm, batch, context
    private static final String SHAPES = """
            37, 24, 2, 4, 2, 40, true, true, 2, 13
            61, 16, 1, 2, 2, 48, true, false, 3, 1
            50, 36, 2, 6, 3, 20, false, false, 1, 67
            64, 32, 1, 2, 1, 40, true, false, 1, 160
            129, 20, 1, 1, 1, 7, false, true, 1, 33
            48, 64, 1, 1, 1, 33, true, false, 5, 32
            """;

    private record Setup(CpuModel model, ReferenceModel reference, int[] in, int[] out, long seed) {}

    private static Setup setup(
            int vocab, int d, int layers, int heads, int kv, int ff, boolean tied, boolean qk, int batch, int context) {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        ModelSpec spec = new ModelSpec(vocab, context, d, layers, heads, kv, ff, 10_000, 1e-5, tied, qk);
        CpuModel model = new CpuModel(new MemoryPlan(spec, batch, context, 2));
        java.util.Arrays.fill(model.act, model.plan.scratch, model.act.length, Float.NaN);
        java.util.Arrays.fill(model.gradients, Float.NaN);
        for (ParameterLayout.Tensor t : model.plan().layout().tensors()) {
            for (int i = 0; i < t.length(); i++) {
                model.parameters()[t.offset() + i] = (float)
                        (t.kind() == ParameterLayout.Kind.NORM
                                ? 1 + 0.3 * random.nextGaussian()
                                : random.nextGaussian() / Math.sqrt(t.columns()));
            }
        }
        model.parametersChanged();
        int[] in = random.ints((long) batch * context, 0, vocab).toArray();
        int[] out = random.ints((long) batch * context, 0, vocab).toArray();
        model.setBatch(in, out, batch);
        return new Setup(model, new ReferenceModel(spec, model.plan().layout(), model.parameters()), in, out, seed);
    }

    @ParameterizedTest
    @CsvSource(textBlock = SHAPES)
    void lossAndLogitsAgree(
            int vocab, int d, int layers, int heads, int kv, int ff, boolean tied, boolean qk, int batch, int context) {
        Setup s = setup(vocab, d, layers, heads, kv, ff, tied, qk, batch, context);
        try (CpuModel model = s.model) {
            double expected = s.reference.loss(s.in, s.out, context);
            assertThat(model.loss(batch) / s.in.length)
                    .as("seed %d", s.seed)
                    .isCloseTo(expected, within(2e-6 * (1 + expected)));
            double[][] logits = s.reference.logits(java.util.Arrays.copyOf(s.in, context));
            float[] actual = model.logits(batch);
            for (int t = 0; t < context; t++) {
                for (int v = 0; v < vocab; v++) {
                    assertThat((double) actual[t * vocab + v])
                            .as("seed %d", s.seed)
                            .isCloseTo(logits[t][v], within(3e-5));
                }
            }
        }
    }

    @ParameterizedTest
    @CsvSource(textBlock = SHAPES)
    void gradientsAreTheSlopesOfTheReferenceLoss(
            int vocab, int d, int layers, int heads, int kv, int ff, boolean tied, boolean qk, int batch, int context) {
        Setup s = setup(vocab, d, layers, heads, kv, ff, tied, qk, batch, context);
        try (CpuModel model = s.model) {
            model.lossAndGradients(batch, 1f / s.in.length, false);
            Random random = new Random(s.seed);
            for (ParameterLayout.Tensor t : model.plan().layout().tensors()) {
                // the slope along a random direction in the tensor: one number that every element enters
                double[] direction = random.doubles(t.length(), -1, 1).toArray();
                double dot = 0;
                double scale = 0;
                for (int i = 0; i < t.length(); i++) {
                    double g = model.gradients()[t.offset() + i];
                    dot += g * direction[i];
                    scale += Math.abs(g * direction[i]);
                }
                double h = 1e-5;
                double slope = (moved(s, t, direction, h, context) - moved(s, t, direction, -h, context)) / (2 * h);
                assertThat(dot).as("%s, seed %d", t.name(), s.seed).isCloseTo(slope, within(1e-5 * scale + 5e-7));
            }
        }
    }

    private static double moved(Setup s, ParameterLayout.Tensor t, double[] direction, double h, int context) {
        for (int i = 0; i < direction.length; i++) {
            s.reference.w[t.offset() + i] += h * direction[i];
        }
        double loss = s.reference.loss(s.in, s.out, context);
        for (int i = 0; i < direction.length; i++) {
            s.reference.w[t.offset() + i] -= h * direction[i];
        }
        return loss;
    }
}
