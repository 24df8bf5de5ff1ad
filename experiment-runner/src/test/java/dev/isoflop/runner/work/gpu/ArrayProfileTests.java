package dev.isoflop.runner.work.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.lm.cuda.engine.GpuPlan;
import dev.isoflop.lm.cuda.engine.OpTime;
import dev.isoflop.lm.model.ModelSpec;
import dev.isoflop.lm.train.TrainingOptions;
import dev.isoflop.protocol.job.Precision;
import dev.isoflop.protocol.runner.RunProfile;
import dev.isoflop.runner.work.TrainingDevice;
import dev.isoflop.runner.work.TrainingProfile;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class ArrayProfileTests {

    private static final TrainingDevice DEVICE =
            new TrainingDevice("NVIDIA X", Precision.BF16, null, new RunProfile.Peaks(5e11, 8e10));
    private static final ModelSpec SPEC = ModelSpec.llama(512, 64, 64, 2, 2);

    private final GpuPlan plan = new GpuPlan(SPEC, dev.isoflop.lm.cuda.engine.Precision.BF16, 4, 2, 64, 1);
    private final ArrayProfile profile = new ArrayProfile();
    private final List<LaneSession> lanes =
            Stream.generate(ArrayProfileTests::lane).limit(3).toList();

    private static LaneSession lane() {
        return new LaneSession(DEVICE, TrainingOptions.defaults(2, 64, 100, 1e-3, 1), null);
    }

    private TrainingProfile measured() {
        return ArrayProfile.of(DEVICE, plan, 3, List.of(new OpTime("head", 2, 40, 8e6, 3e6)));
    }

    @Test
    void nothingIsMeasuredUntilARunAsks() {
        assertThat(profile.isDue(lanes)).isFalse();
        assertThat(lanes.getFirst().profile()).isEmpty();
        assertThat(profile.isDue(lanes)).isTrue();
        assertThat(lanes.getFirst().profile()).as("asked twice, still none").isEmpty();
    }

    @Test
    void oneMeasurementAnswersAllThatAskNowOrLater() {
        lanes.get(0).profile();
        lanes.get(1).profile();
        profile.measured(measured());
        profile.answer(lanes);
        assertThat(lanes.get(0).profile()).contains(measured());
        assertThat(lanes.get(1).profile()).contains(measured());
        assertThat(lanes.get(2).profile()).isEmpty();
        assertThat(profile.isDue(lanes)).isFalse();
        profile.answer(lanes);
        assertThat(lanes.get(2).profile()).contains(measured());
    }

    @Test
    void anotherArrayIsMeasuredAnewAndOnlyForThoseThatHaveNoAnswer() {
        lanes.get(0).profile();
        profile.measured(measured());
        profile.answer(lanes);
        profile.forget();
        assertThat(profile.isDue(lanes)).isFalse();
        lanes.get(1).profile();
        assertThat(profile.isDue(lanes)).isTrue();
    }

    @Test
    void aDeviceThatCannotTellIsNotAskedAgain() {
        lanes.getFirst().profile();
        profile.failed();
        assertThat(profile.isDue(lanes)).isFalse();
        profile.answer(lanes);
        assertThat(lanes.getFirst().profile()).isEmpty();
    }

    @Test
    void memoryAndPlacesAreThoseOfTheWholeArray() {
        TrainingProfile told = measured();
        assertThat(told.lanes()).isEqualTo(4);
        assertThat(told.runs()).isEqualTo(3);
        assertThat(told.memory().parameters()).isEqualTo(4 * 6 * plan.stride());
        assertThat(told.memory().gradients()).isEqualTo(4 * 4 * plan.stride());
        assertThat(told.memory().optimizer()).isEqualTo(4 * 8 * plan.stride());
        assertThat(told.memory().activations()).isEqualTo(plan.activationBytes());
        assertThat(told.operations()).containsExactly(new RunProfile.Operation("head", 2, 40, 8e6, 3e6));
    }

    @Test
    void noMoreOperationsAreToldThanThePlatformTakes() {
        List<OpTime> many = IntStream.range(0, 300)
                .mapToObj(i -> new OpTime("op " + i, 1, 300 - i, 0, 1))
                .toList();
        assertThat(ArrayProfile.of(DEVICE, plan, 3, many).operations())
                .hasSize(RunProfile.MAX_OPERATIONS)
                .first()
                .isEqualTo(new RunProfile.Operation("op 0", 1, 300, 0, 1));
    }
}
