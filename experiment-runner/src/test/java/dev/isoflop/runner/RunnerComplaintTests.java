package dev.isoflop.runner;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.protocol.runner.CheckpointCommit;
import dev.isoflop.protocol.runner.ClaimGrant;
import dev.isoflop.protocol.runner.FinishAttempt;
import dev.isoflop.runner.FakePlatform.Fault;
import java.nio.file.Files;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Complaints of the users of other systems that are about workers, each shown not to be one here. */
@Timeout(60)
class RunnerComplaintTests extends RunnerTest {

    /** A healthy job is killed because its status could not be reached. */
    @Test
    void complaint1aHealthyRunIsNotKilledBecauseNobodyAnswers() throws Exception {
        enqueue(1, 1, spec(4_000, 1), null);
        startRunner();
        await("training", () -> engine.stepsRun.get() > 20);
        platform.chaos = path -> Fault.LOST_REQUEST;
        Thread.sleep(4_500); // one and a half leases of 3 s
        int steps = engine.stepsRun.get();
        Thread.sleep(500);
        assertThat(engine.stepsRun.get()).as("it trains on").isGreaterThan(steps);
        platform.chaos = path -> Fault.NONE;
        assertUndisturbed(finished(1, 1), 0, 4_000);
        assertThat(engine.stepsRun).as("nothing was begun anew").hasValue(4_000);
    }

    /** A run that lives is given away, and the worker crashes when its result is refused. */
    @Test
    void complaint4aRefusedResultCostsTheRunnerNothingAndTheRunHasOneEnd() throws Exception {
        enqueue(1, 1, spec(300, 0), null);
        platform.chaos =
                path -> path.endsWith("/finish") || path.contains("/heartbeats") ? Fault.UNAVAILABLE : Fault.NONE;
        startRunner();
        await("it is registered and has claimed", () -> platform.registrations > 0);
        platform.chaos = path -> path.endsWith("/finish") ? Fault.UNAVAILABLE : Fault.NONE;
        await("its last checkpoint", () -> !platform.attempt(1, 1).checkpoints.isEmpty());
        platform.takeAway(1, 1); // done, but the word of it came too late
        CheckpointCommit last = platform.attempt(1, 1).checkpoints.getLast();
        platform.chaos = path -> Fault.NONE;
        await("it gives up", () -> !Files.exists(home.resolve("runs/1-1")));
        assertThat(platform.attempt(1, 1).finish).as("refused").isNull();
        enqueue(1, 2, spec(300, 0), new ClaimGrant.Resume(last.step(), last.trainSeconds(), last.files()));
        assertThat(finished(1, 2).finish.outcome()).isEqualTo(FinishAttempt.Outcome.SUCCEEDED);
        assertThat(thread.isAlive()).as("the runner").isTrue();
        assertThat(engine.stepsRun).as("what was trained was not trained again").hasValue(300);
    }

    /** A resume loses metrics, or its metrics are refused. */
    @Test
    void complaint6aResumeHasEveryPointOnce() throws Exception {
        enqueue(1, 1, spec(3_000, 1), null);
        startRunner();
        await("a checkpoint", () -> !platform.attempt(1, 1).checkpoints.isEmpty());
        platform.chaos = path -> path.endsWith("/metrics") ? Fault.LOST_REPLY : Fault.NONE;
        Thread.sleep(300); // points that are stored, as far as anybody but the runner knows
        stopRunner();
        platform.chaos = path -> Fault.NONE;
        FakePlatform.Attempt first = platform.attempt(1, 1);
        CheckpointCommit last = first.checkpoints.getLast();
        platform.takeAway(1, 1);
        enqueue(1, 2, spec(3_000, 1), new ClaimGrant.Resume(last.step(), last.trainSeconds(), last.files()));
        startRunner();
        FakePlatform.Attempt second = finished(1, 2);
        assertThat(first.series.get("train/loss").headMap(last.step(), true))
                .as("up to the checkpoint")
                .hasSize((int) last.step());
        assertUndisturbed(second, last.step(), 3_000);
        assertThat(platform.refused).doesNotContain("metrics");
    }

    /** A worker whose disk is full keeps its heartbeat, takes work, and fails it. */
    @Test
    void complaint14aRunnerWithAFullDiskLetsWorkBeAndSaysWhy() throws Exception {
        endurance = new Endurance(
                Duration.ofHours(2), 256L << 20, 1L << 30, Duration.ofDays(7), StallWatch.Settings.STANDARD);
        freeBytes = 0;
        enqueue(1, 1, spec(20, 0), null);
        startRunner();
        await("it says so", () -> platform.heartbeats.stream().anyMatch(h -> h.trouble() != null));
        Thread.sleep(500);
        assertThat(platform.queue).as("the run is left to others").hasSize(1);
        assertThat(platform.heartbeats).allSatisfy(h -> assertThat(h.trouble()).contains("0 MiB free"));
    }
}
