package dev.isoflop.runner.accounting;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.lm.cuda.engine.DevicePeaks;
import dev.isoflop.lm.cuda.engine.GpuPlan;
import dev.isoflop.lm.cuda.engine.Precision;
import dev.isoflop.lm.model.ModelSpec;
import dev.isoflop.lm.train.Optimizer;
import dev.isoflop.scaling.accounting.Accounting;
import dev.isoflop.scaling.accounting.Architecture;
import dev.isoflop.scaling.accounting.Deployment;
import dev.isoflop.scaling.accounting.DeviceSheet;
import dev.isoflop.scaling.accounting.Section;
import dev.isoflop.scaling.accounting.Workload;
import dev.isoflop.scaling.accounting.Workload.Recomputation;
import dev.isoflop.scaling.flops.AttentionConvention;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The accounting of {@code scaling} against what the engine of {@code lm} allocates and counts. */
class EngineAccountingTests {

    record Case(ModelSpec spec, Precision precision, Optimizer optimizer, int lanes, int batch) {}

    static Stream<Case> cases() {
        ModelSpec tiny = ModelSpec.llama(1024, 128, 32, 3, 2);
        ModelSpec small = ModelSpec.llama(4096, 256, 128, 4, 4).withDFf(384);
        ModelSpec middle = ModelSpec.llama(16_384, 512, 320, 6, 5);
        ModelSpec large = ModelSpec.llama(50_304, 1024, 1024, 24, 16);
        // odd sizes, grouped queries, norms of heads and a head of its own: padding everywhere
        ModelSpec odd = new ModelSpec(61, 40, 48, 2, 3, 3, 72, 10_000, 1e-5, true, false);
        ModelSpec grouped = new ModelSpec(1000, 200, 192, 3, 6, 2, 500, 10_000, 1e-5, false, true);
        ModelSpec wide = new ModelSpec(32_001, 2048, 2048, 4, 16, 4, 5632, 10_000, 1e-5, false, false);
        return Stream.of(tiny, small, middle, large, odd, grouped, wide)
                .flatMap(spec -> Stream.of(Precision.values())
                        .flatMap(precision -> Stream.of(Optimizer.values())
                                .flatMap(optimizer -> Stream.of(1, 3)
                                        .flatMap(lanes -> Stream.of(1, 5, 16)
                                                .map(batch -> new Case(spec, precision, optimizer, lanes, batch))))));
    }

    static Accounting accounting(Case c) {
        ModelSpec s = c.spec();
        return Accounting.of(
                new Architecture(
                        s.vocabSize(),
                        s.contextLength(),
                        s.dModel(),
                        s.layers(),
                        s.heads(),
                        s.kvHeads(),
                        s.headDim(),
                        s.dFf(),
                        Architecture.FeedForward.SWIGLU,
                        Architecture.Norm.RMS,
                        Architecture.Positions.ROTARY,
                        false,
                        s.tiedEmbeddings(),
                        s.qkNorm(),
                        0,
                        0,
                        0),
                new Workload(
                        c.batch(),
                        dev.isoflop.scaling.flops.Precision.valueOf(
                                c.precision().name()),
                        Workload.Optimizer.valueOf(c.optimizer().name()),
                        Recomputation.SELECTIVE,
                        AttentionConvention.CAUSAL,
                        false,
                        c.lanes(),
                        1e9),
                new Deployment(DeviceSheet.known().getFirst(), 1, 0.4, null));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void everyArenaIsAsLargeAsTheEngineMakesIt(Case c) {
        GpuPlan plan = new GpuPlan(
                        c.spec(), c.precision(), c.lanes(), c.batch(), c.spec().contextLength(), 1)
                .withOptimizer(c.optimizer());
        Section engine = accounting(c).section("engine");
        assertThat(engine.value("parameters")).isEqualTo(plan.parameterBytes());
        assertThat(engine.value("gradients")).isEqualTo(plan.gradientBytes());
        assertThat(engine.value("moments")).isEqualTo(plan.optimizerBytes());
        assertThat(engine.value("total")).isEqualTo(plan.totalBytes());
    }

    @ParameterizedTest
    @MethodSource("cases")
    void parametersAndFlopsAreThoseOfTheModel(Case c) {
        Accounting accounting = accounting(c);
        Section parameters = accounting.section("parameters");
        assertThat(parameters.value("total")).isEqualTo(c.spec().parameters());
        assertThat(parameters.value("nonEmbedding")).isEqualTo(c.spec().nonEmbeddingParameters());
        // the model's formula takes a norm's gain for a matrix, 6 FLOPs each; products alone are without them
        double products = c.spec().trainingFlopsPerToken(c.spec().contextLength()) - 6 * parameters.value("norms");
        assertThat(accounting.section("training").value("total")).isEqualTo(products);
    }

    @Test
    void devicesHaveOneSheet() {
        for (DeviceSheet device : DeviceSheet.known()) {
            for (Precision precision : Precision.values()) {
                DevicePeaks peaks = DevicePeaks.of("NVIDIA " + device.driverName(), precision)
                        .orElseThrow();
                assertThat(device.flops(dev.isoflop.scaling.flops.Precision.valueOf(precision.name())))
                        .as(device.name())
                        .isEqualTo(peaks.flops());
                assertThat(device.bytesPerSecond()).as(device.name()).isEqualTo(peaks.bytesPerSecond());
            }
        }
    }
}
