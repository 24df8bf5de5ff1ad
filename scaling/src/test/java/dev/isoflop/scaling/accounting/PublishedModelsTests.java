package dev.isoflop.scaling.accounting;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.isoflop.scaling.accounting.Workload.Optimizer;
import dev.isoflop.scaling.accounting.Workload.Recomputation;
import dev.isoflop.scaling.flops.FlopCount;
import dev.isoflop.scaling.flops.TransformerShape;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Figures that others published, and the field's formulae. */
class PublishedModelsTests {

    @ParameterizedTest
    @CsvSource({
        // the checkpoints, tensor for tensor
        "gpt-2, 124439808, 0",
        "gpt-2-medium, 354823168, 0",
        "gpt-2-large, 774030080, 0",
        "gpt-2-xl, 1557611200, 0",
        "llama-2-7b, 6738415616, 0",
        "llama-3-8b, 8030261248, 0",
        "llama-3-70b, 70553706496, 0",
        "llama-3.1-405b, 405853388800, 0",
        "qwen3-0.6b, 596049920, 0",
        "mixtral-8x7b, 46702792704, 12879925248",
    })
    void parametersAreThoseOfTheCheckpoints(String preset, long total, long active) {
        Section parameters = Questions.preset(preset).section("parameters");
        assertThat(parameters.value("total")).isEqualTo(total);
        if (active > 0) {
            assertThat(parameters.value("active")).isEqualTo(active);
        }
    }

    @Test
    void gpt3TookWhatBrownEtAlSay() {
        // Brown et al. 2020, table D.1: 174,600 M parameters, 3.14e23 FLOPs for 300 B tokens
        Accounting gpt3 = Questions.preset("gpt-3-175b");
        assertThat(gpt3.section("parameters").value("total")).isCloseTo(174.6e9, within(0.05e9));
        assertThat(gpt3.workload().tokens()).isEqualTo(300e9);
        assertThat(gpt3.section("time").value("sixNd")).isCloseTo(3.14e23, within(0.005e23));
    }

    @ParameterizedTest
    @CsvSource({"llama-3-8b, 131072", "llama-3-70b, 327680", "mixtral-8x7b, 131072"})
    void theCacheOfAToken(String preset, long bytes) {
        Section cache = Questions.preset(preset).section("kvCache");
        assertThat(cache.value("perToken")).isEqualTo(bytes);
        assertThat(cache.value("batch")).isEqualTo(2.0 * 8192 * bytes);
    }

    @Test
    void activationsAreThoseOfKorthikantiEtAl() {
        // a block with dropout in 16 bits: s b h (34 + 5 a s / h), equation 1
        Section memory = Questions.preset("gpt-3-175b", Questions.AS_IT_IS, Recomputation.NONE, Optimizer.ADAMW, true)
                .section("memory");
        double blocks = memory.value("normInputs")
                + memory.value("attentionActivations")
                + memory.value("scores")
                + memory.value("feedForwardActivations");
        double sbh = 2048.0 * 2 * 12_288;
        assertThat(blocks).isEqualTo(96 * sbh * (34 + 5.0 * 96 * 2048 / 12_288));
        // recomputed in full: 2 s b h a block, and the one at work
        Section full = Questions.preset("gpt-3-175b", Questions.AS_IT_IS, Recomputation.FULL, Optimizer.ADAMW, true)
                .section("memory");
        assertThat(full.value("inputs")).isEqualTo(96 * 2 * sbh);
        assertThat(full.value("block")).isEqualTo(blocks / 96);
    }

    @Test
    void mixedPrecisionTakesSixteenBytesAParameter() {
        // Rajbhandari et al. 2020, section 3.1
        Accounting llama = Questions.preset("llama-3-8b");
        Section memory = llama.section("memory");
        double n = llama.section("parameters").value("total");
        assertThat(memory.value("weights")
                        + memory.value("master")
                        + memory.value("gradients")
                        + memory.value("moments"))
                .isEqualTo(16 * n);
        Section sgd = Questions.preset("llama-3-8b", Questions.AS_IT_IS, Recomputation.NONE, Optimizer.SGD, false)
                .section("memory");
        assertThat(sgd.value("moments")).isEqualTo(4 * n);
        Section muon = Questions.preset("llama-3-8b", Questions.AS_IT_IS, Recomputation.NONE, Optimizer.MUON, false)
                .section("memory");
        // embedding, head and norms keep two moments
        assertThat(muon.value("moments")).isEqualTo(4 * n + 4 * (2.0 * 128_256 * 4096 + 65 * 4096));
    }

    @Test
    void flopsAreThoseOfTheOtherCount() {
        FlopCount other = FlopCount.of(new TransformerShape(128_256, 8192, 4096, 32, 32, 8, 14_336, false, false));
        Accounting llama = Questions.preset("llama-3-8b");
        Section forward = llama.section("forward");
        assertThat(forward.value("projections")).isEqualTo(other.projections());
        assertThat(forward.value("attention")).isEqualTo(other.attention());
        assertThat(forward.value("feedForward")).isEqualTo(other.feedForward());
        assertThat(forward.value("head")).isEqualTo(other.head());
        assertThat(llama.section("training").value("total"))
                .isEqualTo(other.trainPerToken())
                .isEqualTo(forward.value("total") + llama.section("backward").value("total"));
        // scores again: one of attention's two products
        assertThat(llama.section("training").value("executed"))
                .isEqualTo(other.trainPerToken() + other.attention() / 2);
    }

    @Test
    void onlyChosenExpertsCount() {
        Section forward = Questions.preset("mixtral-8x7b").section("forward");
        assertThat(forward.value("feedForward")).isEqualTo(2.0 * 32 * 2 * 3 * 4096 * 14_336);
        assertThat(forward.value("router")).isEqualTo(2.0 * 32 * 4096 * 8);
    }

    @Test
    void timeAndCostFollowFromUtilisation() {
        Section time = Questions.question(
                        "gpt-3-175b", Questions.AS_IT_IS, Recomputation.NONE, Optimizer.ADAMW, false, 2.0)
                .answer()
                .section("time");
        double seconds = time.value("flops") / (0.5 * 989.4e12 * 8);
        assertThat(time.value("seconds")).isCloseTo(seconds, within(seconds * 1e-12));
        assertThat(time.value("deviceHours")).isCloseTo(seconds * 8 / 3600, within(1e-3));
        assertThat(time.value("cost")).isCloseTo(2 * seconds * 8 / 3600, within(1e-3));
        assertThat(time.value("tokensPerSecond") * seconds).isCloseTo(300e9, within(1.0));
    }

    @Test
    void decodingReadsWeightsOnceAndEachCache() {
        Accounting llama = Questions.preset("llama-3-8b");
        Section decoding = llama.section("decoding");
        // all matrices but the table that is looked up
        assertThat(decoding.value("weights")).isEqualTo(2 * (8_030_261_248.0 - 128_256.0 * 4096));
        double bytes = decoding.value("weights") + llama.section("kvCache").value("batch");
        assertThat(decoding.value("memorySeconds")).isCloseTo(bytes / 3.35e12, within(1e-12));
        assertThat(decoding.value("stepSeconds")).isEqualTo(decoding.value("memorySeconds"));
        assertThat(decoding.value("tokensPerSecond")).isCloseTo(2 / (bytes / 3.35e12), within(1e-6));
    }

    @ParameterizedTest
    @CsvSource({"llama-3-8b", "mixtral-8x7b", "gpt-3-175b", "qwen3-0.6b"})
    void everyLineShowsItsArithmetic(String preset) {
        for (Section section : Questions.preset(preset).sections()) {
            for (Line line : section.lines()) {
                assertThat(line.formula()).as(line.key()).isNotBlank();
                assertThat(line.numbers()).as(line.key()).matches(".*\\d.*").doesNotContain("NaN", "Infinity");
                assertThat(line.value()).as(line.key()).isFinite().isNotNegative();
            }
            Line total = section.total();
            if (total != null) {
                assertThat(section.parts().stream().mapToDouble(Line::value).sum())
                        .isEqualTo(total.value());
            }
        }
    }

    @Test
    void theArithmeticReadsAsOneWouldWriteIt() {
        Line attention = Questions.preset("llama-3-8b").section("forward").line("attention");
        assertThat(attention.formula()).isEqualTo("2 L h d_h (T + 1)");
        assertThat(attention.numbers()).isEqualTo("2 × 32 × 32 × 128 × (8,192 + 1)");
        Line total = Questions.preset("llama-3-8b").section("parameters").line("total");
        assertThat(total.formula()).isEqualTo("embedding + attention + feed-forward + norms + head");
    }

    private static Question.ModelFields heads(Integer heads, Integer kvHeads, Integer experts) {
        return new Question.ModelFields(
                null, null, null, null, heads, kvHeads, null, null, null, null, null, null, null, null, experts, null,
                null);
    }

    @Test
    void whatIsWrongIsNamedWithTheFix() {
        assertRefused("heads", "= 7 does not divide dModel = 4096; use a divisor, such as 8", heads(7, null, null));
        assertRefused("heads", "= 0 must be in 1..1000000", heads(0, null, null));
        assertRefused("heads", "= 2000000000 must be in 1..1000000", heads(2_000_000_000, null, null));
        assertRefused("kvHeads", "= 5 does not divide heads = 32; use a divisor, such as 4", heads(null, 5, null));
        assertRefused("experts", "= 1 leaves nothing to choose", heads(null, null, 1));
        assertThatThrownBy(() -> Questions.preset("gpt-9"))
                .hasMessageContaining("preset = 'gpt-9' is unknown; there are gpt-2");
        assertThatThrownBy(() -> Questions.preset(null)).hasMessageStartingWith("vocabSize is needed");
    }

    private static void assertRefused(String field, String fault, Question.ModelFields model) {
        assertThatThrownBy(() -> Questions.preset("llama-3-8b", model, Recomputation.NONE, Optimizer.ADAMW, false))
                .isInstanceOfSatisfying(AccountingException.class, e -> {
                    assertThat(e.field()).isEqualTo(field);
                    assertThat(e.fault()).contains(fault);
                });
    }
}
