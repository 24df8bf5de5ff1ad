package dev.isoflop.runner;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.protocol.runner.CheckpointCommit;
import dev.isoflop.protocol.runner.ClaimGrant;
import dev.isoflop.protocol.runner.FinishAttempt;
import dev.isoflop.runner.FakePlatform.Fault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The platform is away, and what a runner does meanwhile. */
@Timeout(60)
class OutageTests extends RunnerTest {

    private final AtomicLong ahead = new AtomicLong();

    /** Time passes for the lease, not for the test. */
    private void injectClock() {
        clock = new LeaseClock(
                () -> System.nanoTime() + ahead.get(), () -> System.currentTimeMillis() + ahead.get() / 1_000_000);
    }

    private void pass(Duration time) {
        ahead.addAndGet(time.toNanos());
    }

    private void beginOutage() {
        platform.chaos = path -> Fault.LOST_REQUEST;
    }

    private void endOutage() {
        platform.chaos = path -> Fault.NONE;
    }

    private Path kept(long run) {
        return home.resolve("kept/" + run);
    }

    private void awaitSteps(int more) throws InterruptedException {
        int from = engine.stepsRun.get();
        await("it goes on training", () -> engine.stepsRun.get() >= from + more);
    }

    @Test
    void trainingGoesOnThroughMoreThanAnHourAndThePlatformGetsAllOfIt() throws Exception {
        injectClock();
        enqueue(1, 1, spec(2_000, 0), null);
        startRunner();
        await("training", () -> engine.stepsRun.get() > 20);
        beginOutage();
        for (int i = 0; i < 7; i++) {
            pass(Duration.ofMinutes(15));
            awaitSteps(50);
        }
        assertThat(platform.attempt(1, 1).points()).as("nobody has been told").isLessThan(6 * 100);
        endOutage();
        FakePlatform.Attempt attempt = finished(1, 1);
        assertUndisturbed(attempt, 0, 2_000);
        assertThat(attempt.finish.outcome()).isEqualTo(FinishAttempt.Outcome.SUCCEEDED);
        assertThat(engine.stepsRun).as("no step is done twice").hasValue(2_000);
    }

    @Test
    void pastWhatItBearsItPausesUntilThePlatformIsBack() throws Exception {
        injectClock();
        enqueue(1, 1, spec(1_000, 0), null);
        startRunner();
        await("training", () -> engine.stepsRun.get() > 20);
        beginOutage();
        pass(Duration.ofMinutes(119));
        awaitSteps(50);
        pass(Duration.ofMinutes(2));
        Thread.sleep(300);
        int paused = engine.stepsRun.get();
        Thread.sleep(500);
        assertThat(engine.stepsRun).hasValue(paused);
        assertThat(paused).isLessThan(1_000);
        endOutage();
        assertUndisturbed(finished(1, 1), 0, 1_000);
    }

    @Test
    void anotherAttemptThatHoldsTheRunEndsTheWorkOnceTheLineIsBack() throws Exception {
        enqueue(1, 1, spec(100_000, 1), null);
        startRunner();
        await("a checkpoint", () -> !platform.attempt(1, 1).checkpoints.isEmpty());
        beginOutage();
        awaitSteps(200);
        platform.takeAway(1, 1); // only this runner was cut off
        endOutage();
        await("the work stops", () -> !Files.exists(home.resolve("runs/1-1")));
        int steps = engine.stepsRun.get();
        Thread.sleep(200);
        assertThat(engine.stepsRun).hasValue(steps);
        assertThat(platform.attempt(1, 1).finish).isNull();
        assertThat(kept(1)).as("nothing is kept of what is somebody else's").doesNotExist();
    }

    @Test
    void newerCheckpointsReplaceTheOneThatCannotLeave() throws Exception {
        injectClock();
        enqueue(1, 1, spec(100_000, 1), null);
        startRunner();
        await("training", () -> engine.stepsRun.get() > 20);
        beginOutage();
        pass(Duration.ofMinutes(5));
        await("a checkpoint is kept", () -> Files.exists(kept(1).resolve("kept.json")));
        long first = keptStep();
        await("a newer one takes its place", () -> keptStep() > first);
        try (Stream<Path> steps =
                Files.list(kept(1)).filter(p -> p.getFileName().toString().startsWith("step-"))) {
            assertThat(steps.count())
                    .as("the newest, and at most the one it replaces")
                    .isLessThanOrEqualTo(2);
        }
        int before = platform.attempt(1, 1).checkpoints.size();
        endOutage();
        await("it arrives", () -> platform.attempt(1, 1).checkpoints.size() > before);
        FakePlatform.Attempt attempt = platform.attempt(1, 1);
        CheckpointCommit arrived = attempt.checkpoints.getLast();
        assertThat(attempt.pointsAtCheckpoint.getLast()).isEqualTo((int) arrived.step());
    }

    private long keptStep() {
        try (Stream<Path> steps = Files.list(kept(1))) {
            return steps.map(p -> p.getFileName().toString())
                    .filter(n -> n.startsWith("step-"))
                    .mapToLong(n -> Long.parseLong(n.substring(5)))
                    .max()
                    .orElse(-1);
        } catch (IOException e) {
            return -1;
        }
    }

    /** @return the checkpoint that the platform knows, and the step of the one that only the disk has */
    private long dieWithAKeptCheckpoint() throws Exception {
        injectClock();
        enqueue(1, 1, spec(3_000, 1), null);
        startRunner();
        await(
                "a committed checkpoint",
                () -> !platform.attempt(1, 1).checkpoints.isEmpty());
        beginOutage();
        pass(Duration.ofMinutes(5));
        long committed = platform.attempt(1, 1).checkpoints.getLast().step();
        await("a newer one is kept", () -> keptStep() > committed && Files.exists(kept(1).resolve("kept.json")));
        awaitSteps(100); // points past the kept checkpoint, which the next attempt must not have twice
        stopRunner();
        assertThat(home.resolve("runs/1-1")).doesNotExist();
        return keptStep();
    }

    private ClaimGrant.Resume committed() {
        CheckpointCommit last = platform.attempt(1, 1).checkpoints.getLast();
        return new ClaimGrant.Resume(last.step(), last.trainSeconds(), last.files());
    }

    @Test
    void aRestartedRunnerGoesOnFromTheCheckpointThatOnlyItsDiskHas() throws Exception {
        long step = dieWithAKeptCheckpoint();
        ClaimGrant.Resume committed = committed();
        platform.takeAway(1, 1);
        endOutage();
        int before = engine.stepsRun.get();
        enqueue(1, 2, spec(3_000, 1), committed);
        startRunner();
        FakePlatform.Attempt second = finished(1, 2);
        assertThat(engine.stepsRun.get() - before)
                .as("steps trained again")
                .isEqualTo(3_000 - (int) step)
                .isLessThan(3_000 - (int) committed.step());
        assertUndisturbed(second, committed.step(), 3_000);
        assertThat(second.series.get("eval/loss").firstKey())
                .as("what was measured between the two checkpoints is told by the new attempt")
                .isEqualTo(committed.step() / 25 * 25 + 25);
        assertThat(second.log).anyMatch(l -> l.contains("goes on from the checkpoint at step " + step));
        await("nothing is kept any more", () -> !Files.exists(kept(1)));
    }

    @Test
    void whatWasCommittedMeanwhileIsWorthMoreThanWhatWasKept() throws Exception {
        dieWithAKeptCheckpoint();
        ClaimGrant.Resume before = committed();
        platform.takeAway(1, 1);
        endOutage();
        // another runner's attempt has committed a checkpoint of its own
        byte[] state = (before.step() + 1 + " " + FakeEngine.stateAfter(before.step() + 1, 1)).getBytes();
        platform.artifacts.put(FakePlatform.sha(state), state);
        ClaimGrant.Resume theirs = new ClaimGrant.Resume(
                before.step() + 1,
                1,
                List.of(new dev.isoflop.protocol.job.FileRef("state.txt", FakePlatform.sha(state), state.length)));
        enqueue(1, 3, spec(3_000, 1), theirs);
        startRunner();
        assertUndisturbed(finished(1, 3), theirs.step(), 3_000);
    }

    @Test
    void aKeptCheckpointOfAnotherRunOfThatNumberIsNotUsed() throws Exception {
        dieWithAKeptCheckpoint();
        ClaimGrant.Resume committed = committed();
        platform.takeAway(1, 1);
        endOutage();
        enqueue(1, 2, spec(2_999, 1), committed); // as after the database was made anew
        startRunner();
        assertUndisturbed(finished(1, 2), committed.step(), 2_999);
        assertThat(platform.attempt(1, 2).log).noneMatch(l -> l.contains("kept"));
    }

    @Test
    void aDamagedKeptCheckpointIsNotUsed() throws Exception {
        long step = dieWithAKeptCheckpoint();
        Files.writeString(kept(1).resolve("step-" + step).resolve("state.txt"), step + " 0.5");
        ClaimGrant.Resume committed = committed();
        platform.takeAway(1, 1);
        endOutage();
        enqueue(1, 2, spec(3_000, 1), committed);
        startRunner();
        assertUndisturbed(finished(1, 2), committed.step(), 3_000);
    }

    @Test
    void aFullSpoolPausesTheWorkAndLosesNothing() throws Exception {
        endurance = new Endurance(Duration.ofHours(2), 300_000, 0, Duration.ofDays(7), StallWatch.Settings.STANDARD);
        engine.stepMillis = 0;
        enqueue(1, 1, spec(40_000, 0), null);
        platform.chaos = path -> path.endsWith("/metrics") ? Fault.UNAVAILABLE : Fault.NONE;
        startRunner();
        await("training", () -> engine.stepsRun.get() > 1_000);
        Thread.sleep(1_000);
        int paused = engine.stepsRun.get();
        Thread.sleep(500);
        assertThat(engine.stepsRun.get()).isEqualTo(paused).isLessThan(40_000);
        endOutage();
        assertUndisturbed(finished(1, 1), 0, 40_000);
    }
}
