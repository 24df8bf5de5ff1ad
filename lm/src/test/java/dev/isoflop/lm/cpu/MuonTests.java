package dev.isoflop.lm.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.isoflop.lm.model.ModelSpec;
import dev.isoflop.lm.model.ParameterLayout;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MuonTests {

    private static double[] random(long seed, int length) {
        Random random = new Random(seed);
        double[] x = new double[length];
        Arrays.setAll(x, i -> (float) random.nextGaussian());
        return x;
    }

    /** Shapes that vectors fit and shapes they do not, more rows than a block and fewer. */
    @ParameterizedTest
    @CsvSource({"24, 56", "56, 24", "24, 24", "7, 61", "61, 7", "1, 5", "40, 90", "97, 45", "70, 70", "33, 600"})
    void theIterationIsTheReferencesAndNearlyOrthogonal(int rows, int columns) {
        double[] u = random(rows * 1000L + columns, rows * columns);
        if (rows == columns) {
            for (int i = 0; i < rows; i++) {
                u[i * rows + i] += 2 * Math.sqrt(rows); // a random square matrix is nearly singular
            }
        }
        double[] expected = MuonReference.orthogonalise(u, rows, columns);
        boolean wide = rows < columns;
        double norm = Math.sqrt(Arrays.stream(u).map(v -> v * v).sum()) + 1e-7;
        double[] tall = wide ? MuonReference.transpose(u, rows, columns) : u;
        float[] w = new float[NewtonSchulz.scratchLength(rows, columns)];
        Arrays.fill(w, Float.NaN); // what was there before must not matter
        for (int i = 0; i < tall.length; i++) {
            w[i] = (float) (tall[i] / norm);
        }
        int at = NewtonSchulz.iterate(w, Math.max(rows, columns), Math.min(rows, columns));
        double[] got = new double[u.length];
        Arrays.setAll(got, i -> w[at + i]);
        got = wide ? MuonReference.transpose(got, columns, rows) : got;
        for (int i = 0; i < got.length; i++) {
            assertThat(got[i]).isCloseTo(expected[i], within(2e-5));
        }
        for (double s : MuonReference.singularValues(got, rows, columns)) {
            assertThat(s).isBetween(0.6, 1.3);
        }
    }

    /** Three steps of a whole model with gradients made by hand, clipped by half. */
    @Test
    void stepsAreTheReferencesForMatricesAndAdamWsForTheRest() {
        ModelSpec spec = new ModelSpec(61, 8, 24, 2, 4, 2, 40, 10_000, 1e-5, false, true);
        try (CpuModel model = new CpuModel(new MemoryPlan(spec, 1, 8, 2));
                CpuModel plain = new CpuModel(new MemoryPlan(spec, 1, 8, 1))) {
            ParameterLayout layout = model.plan().layout();
            fill(layout, 1, model.parameters());
            fill(layout, 1, plain.parameters());
            double[] weights = doubles(model.parameters());
            double[] momentum = new double[weights.length];
            Muon muon = new Muon(model);
            AdamW adam = new AdamW(plain);
            for (int step = 1; step <= 3; step++) {
                fill(layout, 10 + step, model.gradients());
                fill(layout, 10 + step, plain.gradients());
                assertThat(muon.gradientNorm()).isEqualTo(adam.gradientNorm());
                muon.step(step, 1e-2, 0.9, 0.95, 1e-8, 0.1, 0.5);
                adam.step(step, 1e-2, 0.9, 0.95, 1e-8, 0.1, 0.5);
                for (ParameterLayout.Tensor t : layout.tensors()) {
                    if (t.kind().hidden()) {
                        reference(t, weights, momentum, model.gradients());
                    }
                }
            }
            int hidden = 0;
            for (ParameterLayout.Tensor t : layout.tensors()) {
                hidden += t.kind().hidden() ? 1 : 0;
                for (int i = t.offset(); i < t.offset() + t.length(); i++) {
                    if (t.kind().hidden()) {
                        assertThat(model.parameters()[i]).as(t.name()).isCloseTo((float) weights[i], within(2e-6f));
                        assertThat(muon.firstMoments()[i]).isCloseTo((float) momentum[i], within(1e-5f));
                        assertThat(muon.secondMoments()[i]).isZero();
                    } else {
                        assertThat(model.parameters()[i]).as(t.name()).isEqualTo(plain.parameters()[i]);
                        assertThat(muon.secondMoments()[i]).isEqualTo(adam.secondMoments()[i]);
                    }
                }
            }
            assertThat(hidden).isEqualTo(14);
        }
    }

    private static void reference(ParameterLayout.Tensor t, double[] weights, double[] momentum, float[] gradients) {
        int to = t.offset() + t.length();
        double[] w = Arrays.copyOfRange(weights, t.offset(), to);
        double[] m = Arrays.copyOfRange(momentum, t.offset(), to);
        double[] g = Arrays.stream(doubles(Arrays.copyOfRange(gradients, t.offset(), to)))
                .map(v -> 0.5 * v)
                .toArray();
        MuonReference.step(w, m, g, t.rows(), t.columns(), 1e-2, 0.1);
        System.arraycopy(w, 0, weights, t.offset(), w.length);
        System.arraycopy(m, 0, momentum, t.offset(), m.length);
    }

    /** Numbers where tensors are, zeros between them. */
    private static void fill(ParameterLayout layout, long seed, float[] values) {
        for (ParameterLayout.Tensor t : layout.tensors()) {
            double[] x = random(seed * 1_000_003 + t.offset(), t.length());
            for (int i = 0; i < x.length; i++) {
                values[t.offset() + i] = (float) x[i];
            }
        }
    }

    private static double[] doubles(float[] values) {
        double[] wide = new double[values.length];
        Arrays.setAll(wide, i -> values[i]);
        return wide;
    }

    @Test
    void aMatrixWithoutAGradientOnlyDecays() {
        ModelSpec spec = ModelSpec.llama(61, 8, 16, 1, 2);
        try (CpuModel model = new CpuModel(new MemoryPlan(spec, 1, 8, 1))) {
            fill(model.plan().layout(), 1, model.parameters());
            float[] before = model.parameters().clone();
            new Muon(model).step(1, 0.5, 0.9, 0.95, 1e-8, 0.5, 1);
            ParameterLayout.Tensor down = model.plan().layout().tensor("model.layers.0.mlp.down_proj.weight");
            for (int i = down.offset(); i < down.offset() + down.length(); i++) {
                assertThat(model.parameters()[i]).isEqualTo(before[i] * 0.75f);
            }
        }
    }
}
