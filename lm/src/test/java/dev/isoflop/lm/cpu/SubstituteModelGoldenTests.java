package dev.isoflop.lm.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.isoflop.lm.model.ParameterLayout;
import dev.isoflop.lm.support.Npy;
import org.junit.jupiter.api.Test;

/** The whole model against PyTorch in fp32, with the tolerances the fixture suggests. */
class SubstituteModelGoldenTests {

    private static final double[] LOSSES = {
        6.372325897216797, 6.040960788726807, 5.739110946655273, 5.4682698249816895, 5.223669052124023,
        4.999260902404785, 4.790200710296631, 4.593278408050537, 4.406482219696045, 4.228572368621826
    };

    @Test
    void logitsAndLossAgreeWithPyTorch() {
        SubstituteModel golden = new SubstituteModel(2);
        try (CpuModel model = golden.model) {
            float[] expected = Npy.read(golden.dir.resolve("logits.npy")).floats();
            float[] actual = model.logits(SubstituteModel.BATCH);
            assertThat(actual).hasSameSizeAs(expected);
            for (int i = 0; i < expected.length; i++) {
                assertThat(actual[i]).isCloseTo(expected[i], within(1e-5f));
            }
            assertThat(model.loss(SubstituteModel.BATCH) / 48).isCloseTo(LOSSES[0], within(1e-6));
        }
    }

    @Test
    void residualStreamAgreesAfterEveryBlock() {
        SubstituteModel golden = new SubstituteModel(1);
        try (CpuModel model = golden.model) {
            model.loss(SubstituteModel.BATCH);
            for (int l = 0; l <= 3; l++) {
                float[] expected = Npy.read(golden.dir.resolve("residual_after_" + l + ".npy"))
                        .floats();
                for (int i = 0; i < expected.length; i++) {
                    assertThat(model.act[model.plan.x[l] + i])
                            .as("layer %d element %d", l, i)
                            .isCloseTo(expected[i], within(1e-5f));
                }
            }
        }
    }

    @Test
    void everyGradientAgreesWithPyTorch() {
        SubstituteModel golden = new SubstituteModel(2);
        try (CpuModel model = golden.model) {
            model.lossAndGradients(SubstituteModel.BATCH, 1f / 48, false);
            for (ParameterLayout.Tensor t : model.plan().layout().tensors()) {
                float[] expected = golden.expected("grads", t);
                for (int i = 0; i < expected.length; i++) {
                    assertThat(model.gradients()[t.offset() + i])
                            .as("%s[%d]", t.name(), i)
                            .isCloseTo(expected[i], within(1e-6f + 1e-3f * Math.abs(expected[i])));
                }
            }
            assertThat(new AdamW(model).gradientNorm()).isCloseTo(1.6058379382943564, within(1e-5));
        }
    }

    @Test
    void oneAdamWStepGivesPyTorchsWeights() {
        SubstituteModel golden = new SubstituteModel(2);
        try (CpuModel model = golden.model) {
            model.lossAndGradients(SubstituteModel.BATCH, 1f / 48, false);
            // PyTorch's one parameter group decays every tensor, gains too
            AdamW adam = new AdamW(model, kind -> true);
            adam.step(1, 1e-3, 0.9, 0.95, 1e-8, 0.1, 1.0);
            for (ParameterLayout.Tensor t : model.plan().layout().tensors()) {
                float[] expected = golden.expected("after_adamw_1", t);
                float[] gradient = golden.expected("grads", t);
                float[] before = golden.expected("weights", t);
                for (int i = 0; i < expected.length; i++) {
                    if (Math.abs(gradient[i]) < 1e-6) {
                        // the first step moves by lr · sign(g): where g is rounding noise its sign is too
                        assertThat(model.parameters()[t.offset() + i]).isCloseTo(before[i], within(1.2e-3f));
                    } else {
                        assertThat(model.parameters()[t.offset() + i])
                                .as("%s[%d]", t.name(), i)
                                .isCloseTo(expected[i], within(1e-5f));
                    }
                }
            }
        }
    }

    @Test
    void lossesOfTenStepsFollowPyTorch() {
        SubstituteModel golden = new SubstituteModel(2);
        try (CpuModel model = golden.model) {
            // PyTorch's one parameter group decays every tensor, gains too
            AdamW adam = new AdamW(model, kind -> true);
            for (int step = 1; step <= 10; step++) {
                double loss = model.lossAndGradients(SubstituteModel.BATCH, 1f / 48, false) / 48;
                assertThat(loss).as("step %d", step).isCloseTo(LOSSES[step - 1], within(1e-5));
                adam.step(step, 1e-3, 0.9, 0.95, 1e-8, 0.1, 1.0);
            }
        }
    }
}
