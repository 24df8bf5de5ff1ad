package dev.isoflop.runner;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.protocol.runner.CheckpointCommit;
import dev.isoflop.protocol.runner.FinishAttempt;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A runner's disk fills up. */
@Timeout(60)
class FullDiskTests extends RunnerTest {

    private static final long RESERVE = 1L << 30;

    private void reserve() {
        endurance = new Endurance(
                Duration.ofHours(2), 256L << 20, RESERVE, Duration.ofDays(7), StallWatch.Settings.STANDARD);
    }

    @Test
    void aRunnerWithoutRoomClaimsNothingSaysSoAndRecoversByItself() throws Exception {
        reserve();
        freeBytes = RESERVE - 1;
        enqueue(1, 1, spec(20, 0), null);
        startRunner();
        await("it says so", () -> platform.heartbeats.stream().anyMatch(h -> h.trouble() != null));
        assertThat(platform.heartbeats.getLast().trouble()).contains(home.toString(), "1023 MiB free", "1.0 GiB");
        Thread.sleep(500);
        assertThat(platform.claimKeys).as("claims").isEmpty();
        freeBytes = RESERVE;
        assertThat(finished(1, 1).finish.outcome()).isEqualTo(FinishAttempt.Outcome.SUCCEEDED);
        await("all is well", () -> platform.heartbeats.getLast().trouble() == null);
    }

    @Test
    void aRunWhoseCheckpointsFindNoRoomGoesOnAndKeepsTheLastGoodOne() throws Exception {
        reserve();
        enqueue(1, 1, spec(4_000, 1), null);
        startRunner();
        await("a checkpoint", () -> !platform.attempt(1, 1).checkpoints.isEmpty());
        freeBytes = RESERVE - 1;
        Thread.sleep(300);
        int committed = platform.attempt(1, 1).checkpoints.size();
        int steps = engine.stepsRun.get();
        Thread.sleep(2_500);
        assertThat(platform.attempt(1, 1).checkpoints).hasSize(committed);
        assertThat(engine.stepsRun.get()).as("it trains on").isGreaterThan(steps + 100);
        await("the log says so", () -> platform.attempt(1, 1).log.stream().anyMatch(l -> l.contains("nearly full")));
        freeBytes = 1L << 40;
        await("checkpoints again", () -> platform.attempt(1, 1).checkpoints.size() > committed);
        FakePlatform.Attempt attempt = finished(1, 1);
        assertUndisturbed(attempt, 0, 4_000);
        assertThat(attempt.checkpoints)
                .extracting(CheckpointCommit::step)
                .last()
                .isEqualTo(4_000L);
    }

    @Test
    void aDiskThatIsFullBeforeAnyoneNoticedCostsACheckpointAndNothingElse() throws Exception {
        enqueue(1, 1, spec(3_000, 1), null);
        startRunner();
        await("a checkpoint", () -> !platform.attempt(1, 1).checkpoints.isEmpty());
        engine.diskFull = true;
        await("the log says so", () -> platform.attempt(1, 1).log.stream().anyMatch(l -> l.contains("disk is full")));
        try (Stream<Path> left = Files.list(home.resolve("runs/1-1"))) {
            assertThat(left.filter(p -> p.getFileName().toString().startsWith("step-")))
                    .as("no half of a checkpoint stays")
                    .isEmpty();
        }
        await("done but for the last checkpoint", () -> engine.stepsRun.get() == 3_000);
        Thread.sleep(1_000);
        assertThat(platform.attempt(1, 1).finish).as("room is waited for").isNull();
        engine.diskFull = false;
        FakePlatform.Attempt attempt = finished(1, 1);
        assertThat(attempt.finish.outcome()).isEqualTo(FinishAttempt.Outcome.SUCCEEDED);
        assertUndisturbed(attempt, 0, 3_000);
    }

    @Test
    void aPlatformWithAFullDiskIsWaitedFor() throws Exception {
        platform.chaos =
                path -> path.contains("/artifacts/") && engine.stepsRun.get() > 0 && engine.stepsRun.get() < 1_500
                        ? FakePlatform.Fault.STORAGE_FULL
                        : FakePlatform.Fault.NONE;
        enqueue(1, 1, spec(3_000, 1), null);
        startRunner();
        FakePlatform.Attempt attempt = finished(1, 1);
        assertThat(attempt.finish.outcome()).isEqualTo(FinishAttempt.Outcome.SUCCEEDED);
        assertUndisturbed(attempt, 0, 3_000);
        assertThat(attempt.checkpoints.getFirst().step()).isPositive();
    }

    @Test
    void checkpointsThatNobodyKeepsDoNotPileUp() throws Exception {
        endurance = new Endurance(Duration.ofHours(2), 1, 0, Duration.ofDays(7), StallWatch.Settings.STANDARD);
        enqueue(1, 1, spec(6_000, 1), null);
        startRunner();
        await("three checkpoints", () -> platform.attempt(1, 1).checkpoints.size() >= 3);
        try (Stream<Path> left = Files.walk(home)) {
            assertThat(left.filter(p -> p.getFileName().toString().startsWith("step-")))
                    .as("but for one on its way")
                    .hasSizeLessThanOrEqualTo(1);
        }
        assertThat(finished(1, 1).finish.outcome()).isEqualTo(FinishAttempt.Outcome.SUCCEEDED);
    }
}
