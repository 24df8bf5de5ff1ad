package dev.isoflop.scaling.accounting;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.scaling.accounting.Architecture.FeedForward;
import dev.isoflop.scaling.accounting.Architecture.Norm;
import dev.isoflop.scaling.accounting.Architecture.Positions;
import dev.isoflop.scaling.accounting.Workload.Optimizer;
import dev.isoflop.scaling.accounting.Workload.Recomputation;
import dev.isoflop.scaling.flops.AttentionConvention;
import dev.isoflop.scaling.flops.FlopCount;
import dev.isoflop.scaling.flops.ParameterCount;
import dev.isoflop.scaling.flops.Precision;
import dev.isoflop.scaling.flops.TransformerShape;
import dev.isoflop.scaling.plan.Ladder;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The planner counts a shape in numbers, the calculator in terms; both must come to the same, to the last one. */
class TwoCountingsTests {

    /** A vocabulary and a context, odd ones among them, with or without a head of its own and norms of queries and keys. */
    static Stream<Arguments> kinds() {
        List<Arguments> kinds = new ArrayList<>();
        for (int vocabulary : new int[] {257, 32_000, 151_936}) {
            for (int context : new int[] {1, 127, 2048, 131_072}) {
                for (boolean tied : new boolean[] {true, false}) {
                    for (boolean qkNorm : new boolean[] {true, false}) {
                        kinds.add(Arguments.of(vocabulary, context, tied, qkNorm));
                    }
                }
            }
        }
        return kinds.stream();
    }

    /** Every rung of the ladder, with key and value heads for all of its heads, for half of them and for one. */
    private static List<TransformerShape> shapes(int vocabulary, int context, boolean tied, boolean qkNorm) {
        List<TransformerShape> shapes = new ArrayList<>();
        for (Ladder.Rung rung : Ladder.of(vocabulary, context).rungs()) {
            TransformerShape s = rung.shape();
            Set<Integer> keys = new LinkedHashSet<>(List.of(s.heads(), 1));
            if (s.heads() % 2 == 0) {
                keys.add(s.heads() / 2);
            }
            for (int kvHeads : keys) {
                shapes.add(new TransformerShape(
                        vocabulary, context, s.dModel(), s.layers(), s.heads(), kvHeads, s.dFf(), tied, qkNorm));
            }
        }
        return shapes;
    }

    static Architecture architecture(TransformerShape s) {
        return new Architecture(
                s.vocabSize(),
                s.contextLength(),
                s.dModel(),
                s.layers(),
                s.heads(),
                s.kvHeads(),
                s.headSize(),
                s.dFf(),
                FeedForward.SWIGLU,
                Norm.RMS,
                Positions.ROTARY,
                false,
                s.tiedEmbeddings(),
                s.qkNorm(),
                0,
                0,
                0);
    }

    private static FlopAccount flops(TransformerShape shape, AttentionConvention attention) {
        Shape letters = new Shape(architecture(shape));
        return new FlopAccount(
                letters,
                new ParameterAccount(letters),
                new Workload(1, Precision.BF16, Optimizer.ADAMW, Recomputation.NONE, attention, false, 1, 1e9));
    }

    @ParameterizedTest(name = "vocabulary {0}, context {1}, tied {2}, qkNorm {3}")
    @MethodSource("kinds")
    void parametersAgree(int vocabulary, int context, boolean tied, boolean qkNorm) {
        for (TransformerShape shape : shapes(vocabulary, context, tied, qkNorm)) {
            ParameterCount count = ParameterCount.of(shape);
            ParameterAccount terms = new ParameterAccount(new Shape(architecture(shape)));
            Section section = terms.section;
            assertThat(section.value("embedding")).as("%s", shape).isEqualTo(count.embedding());
            assertThat(section.value("attention")).as("%s", shape).isEqualTo(count.attention());
            assertThat(section.value("feedForward")).as("%s", shape).isEqualTo(count.feedForward());
            assertThat(section.value("norms")).as("%s", shape).isEqualTo(count.norms());
            if (!tied) {
                assertThat(section.value("head")).as("%s", shape).isEqualTo(count.head());
            }
            assertThat(section.value("total")).as("%s", shape).isEqualTo(count.total());
            assertThat(section.value("nonEmbedding")).as("%s", shape).isEqualTo(count.nonEmbedding());
            assertThat(terms.blockMatrices.value()).as("%s", shape).isEqualTo(count.nonEmbeddingMatrices());
            assertThat(terms.lookedUp.value()).as("%s", shape).isEqualTo(tied ? 0 : count.embedding());
        }
    }

    @ParameterizedTest(name = "vocabulary {0}, context {1}, tied {2}, qkNorm {3}")
    @MethodSource("kinds")
    void operationsPerTokenAgree(int vocabulary, int context, boolean tied, boolean qkNorm) {
        for (TransformerShape shape : shapes(vocabulary, context, tied, qkNorm)) {
            for (AttentionConvention attention : AttentionConvention.values()) {
                FlopCount count = FlopCount.of(shape, context, attention);
                FlopAccount terms = flops(shape, attention);
                Section forward = terms.forward;
                assertThat(forward.value("projections")).as("%s", shape).isEqualTo(count.projections());
                assertThat(forward.value("attention")).as("%s", shape).isEqualTo(count.attention());
                assertThat(forward.value("feedForward")).as("%s", shape).isEqualTo(count.feedForward());
                assertThat(forward.value("head")).as("%s", shape).isEqualTo(count.head());
                assertThat(forward.value("total")).as("%s", shape).isEqualTo(count.forwardPerToken());
                assertThat(terms.training.value("total")).as("%s", shape).isEqualTo(count.trainPerToken());
                assertThat(terms.perToken.value()).as("%s", shape).isEqualTo(count.trainPerToken());
            }
        }
    }

    /** Without key heads fewer than heads, and without a head of its own, the test would not say much. */
    @Test
    void theShapesAreOfEveryKind() {
        List<TransformerShape> shapes = shapes(1023, 127, false, true);
        assertThat(shapes.size()).isGreaterThan(100);
        assertThat(shapes).anyMatch(s -> s.kvHeads() < s.heads() && s.kvHeads() > 1);
        assertThat(IntStream.range(0, shapes.size())
                        .filter(i -> shapes.get(i).kvHeads() == 1)
                        .count())
                .isEqualTo(Ladder.of(1023, 127).rungs().size());
        assertThat(shapes.stream()
                        .mapToLong(s -> ParameterCount.of(s).total())
                        .max()
                        .orElseThrow())
                .isGreaterThan(50_000_000_000L);
    }
}
