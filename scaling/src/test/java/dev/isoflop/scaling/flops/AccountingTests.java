package dev.isoflop.scaling.flops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.isoflop.scaling.Fixtures;
import dev.isoflop.scaling.plan.ShapeRule;
import java.util.Map;
import org.junit.jupiter.api.Test;

class AccountingTests {

    private static final TransformerShape SMALL = new TransformerShape(1024, 128, 32, 3, 2, 2, 88, true, false);

    @Test
    void countsEveryTensorOfATiedModel() {
        ParameterCount count = ParameterCount.of(SMALL);

        assertThat(count.embedding()).isEqualTo(1024 * 32);
        assertThat(count.head()).isZero();
        assertThat(count.attention()).isEqualTo(3 * 4 * 32 * 32);
        assertThat(count.feedForward()).isEqualTo(3 * 3 * 32 * 88);
        assertThat(count.norms()).isEqualTo(3 * 2 * 32 + 32);
        assertThat(count.total()).isEqualTo(70_400 + 7 * 32);
        assertThat(count.nonEmbedding()).isEqualTo(37_632 + 7 * 32);
        assertThat(count.matrices()).isEqualTo(70_400);
        assertThat(count.nonEmbeddingMatrices()).isEqualTo(37_632);
    }

    @Test
    void countsAnUntiedGroupedQueryModelWithQkNorm() {
        // Qwen3-0.6B's shape but for its separate head size: 16 heads of 64 share 8 key heads
        ParameterCount count =
                ParameterCount.of(new TransformerShape(151_936, 4096, 1024, 28, 16, 8, 3072, false, true));

        assertThat(count.attention()).isEqualTo(28L * (1024 * 1024 + 2 * 1024 * 512 + 1024 * 1024));
        assertThat(count.feedForward()).isEqualTo(28L * 3 * 1024 * 3072);
        assertThat(count.norms()).isEqualTo(28L * (2 * 1024 + 2 * 64) + 1024);
        assertThat(count.head()).isEqualTo(count.embedding()).isEqualTo(151_936L * 1024);
    }

    @Test
    void countsLlama27BAsPublished() {
        ParameterCount count =
                ParameterCount.of(new TransformerShape(32_000, 4096, 4096, 32, 32, 32, 11_008, false, false));

        assertThat(count.total()).isEqualTo(6_738_415_616L);
    }

    @Test
    void reproducesEveryRowOfTheReferenceTable() {
        for (Map<String, String> row : Fixtures.csv("sotu_reference.csv")) {
            TransformerShape shape = ShapeRule.shape(Integer.parseInt(row.get("d_model")), 1024, 128);
            ParameterCount count = ParameterCount.of(shape);

            assertThat(shape.layers()).isEqualTo(Integer.parseInt(row.get("layers")));
            // the table counts matrices and leaves the norm weights out
            assertThat(count.matrices()).isEqualTo(Long.parseLong(row.get("n_total")));
            assertThat(count.nonEmbeddingMatrices()).isEqualTo(Long.parseLong(row.get("n_nonembedding")));
        }
    }

    @Test
    void countsProductsExactly() {
        FlopCount flops = FlopCount.of(SMALL);

        assertThat(flops.projections()).isEqualTo(2.0 * 3 * 4 * 32 * 32);
        assertThat(flops.feedForward()).isEqualTo(2.0 * 3 * 3 * 32 * 88);
        assertThat(flops.head()).isEqualTo(2.0 * 32 * 1024);
        // scores and values: 2 products of 2 * d multiply-adds' worth for each of 64.5 keys
        assertThat(flops.attention()).isEqualTo(3 * 2 * 2 * 32 * 64.5);
        assertThat(flops.trainPerStep(512)).isEqualTo(3 * 512 * flops.forwardPerToken());
        assertThat(FlopCount.of(SMALL, 128, AttentionConvention.FULL).attention())
                .isEqualTo(3 * 2 * 2 * 32 * 128.0);
    }

    @Test
    void theCountWithoutAttentionIsSixNdOfATiedModelsMatrices() {
        FlopCount flops = FlopCount.of(SMALL);
        double withoutAttention = 3 * (flops.forwardPerToken() - flops.attention());

        assertThat(withoutAttention)
                .isCloseTo(FlopCount.sixNd(ParameterCount.of(SMALL).matrices(), 1), within(1e-6));
    }

    @Test
    void sixNdDoesNotOverflow() {
        assertThat(FlopCount.sixNd(2_000_000_000L, 10_000_000_000L)).isEqualTo(1.2e20);
    }

    @Test
    void memoryGrowsLinearlyInTheBatchAndHoldsFourCopiesOfTheWeights() {
        TrainingMemory one = TrainingMemory.estimate(SMALL, 1, 128, Precision.FP32);
        TrainingMemory eight = TrainingMemory.estimate(SMALL, 8, 128, Precision.FP32);

        assertThat(eight.activations()).isEqualTo(8 * one.activations());
        assertThat(one.parameters() + one.gradients() + one.optimizer())
                .isEqualTo(4 * 4 * ParameterCount.of(SMALL).total());
        assertThat(one.activations()).isGreaterThan(4L * 128 * 1024);
    }

    @Test
    void impossibleShapesAreRefusedByName() {
        assertThatThrownBy(() -> new TransformerShape(1024, 128, 30, 3, 4, 4, 88, true, false))
                .hasMessageContaining("not a multiple of heads");
        assertThatThrownBy(() -> new TransformerShape(1024, 128, 36, 3, 4, 4, 88, true, false))
                .hasMessageContaining("head size 9 is odd");
        assertThatThrownBy(() -> new TransformerShape(1024, 128, 32, 3, 4, 3, 88, true, false))
                .hasMessageContaining("not a multiple of kvHeads");
        assertThatThrownBy(() -> new TransformerShape(0, 128, 32, 3, 2, 2, 88, true, false))
                .hasMessageContaining("vocabSize");
    }
}
