package dev.isoflop.scaling.accounting;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.scaling.accounting.Workload.Optimizer;
import dev.isoflop.scaling.accounting.Workload.Recomputation;
import dev.isoflop.scaling.flops.AttentionConvention;
import dev.isoflop.scaling.flops.ParameterCount;
import dev.isoflop.scaling.flops.Precision;
import dev.isoflop.scaling.flops.TrainingMemory;
import dev.isoflop.scaling.flops.TransformerShape;
import dev.isoflop.scaling.plan.Ladder;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a plan in bf16 takes for a run's memory, against what the engine allocates, to the byte. */
class PlannedMemoryTests {

    @ParameterizedTest(name = "vocabulary {0}, context {1}, batch {2}")
    @CsvSource({
        "1024, 128, 8",
        "1024, 128, 256",
        "8192, 256, 4",
        "8192, 256, 64",
        "32000, 1024, 1",
        "32000, 1024, 64",
        "32000, 2048, 256",
        "128256, 4096, 16"
    })
    void aPlansEstimateIsNearWhatTheEngineTakes(int vocabulary, int context, int batch) {
        // an array of the engine holds no more than 2^31 parameters
        List<TransformerShape> shapes = Ladder.of(vocabulary, context).trainedIn(Precision.BF16).shapes().stream()
                .filter(shape -> ParameterCount.of(shape).total() < 2_000_000_000)
                .toList();
        for (TransformerShape shape : shapes) {
            double estimate = TrainingMemory.estimate(shape, batch, context, Precision.BF16)
                    .total();
            double engine = Accounting.of(
                            TwoCountingsTests.architecture(shape),
                            new Workload(
                                    batch,
                                    Precision.BF16,
                                    Optimizer.ADAMW,
                                    Recomputation.SELECTIVE,
                                    AttentionConvention.CAUSAL,
                                    false,
                                    1,
                                    1e9),
                            new Deployment(DeviceSheet.known().getFirst(), 1, .4, null))
                    .section("engine")
                    .value("total");
            assertThat(estimate / engine).as("%s", shape).isBetween(.99, 1.1);
        }
    }
}
