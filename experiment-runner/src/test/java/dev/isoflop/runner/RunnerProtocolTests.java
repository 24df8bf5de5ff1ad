package dev.isoflop.runner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import dev.isoflop.protocol.job.JobResult;
import dev.isoflop.protocol.job.Precision;
import dev.isoflop.protocol.runner.CheckpointCommit;
import dev.isoflop.protocol.runner.ClaimGrant;
import dev.isoflop.protocol.runner.DeviceSample;
import dev.isoflop.protocol.runner.Directives;
import dev.isoflop.protocol.runner.FinishAttempt;
import dev.isoflop.protocol.runner.Heartbeat;
import dev.isoflop.protocol.runner.RunProfile;
import dev.isoflop.runner.FakePlatform.Fault;
import dev.isoflop.runner.device.FakeProbe;
import dev.isoflop.runner.platform.PlatformClient;
import dev.isoflop.runner.work.TrainingDevice;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class RunnerProtocolTests extends RunnerTest {

    @Test
    void itsDevicesAreRegisteredAndWhatTheyDoTravelsWithTheHeartbeats() throws Exception {
        probe = new FakeProbe(2, "");
        startRunner();
        await(
                "both devices show",
                () -> platform.heartbeats.stream().anyMatch(h -> h.devices().size() == 2));
        assertThat(platform.registered.devices()).containsExactly(FakeProbe.device(0), FakeProbe.device(1));
        assertThat(platform.heartbeats.getLast().devices())
                .containsExactly(
                        new DeviceSample(0, 50.0, 1L << 30, 300.0, 40.0, 1_500),
                        new DeviceSample(1, 50.0, 1L << 30, 300.0, 40.0, 1_500));
    }

    @Test
    void withoutDevicesTheMessagesAreWhatTheyWereBeforeThereWereAny() throws Exception {
        startRunner();
        await("a heartbeat", () -> !platform.heartbeats.isEmpty());
        assertThat(platform.registered.devices()).isEmpty();
        assertThat(PlatformClient.mapper().writeValueAsString(new Heartbeat("i", 1, List.of(), List.of())))
                .isEqualTo("{\"instance\":\"i\",\"freeMemoryBytes\":1,\"observed\":[]}");
        assertThat(PlatformClient.mapper()
                        .readValue("{\"instance\":\"i\",\"freeMemoryBytes\":1,\"observed\":[]}", Heartbeat.class)
                        .devices())
                .isEmpty();
    }

    @Test
    void runsAnAssignmentToItsEnd() throws Exception {
        enqueue(1, 1, spec(100, 0), null);
        startRunner();
        FakePlatform.Attempt attempt = finished(1, 1);
        assertUndisturbed(attempt, 0, 100);
        assertThat(attempt.series.keySet())
                .containsExactlyInAnyOrder(
                        "train/loss",
                        "train/grad_norm",
                        "train/learning_rate",
                        "train/tokens_per_second",
                        "train/gflops",
                        "eval/loss");
        assertThat(attempt.series.get("eval/loss").keySet()).containsExactly(25L, 50L, 75L, 100L);
        assertThat(attempt.finish.outcome()).isEqualTo(FinishAttempt.Outcome.SUCCEEDED);
        JobResult.Pretrained result = (JobResult.Pretrained) attempt.finish.result();
        assertThat(result.finalLoss()).isEqualTo(1 + FakeEngine.stateAfter(100, 1));
        assertThat(result.bitsPerByte()).isEqualTo(result.finalLoss() * 1_000 / (Math.log(2) * 3_000));
        assertThat(result.evalTokens()).isEqualTo(996);
        assertThat(result.tokens()).isEqualTo(800);
        assertThat(attempt.checkpoints).extracting(CheckpointCommit::step).containsExactly(100L);
        await("the attempt's directory is gone", () -> !Files.exists(home.resolve("runs/1-1")));
        assertThat(attempt.log).anyMatch(l -> l.contains("held-out loss"));
    }

    @Test
    void saysOnceWhereTheTimeGoesAndAtEveryPointHowMuchOfEachPeakIsUsed() throws Exception {
        engine.device = new TrainingDevice(
                "NVIDIA X", Precision.BF16, new RunProfile.Peaks(1e12, 1e11), new RunProfile.Peaks(5e11, 8e10));
        engine.profileAt = 23;
        enqueue(1, 1, spec(40, 0), null);
        enqueue(2, 1, spec(15, 0), null);
        startRunner();
        FakePlatform.Attempt attempt = finished(1, 1);
        assertThat(attempt.profiles).singleElement().satisfies(profile -> {
            assertThat(profile.step()).as("asked for at 20, answered at 23").isEqualTo(23);
            assertThat(profile.tokensPerStep()).isEqualTo(8);
            assertThat(profile.flopsPerToken()).isEqualTo(1e6 / 8);
            assertThat(profile.device()).isEqualTo("NVIDIA X");
            assertThat(profile.datasheet()).isEqualTo(engine.device.datasheet());
            assertThat(profile.lanes()).isEqualTo(4);
            assertThat(profile.runs()).isEqualTo(3);
            assertThat(profile.operations())
                    .extracting(RunProfile.Operation::name)
                    .containsExactly("adamw");
        });
        attempt.series.get("train/gflops").forEach((step, rate) -> {
            assertThat(attempt.series.get("train/mfu").get(step)).isCloseTo(rate / 1e3, withinPercentage(1e-9));
            assertThat(attempt.series.get("train/mfu_measured").get(step))
                    .isCloseTo(rate / 500, withinPercentage(1e-9));
        });
        assertUndisturbed(attempt, 0, 40);
        assertThat(finished(2, 1).profiles).as("too short to be asked").isEmpty();
    }

    /** Between two results of a burst a microsecond passes: that was millions of steps a second. */
    @Test
    void theSpeedOfStepsThatComeInBurstsIsThatOfTheBursts() throws Exception {
        engine.burst = 40;
        engine.stepMillis = 1;
        enqueue(1, 1, spec(200, 0), null);
        startRunner();
        FakePlatform.Attempt attempt = finished(1, 1);
        assertUndisturbed(attempt, 0, 200);
        assertThat(attempt.series.get("train/tokens_per_second"))
                .as("told at every step")
                .containsOnlyKeys(attempt.series.get("train/loss").keySet());
        // 8 tokens a step and at most 1,000 steps a second, by a clock that may pause amid a burst
        assertThat(attempt.series.get("train/tokens_per_second").values())
                .allSatisfy(speed -> assertThat(speed).isPositive().isLessThan(4 * 8_000));
    }

    @Test
    void aPlatformThatTakesNoProfilesCostsARunNothing() throws Exception {
        platform.takesProfiles = false;
        engine.profileAt = 0;
        enqueue(1, 1, spec(40, 0), null);
        startRunner();
        assertThat(finished(1, 1).finish.outcome()).isEqualTo(FinishAttempt.Outcome.SUCCEEDED);
    }

    @Test
    void survivesLostRequestsLostRepliesAndServerErrorsWithoutLosingOrDoublingAPoint() throws Exception {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        platform.chaos = path -> path.contains("/heartbeats")
                ? Fault.NONE
                : switch (random.nextInt(6)) {
                    case 0 -> Fault.LOST_REPLY;
                    case 1 -> Fault.LOST_REQUEST;
                    case 2 -> Fault.UNAVAILABLE;
                    default -> Fault.NONE;
                };
        enqueue(1, 1, spec(300, 0), null);
        startRunner();
        FakePlatform.Attempt attempt = finished(1, 1);
        assertUndisturbed(attempt, 0, 300);
        assertThat(attempt.finish.outcome()).isEqualTo(FinishAttempt.Outcome.SUCCEEDED);
        assertThat(engine.stepsRun).hasValue(300);
    }

    @Test
    void repeatsAClaimWithTheSameKeyUntilAnswered() throws Exception {
        platform.fail("/claims", Fault.LOST_REPLY, Fault.LOST_REPLY, Fault.UNAVAILABLE);
        enqueue(1, 1, spec(10, 0), null);
        startRunner();
        finished(1, 1);
        assertThat(engine.stepsRun).as("granted once, run once").hasValue(10);
    }

    @Test
    void trainingGoesOnWhileMetricsAreNotTaken() throws Exception {
        platform.chaos =
                path -> path.endsWith("/metrics") && engine.stepsRun.get() < 200 ? Fault.UNAVAILABLE : Fault.NONE;
        enqueue(1, 1, spec(250, 0), null);
        startRunner();
        assertUndisturbed(finished(1, 1), 0, 250);
    }

    @Test
    void aStaleAttemptStopsAtOnceAndReportsNothing() throws Exception {
        enqueue(1, 1, spec(100_000, 0), null);
        startRunner();
        await("training", () -> engine.stepsRun.get() > 20);
        platform.takeAway(1, 1);
        await("the work stops", () -> !platform.refused.isEmpty() && !Files.exists(home.resolve("runs/1-1")));
        int steps = engine.stepsRun.get();
        Thread.sleep(200);
        assertThat(engine.stepsRun).hasValue(steps);
        assertThat(platform.attempt(1, 1).finish).isNull();
        enqueue(2, 1, spec(10, 0), null);
        finished(2, 1); // and the runner takes the next work
    }

    @Test
    void anAttemptThatIsNotDesiredIsStopped() throws Exception {
        enqueue(1, 1, spec(100_000, 0), null);
        // only the heartbeat can tell it
        platform.chaos = path -> path.endsWith("/metrics") || path.endsWith("/logs") ? Fault.UNAVAILABLE : Fault.NONE;
        startRunner();
        await("training", () -> engine.stepsRun.get() > 20);
        platform.takeAway(1, 1);
        await("the work stops", () -> !Files.exists(home.resolve("runs/1-1")));
        assertThat(platform.attempt(1, 1).finish).isNull();
    }

    @Test
    void aRunnerThatBearsNoOutagePausesWithItsLeaseAndGoesOnWhenAHeartbeatIsAnswered() throws Exception {
        endurance = new Endurance(Duration.ZERO, 256L << 20, 0, Duration.ofDays(7), StallWatch.Settings.STANDARD);
        enqueue(1, 1, spec(3_000, 0), null);
        startRunner();
        await("training", () -> engine.stepsRun.get() > 20);
        platform.chaos = path -> Fault.LOST_REQUEST;
        Thread.sleep(2_900); // the margin is a fifth of the lease of 3 s
        int paused = engine.stepsRun.get();
        Thread.sleep(500);
        assertThat(engine.stepsRun).as("no step past the lease").hasValue(paused);
        assertThat(paused).isLessThan(3_000);
        platform.chaos = path -> Fault.NONE;
        assertUndisturbed(finished(1, 1), 0, 3_000);
    }

    @Test
    void resumesFromACheckpointWithTheCurveOfAnUndisturbedRun() throws Exception {
        enqueue(1, 1, spec(2_000, 1), null);
        startRunner();
        await("a checkpoint", () -> !platform.attempt(1, 1).checkpoints.isEmpty());
        platform.takeAway(1, 1);
        await("the work stops", () -> !Files.exists(home.resolve("runs/1-1")));
        FakePlatform.Attempt first = platform.attempt(1, 1);
        CheckpointCommit last = first.checkpoints.getLast();
        assertThat(first.pointsAtCheckpoint.getLast())
                .as("every point up to the checkpoint is stored before it")
                .isEqualTo((int) last.step());
        enqueue(1, 2, spec(2_000, 0), new ClaimGrant.Resume(last.step(), last.trainSeconds(), last.files()));
        FakePlatform.Attempt second = finished(1, 2);
        assertUndisturbed(second, last.step(), 2_000);
        assertThat(((JobResult.Pretrained) second.finish.result()).trainSeconds())
                .isGreaterThan(last.trainSeconds());
    }

    @Test
    void aCheckpointOfTheLastStepIsNotEvaluatedIntoTheSeriesTwice() throws Exception {
        enqueue(1, 1, spec(50, 0), null);
        startRunner();
        FakePlatform.Attempt first = finished(1, 1);
        CheckpointCommit last = first.checkpoints.getLast();
        enqueue(1, 2, spec(50, 0), new ClaimGrant.Resume(last.step(), last.trainSeconds(), last.files()));
        FakePlatform.Attempt second = finished(1, 2);
        assertThat(second.series).isEmpty();
        assertThat(((JobResult.Pretrained) second.finish.result()).finalLoss())
                .isEqualTo(((JobResult.Pretrained) first.finish.result()).finalLoss());
    }

    @Test
    void checkpointsAndEndsAsPreemptedWhenAsked() throws Exception {
        enqueue(1, 1, spec(100_000, 0), null);
        startRunner();
        await("training", () -> engine.stepsRun.get() > 20);
        platform.intents.put("1/1", new Directives.Directive(1, 1, Directives.Intent.CHECKPOINT_AND_STOP, 10));
        FakePlatform.Attempt attempt = finished(1, 1);
        assertThat(attempt.finish.outcome()).isEqualTo(FinishAttempt.Outcome.PREEMPTED);
        assertThat(attempt.checkpoints).hasSize(1);
        assertThat(attempt.checkpoints.getFirst().step()).isEqualTo(attempt.points() == 0 ? 0 : engine.stepsRun.get());
    }

    @Test
    void endsAsCancelledWhenKilled() throws Exception {
        enqueue(1, 1, spec(100_000, 0), null);
        startRunner();
        await("training", () -> engine.stepsRun.get() > 20);
        platform.intents.put("1/1", new Directives.Directive(1, 1, Directives.Intent.KILL, 0));
        assertThat(finished(1, 1).finish.outcome()).isEqualTo(FinishAttempt.Outcome.CANCELLED);
    }

    @Test
    void drainingCheckpointsWhatRunsAndReportsItPreempted() throws Exception {
        enqueue(1, 1, spec(100_000, 0), null);
        startRunner();
        await("training", () -> engine.stepsRun.get() > 20);
        runner.drain(Duration.ofSeconds(10));
        FakePlatform.Attempt attempt = finished(1, 1);
        assertThat(attempt.finish.outcome()).isEqualTo(FinishAttempt.Outcome.PREEMPTED);
        assertThat(attempt.checkpoints).hasSize(1);
        thread.join(2_000);
        assertThat(thread.isAlive()).isFalse();
    }

    @Test
    void aDivergedLossIsAResult() throws Exception {
        engine.divergeAt = 30;
        enqueue(1, 1, spec(1_000, 0), null);
        startRunner();
        FakePlatform.Attempt attempt = finished(1, 1);
        assertThat(attempt.finish.outcome()).isEqualTo(FinishAttempt.Outcome.SUCCEEDED);
        JobResult.Pretrained result = (JobResult.Pretrained) attempt.finish.result();
        assertThat(result.diverged()).isTrue();
        assertThat(result.finalLoss()).isNaN();
        assertThat(attempt.series.get("train/loss").lastEntry().getKey()).isEqualTo(30);
        assertThat(attempt.series.get("train/loss").lastEntry().getValue()).isNaN();
    }

    @Test
    void failuresAreChargedToWhoseFaultTheyAreAndTheRunnerGoesOn() throws Exception {
        record Case(Throwable thrown, FinishAttempt.Category category, String code) {}
        List<Case> cases = List.of(
                new Case(
                        new OutOfMemoryError("Java heap space"), FinishAttempt.Category.OUT_OF_MEMORY, "out-of-memory"),
                new Case(
                        new IOException("write: No space left on device"),
                        FinishAttempt.Category.INFRASTRUCTURE,
                        "disk-full"),
                new Case(
                        new IllegalArgumentException("heads = 3"),
                        FinishAttempt.Category.INVALID_INPUT,
                        "invalid-work"),
                new Case(new StackOverflowError(), FinishAttempt.Category.USER, "unexpected-error"));
        startRunner();
        for (int i = 0; i < cases.size(); i++) {
            engine.throwAt10 = cases.get(i).thrown;
            enqueue(i + 1, 1, spec(100, 0), null);
            FakePlatform.Attempt attempt = finished(i + 1, 1);
            assertThat(attempt.finish.outcome()).isEqualTo(FinishAttempt.Outcome.FAILED);
            assertThat(attempt.finish.failure().category()).isEqualTo(cases.get(i).category);
            assertThat(attempt.finish.failure().code()).isEqualTo(cases.get(i).code);
            assertThat(attempt.series.get("train/loss"))
                    .as("what was learnt before is kept")
                    .hasSize(9);
        }
    }

    @Test
    void aDatasetIsFetchedOnceVerifiedAndReused() throws Exception {
        Path wrong = home.resolve("datasets/abc");
        Files.createDirectories(wrong);
        Files.writeString(wrong.resolve("train.bin"), "broken");
        enqueue(1, 1, spec(5, 0), null);
        startRunner();
        finished(1, 1);
        assertThat(home.resolve("datasets/abc/train.bin")).hasBinaryContent(DATA);
        platform.artifacts.remove(FakePlatform.sha(DATA));
        enqueue(2, 1, spec(5, 0), null);
        assertThat(finished(2, 1).finish.outcome()).isEqualTo(FinishAttempt.Outcome.SUCCEEDED);
        try (Stream<Path> left = Files.list(home.resolve("datasets"))) {
            assertThat(left).as("no unfinished download is left").containsExactly(wrong);
        }
    }
}
