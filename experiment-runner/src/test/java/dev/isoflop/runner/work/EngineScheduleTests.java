package dev.isoflop.runner.work;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.isoflop.lm.train.Schedule;
import dev.isoflop.lm.train.TrainingOptions;
import dev.isoflop.protocol.job.LearningRateSchedule;
import dev.isoflop.scaling.curve.RateSchedule;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a run's outlook takes its learning rate to be is what the engine trains with. */
class EngineScheduleTests {

    private static final int STEPS = 10_000;
    private static final double PEAK = 3e-3;
    private static final double WARMUP = 0.05;
    private static final double LAST = 0.1;

    @ParameterizedTest
    @EnumSource(Schedule.class)
    void theOutlooksRateIsTheEngines(Schedule schedule) {
        TrainingOptions options =
                new TrainingOptions(1, 8, STEPS, PEAK, LAST, WARMUP, schedule, 0.9, 0.95, 1e-8, 0.1, 1.0, 1, 1);
        RateSchedule said = switch (schedule) {
            case COSINE -> RateSchedule.cosine(WARMUP, LAST);
            case WSD -> RateSchedule.wsd(WARMUP, LAST, LearningRateSchedule.WSD_DECAY_FROM);
            case CONSTANT -> RateSchedule.constant(WARMUP);
        };
        for (int step = 0; step < STEPS; step++) {
            // a step of the warm-up has the rate of its end
            assertThat(said.rate((step + 1.0) / STEPS))
                    .as("step %d", step)
                    .isCloseTo(schedule.learningRate(step, options) / PEAK, within(1e-3));
        }
    }
}
