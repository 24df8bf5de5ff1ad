package dev.isoflop.runner;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.protocol.runner.ClaimGrant;
import dev.isoflop.protocol.runner.FinishAttempt;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Work that is alive and gets nowhere. */
@Timeout(60)
class StallTests extends RunnerTest {

    private static final StallWatch.Settings SHORT = new StallWatch.Settings(
            Duration.ofMillis(1_500), Duration.ofSeconds(30), Duration.ofMillis(1_500), Duration.ofSeconds(2));

    @AfterEach
    void release() {
        engine.released.countDown();
    }

    private void settings() {
        endurance = new Endurance(Duration.ofHours(2), 256L << 20, 0, Duration.ofDays(7), SHORT);
    }

    @Test
    void aRunWhoseStepDoesNotMoveIsFlaggedDumpedAndEndedAsTheMachinesFault() throws Exception {
        settings();
        engine.hangAt = 50;
        enqueue(1, 1, spec(1_000, 0), null);
        startRunner();
        await(
                "it is flagged while it still runs",
                () -> platform.heartbeats.stream()
                        .flatMap(h -> h.observed().stream())
                        .anyMatch(o -> o.stage().startsWith("stalled: no step for") && o.step() == 50));
        FakePlatform.Attempt attempt = finished(1, 1);
        assertThat(attempt.finish.outcome()).isEqualTo(FinishAttempt.Outcome.FAILED);
        assertThat(attempt.finish.failure()).satisfies(f -> {
            assertThat(f.category()).isEqualTo(FinishAttempt.Category.INFRASTRUCTURE);
            assertThat(f.code()).isEqualTo("stalled");
            assertThat(f.message()).contains("at step 50");
        });
        assertThat(attempt.log)
                .as("what it was doing")
                .anyMatch(l -> l.startsWith("thread run-1.1"))
                .anyMatch(l -> l.contains("FakeEngine") && l.contains("hang"));
        assertUndisturbed(attempt, 0, 50);
        engine.hangAt = -1;
        enqueue(2, 1, spec(20, 0), null);
        assertThat(finished(2, 1).finish.outcome()).as("the runner goes on").isEqualTo(FinishAttempt.Outcome.SUCCEEDED);
    }

    @Test
    void workThatDoesNotEvenEndIsGivenUpAndTheRunnerTakesNoMore() throws Exception {
        settings();
        engine.hangAt = 50;
        engine.deaf = true;
        enqueue(1, 1, spec(1_000, 0), null);
        startRunner();
        assertThat(finished(1, 1).finish.failure().code()).isEqualTo("stalled");
        await("it says why it takes no more", () -> {
            String trouble = platform.heartbeats.getLast().trouble();
            return trouble != null && trouble.contains("Run 1 hung");
        });
        enqueue(2, 1, spec(20, 0), null);
        Thread.sleep(500);
        assertThat(platform.queue).hasSize(1);
    }

    @Test
    void workThatMovesAgainWithinTheGraceGoesOn() throws Exception {
        settings();
        engine.hangAt = 50;
        enqueue(1, 1, spec(100, 0), null);
        startRunner();
        await(
                "it is flagged",
                () -> platform.heartbeats.stream()
                        .flatMap(h -> h.observed().stream())
                        .anyMatch(o -> o.stage().startsWith("stalled")));
        engine.released.countDown();
        FakePlatform.Attempt attempt = finished(1, 1);
        assertThat(attempt.finish.outcome()).isEqualTo(FinishAttempt.Outcome.SUCCEEDED);
        assertUndisturbed(attempt, 0, 100);
    }

    @Test
    void aSweepMaySetTheTimeItself() throws Exception {
        endurance = new Endurance(
                Duration.ofHours(2),
                256L << 20,
                0,
                Duration.ofDays(7),
                new StallWatch.Settings(
                        Duration.ofHours(1), Duration.ofHours(1), Duration.ofMillis(100), Duration.ofSeconds(5)));
        engine.hangAt = 50;
        platform.queue.add(new ClaimGrant.Assignment(1, 1, "r1", spec(1_000, 0), null, 1, null));
        startRunner();
        assertThat(finished(1, 1).finish.failure().code()).isEqualTo("stalled");
    }

    // --- when, with the clock in hand

    private final AtomicLong now = new AtomicLong();

    private StallWatch watch(@Nullable Duration asked, boolean armed) {
        return new StallWatch(now::get, StallWatch.Settings.STANDARD, asked, armed);
    }

    private void pass(Duration time) {
        now.addAndGet(time.toNanos());
    }

    @Test
    void slowStepsAreGivenTwentyTimesTheirUsualTime() {
        StallWatch watch = watch(null, true);
        for (int step = 0; step < 10; step++) {
            watch.progress(step, "training");
            pass(Duration.ofMinutes(2));
        }
        pass(Duration.ofMinutes(37));
        assertThat(watch.look()).isEmpty();
        pass(Duration.ofMinutes(2));
        assertThat(watch.look()).hasValueSatisfying(why -> assertThat(why).contains("at step 9 (training)"));
    }

    @Test
    void fastStepsAreGivenTheFloorAndPhasesAnHour() {
        StallWatch watch = watch(null, true);
        watch.progress(0, "preparing");
        pass(Duration.ofMinutes(59));
        assertThat(watch.look()).as("fetching a dataset").isEmpty();
        watch.progress(0, "training");
        pass(Duration.ofMinutes(59));
        assertThat(watch.look()).as("the first step, which compiles").isEmpty();
        for (int step = 1; step < 5; step++) {
            watch.progress(step, "training");
            pass(Duration.ofSeconds(1));
        }
        pass(Duration.ofMinutes(9));
        assertThat(watch.look()).isEmpty();
        pass(Duration.ofMinutes(1));
        assertThat(watch.look()).isPresent();
        watch.progress(4, "evaluating");
        pass(Duration.ofMinutes(59));
        assertThat(watch.look()).isEmpty();
        pass(Duration.ofMinutes(1));
        assertThat(watch.look()).isPresent();
    }

    @Test
    void aProgramThatSaysNothingIsNotWatchedAndOneThatPrintsLives() {
        StallWatch watch = watch(null, false);
        watch.progress(0, "running");
        pass(Duration.ofDays(1));
        assertThat(watch.look()).isEmpty();
        watch.alive();
        pass(Duration.ofMinutes(59));
        assertThat(watch.look()).isEmpty();
        watch.alive();
        pass(Duration.ofMinutes(61));
        assertThat(watch.look()).isPresent();
    }

    @Test
    void whatWaitsForOthersDoesNotStall() {
        StallWatch watch = watch(Duration.ofSeconds(10), true);
        watch.progress(5, "waiting for room on the disk");
        pass(Duration.ofHours(5));
        assertThat(watch.look()).isEmpty();
        watch.progress(5, "training");
        pass(Duration.ofSeconds(9));
        watch.excuse();
        pass(Duration.ofSeconds(9));
        assertThat(watch.look()).isEmpty();
        pass(Duration.ofSeconds(1));
        assertThat(watch.look()).isPresent();
    }
}
