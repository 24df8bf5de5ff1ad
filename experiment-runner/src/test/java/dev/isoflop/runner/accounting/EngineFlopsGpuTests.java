package dev.isoflop.runner.accounting;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.lm.cuda.driver.CudaDevices;
import dev.isoflop.lm.cuda.engine.CudaBackend;
import dev.isoflop.lm.cuda.engine.GpuPlan;
import dev.isoflop.lm.cuda.engine.GpuTokens;
import dev.isoflop.lm.cuda.engine.OpTime;
import dev.isoflop.lm.cuda.engine.Precision;
import dev.isoflop.lm.cuda.engine.RunArray;
import dev.isoflop.lm.model.ModelSpec;
import dev.isoflop.lm.tokens.TokenSource;
import dev.isoflop.lm.train.Optimizer;
import dev.isoflop.lm.train.TrainingOptions;
import dev.isoflop.scaling.accounting.Accounting;
import dev.isoflop.scaling.accounting.Section;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * FLOPs of a step as its program counts them where it launches them, against the accounting's: every product and attention, forward and
 * backward, to the last one. Work done number by number (norms, rotation, SwiGLU, cross-entropy, optimizer) is in neither.
 */
@Tag("gpu")
class EngineFlopsGpuTests {

    private static final Set<String> FORWARD = Set.of(
            "qkv",
            "qkv and rope",
            "attention out",
            "gate and up",
            "gate, up and swiglu",
            "down",
            "head",
            "head and loss");
    private static final Set<String> BACKWARD = Set.of(
            "qkv dx",
            "qkv dW",
            "attention out dx",
            "attention out dW",
            "gate and up dx",
            "gate and up dW",
            "down dx",
            "down dx and swiglu",
            "down dW",
            "head dx",
            "head dW");

    private record Ids(int vocabSize) implements TokenSource {
        @Override
        public long length() {
            return 50_000;
        }

        @Override
        public void read(long position, int[] target, int offset, int count) {
            for (int i = 0; i < count; i++) {
                target[offset + i] = (int) ((position + i) * 7 % vocabSize);
            }
        }
    }

    static Stream<EngineAccountingTests.Case> cases() {
        ModelSpec narrow = ModelSpec.llama(4096, 256, 128, 4, 4).withDFf(384);
        ModelSpec middle = ModelSpec.llama(8192, 512, 320, 3, 5).withDFf(864);
        ModelSpec grouped = new ModelSpec(1000, 200, 192, 3, 6, 2, 512, 10_000, 1e-5, false, true);
        ModelSpec wide = new ModelSpec(32_000, 512, 1024, 2, 16, 4, 2816, 10_000, 1e-5, false, false);
        return Stream.of(narrow, middle, grouped, wide)
                .flatMap(spec -> Stream.of(Precision.values())
                        .flatMap(precision -> Stream.of(1, 3)
                                .map(lanes ->
                                        new EngineAccountingTests.Case(spec, precision, Optimizer.ADAMW, lanes, 4))));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void theProgramCountsWhatTheAccountingSays(EngineAccountingTests.Case c) {
        Assumptions.assumeTrue(CudaDevices.count() > 0, () -> "no GPU: " + CudaDevices.reason());
        Map<String, Double> counted = counted(c);
        Accounting accounting = EngineAccountingTests.accounting(c);
        double tokens = (double) c.lanes() * c.batch() * c.spec().contextLength();
        Section forward = accounting.section("forward");
        double attention = forward.value("attention");

        double products = counted.entrySet().stream()
                .filter(e -> FORWARD.contains(e.getKey()))
                // a narrow head whose loss is taken on the chip computes its logits twice
                .mapToDouble(e -> e.getKey().equals("head and loss") ? e.getValue() / 2 : e.getValue())
                .sum();
        assertThat(products).isEqualTo((forward.value("total") - attention) * tokens);
        assertThat(counted.get("attention")).isEqualTo(attention * tokens);

        Section backward = accounting.section("backward");
        double gradients = counted.entrySet().stream()
                .filter(e -> BACKWARD.contains(e.getKey()))
                .mapToDouble(Map.Entry::getValue)
                .sum();
        assertThat(gradients).isEqualTo((backward.value("total") - backward.value("attention")) * tokens);
        // four products, and the scores again
        double scoresAgain = accounting.section("training").value("recomputed");
        assertThat(counted.get("attention backward")).isEqualTo((backward.value("attention") + scoresAgain) * tokens);
        assertThat(products + gradients + counted.get("attention") + counted.get("attention backward"))
                .isEqualTo(accounting.section("training").value("executed") * tokens);
    }

    private static Map<String, Double> counted(EngineAccountingTests.Case c) {
        GpuPlan plan = new GpuPlan(
                c.spec(), c.precision(), c.lanes(), c.batch(), c.spec().contextLength(), 1);
        Path cache = Path.of(System.getProperty("java.io.tmpdir"), "isoflop-test-backend");
        try (CudaBackend backend = CudaBackend.open(0, cache);
                GpuTokens tokens =
                        GpuTokens.upload(backend.device(), new Ids(c.spec().vocabSize()));
                RunArray array = RunArray.create(backend, plan, tokens, RunArray.Mode.GRAPH)) {
            for (int lane = 0; lane < c.lanes(); lane++) {
                array.start(lane, TrainingOptions.defaults(c.batch(), c.spec().contextLength(), 10, 1e-3, lane));
            }
            List<OpTime> profile = array.profile(null, (lane, result) -> {});
            return profile.stream().collect(Collectors.toMap(OpTime::name, OpTime::flops));
        }
    }
}
