package dev.isoflop.lm.cuda.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.isoflop.lm.model.ModelSpec;
import dev.isoflop.lm.model.ParameterLayout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the dry run says, without a GPU. */
class GpuPlanTests {

    private static final ModelSpec SMALL = ModelSpec.llama(4096, 256, 128, 4, 4).withDFf(384);
    private static final ModelSpec LARGE = ModelSpec.llama(50_304, 1024, 1024, 24, 16);

    @Test
    void fourArenasAreCounted() {
        GpuPlan plan = new GpuPlan(SMALL, Precision.BF16, 1, 32, 256, 1);
        // master and working copy, fp32 gradients, two fp32 moments, beside a little padding
        assertThat(plan.parameterBytes()).isBetween(6 * SMALL.parameters(), 6 * SMALL.parameters() + 10_000);
        assertThat(plan.gradientBytes()).isBetween(4 * SMALL.parameters(), 4 * SMALL.parameters() + 10_000);
        assertThat(plan.optimizerBytes()).isEqualTo(2 * plan.gradientBytes());
        // each layer keeps 8 rows of dModel and 3 of dFf in bf16: a lower bound
        long kept = 2L * 32 * 256 * SMALL.layers() * (8L * 128 + 3L * SMALL.dFf());
        assertThat(plan.activationBytes()).isGreaterThan(kept);
        assertThat(plan.totalBytes())
                .isEqualTo(
                        plan.parameterBytes() + plan.gradientBytes() + plan.optimizerBytes() + plan.activationBytes());
    }

    @Test
    void fp32TakesNoCopyOfTheWeightsAndTwiceTheActivations() {
        GpuPlan half = new GpuPlan(SMALL, Precision.BF16, 1, 32, 256, 1);
        GpuPlan full = new GpuPlan(SMALL, Precision.FP32, 1, 32, 256, 1);
        assertThat(full.parameterBytes()).isEqualTo(half.gradientBytes());
        assertThat((double) full.activationBytes() / half.activationBytes()).isBetween(1.7, 2.05);
    }

    @Test
    void lanesMultiplyWhatIsTheirOwnAndFewerNeverTakeMore() {
        GpuPlan one = new GpuPlan(SMALL, Precision.BF16, 1, 8, 256, 1);
        GpuPlan many = one.withLanes(16);
        assertThat(many.gradientBytes()).isEqualTo(16 * one.gradientBytes());
        assertThat(many.lanes()).isEqualTo(16);
        long before = 0;
        for (int lanes = 1; lanes <= 16; lanes++) {
            long now = one.withLanes(lanes).activationBytes();
            assertThat(now).as(lanes + " lanes").isGreaterThan(before);
            before = now;
        }
    }

    @Test
    void logitsAreHeldForAChunkOfRows() {
        GpuPlan whole = new GpuPlan(LARGE, Precision.BF16, 1, 16, 1024, 1, Long.MAX_VALUE / 4);
        GpuPlan chunked = new GpuPlan(LARGE, Precision.BF16, 1, 16, 1024, 1, 256L << 20);
        assertThat(whole.chunkRows).isEqualTo(16 * 1024);
        assertThat(2L * chunked.chunkRows * chunked.ldLogits).isLessThanOrEqualTo(256L << 20);
        long logits = 2L * 16 * 1024 * whole.ldLogits;
        assertThat(whole.activationBytes() - chunked.activationBytes()).isGreaterThan(logits / 2);
    }

    @ParameterizedTest
    @CsvSource({
        "0, 8, 256, lanes = 0 must be in 1..64",
        "65, 8, 256, lanes = 65 must be in 1..64",
        "1, 0, 256, batchSequences = 0 must be at least 1",
        "1, 8, 257, 'contextLength = 257 must be in 1..256, the model''s contextLength'"
    })
    void whatCannotBeIsNamed(int lanes, int batch, int context, String message) {
        assertThatThrownBy(() -> new GpuPlan(SMALL, Precision.BF16, lanes, batch, context, 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(message);
    }

    @Test
    void headSizesWithoutAKernelAreNamedWithThoseThatHaveOne() {
        ModelSpec odd = new ModelSpec(64, 32, 40, 2, 4, 4, 64, 10_000, 1e-5, true, false);
        assertThatThrownBy(() -> new GpuPlan(odd, Precision.BF16, 1, 4, 32, 1))
                .hasMessage("dModel / heads = 10 must be one of [16, 24, 32, 64, 96, 128] on a GPU in bf16");
        assertThatThrownBy(() -> new GpuPlan(odd, Precision.FP32, 1, 4, 32, 1))
                .hasMessage("dModel / heads = 10 must be a multiple of 4 up to 128 on a GPU in fp32");
    }

    @Test
    void smallModelsGetManyLanesAndLargeOnesRunAlone() {
        LaneCalibration h100 = new LaneCalibration(1.5, 2.6e12, 780e12, 50e12);
        ModelSpec tiny = ModelSpec.llama(1024, 128, 32, 3, 2);
        int most = h100.lanes(new GpuPlan(tiny, Precision.BF16, 1, 4, 128, 1));
        int some = h100.lanes(new GpuPlan(SMALL, Precision.BF16, 1, 32, 256, 1));
        int alone = h100.lanes(new GpuPlan(LARGE, Precision.BF16, 1, 16, 1024, 1));
        assertThat(most).isEqualTo(GpuPlan.MOST_LANES);
        assertThat(some).isBetween(2, 16);
        assertThat(alone).isEqualTo(1);
        GpuPlan large = new GpuPlan(LARGE, Precision.BF16, 1, 16, 1024, 1);
        assertThat(h100.stepSeconds(large)).isBetween(0.04, 0.16);
    }

    @Test
    void narrowRowsAreWidenedOnTheDeviceAndComeBackAsTheyWere() {
        ModelSpec spec = new ModelSpec(61, 40, 48, 2, 3, 3, 72, 10_000, 1e-5, true, false);
        assertThat(new GpuPlan(spec, Precision.FP32, 1, 2, 32, 1).ff).isEqualTo(72);
        GpuPlan plan = new GpuPlan(spec, Precision.BF16, 1, 2, 32, 1);
        assertThat(plan.ff).isEqualTo(80);
        float[] values = new float[plan.layout().length()];
        for (ParameterLayout.Tensor t : plan.layout().tensors()) {
            for (int i = 0; i < t.length(); i++) {
                values[t.offset() + i] = t.offset() + i + 1;
            }
        }
        float[] wide = plan.toDevice(values);
        assertThat(wide).hasSize((int) plan.stride());
        for (ParameterLayout.Tensor t : plan.layout().tensors()) {
            ParameterLayout.Tensor there = plan.deviceLayout().tensor(t.name());
            for (int row = 0; row < there.rows(); row++) {
                for (int column = 0; column < there.columns(); column++) {
                    boolean inside = row < t.rows() && column < t.columns();
                    assertThat(wide[there.offset() + row * there.columns() + column])
                            .as("%s [%d][%d]", t.name(), row, column)
                            .isEqualTo(inside ? values[t.offset() + row * t.columns() + column] : 0);
                }
            }
        }
        float[] back = new float[values.length];
        plan.fromDevice(wide, back);
        assertThat(back).isEqualTo(values);
    }
}
