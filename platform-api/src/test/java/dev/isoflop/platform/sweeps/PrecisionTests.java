package dev.isoflop.platform.sweeps;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.protocol.api.SweepSpec;
import dev.isoflop.protocol.error.Problem;
import dev.isoflop.protocol.job.JobResult;
import java.util.List;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

class PrecisionTests {

    private static final JobResult.Dataset TEXT =
            new JobResult.Dataset("d", 100_000_000, 1_000, 4_000, 10, 1, 1024, "t", List.of());

    private static SweepPlanning.Planned plan(String precision) {
        String text = """
                {"kind":"isoflop","name":"heads","dataset":{"corpus":"text"},
                 "models":[{"dModel":64,"layers":2,"heads":4},{"dModel":40,"layers":2,"heads":4}],
                 "budgets":[{"flops":1e11,"batchSequences":4}],
                 "training":{"precision":"%s"}}
                """.formatted(precision);
        SweepSpec.IsoFlop spec = (SweepSpec.IsoFlop) JsonMapper.shared().readValue(text, SweepSpec.class);
        return SweepPlanning.plan(spec, TEXT, new SweepPlanning.Memory(Long.MAX_VALUE, "a machine"));
    }

    @Test
    void headsThatBf16DoesNotTrainAreRefusedBeforeAnythingIsQueued() {
        ProblemException refused = catchThrowableOfType(ProblemException.class, () -> plan("BF16"));
        assertThat(refused.errors())
                .containsExactly(new Problem.FieldError(
                        "/models/1/heads",
                        "Width 40 in 4 heads makes heads of 10, which BF16 does not train.",
                        "heads of 16, 24, 32, 64, 96, 128, or precision FP32",
                        null));
    }

    @Test
    void fp32TrainsThem() {
        assertThat(plan("FP32").cells()).hasSize(2);
    }
}
