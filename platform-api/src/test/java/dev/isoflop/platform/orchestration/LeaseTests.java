package dev.isoflop.platform.orchestration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.isoflop.db.run.NewRun;
import dev.isoflop.db.run.RunTransitioned;
import dev.isoflop.db.testing.DatabaseTest;
import dev.isoflop.protocol.api.RunState;
import dev.isoflop.protocol.error.ErrorCode;
import dev.isoflop.protocol.runner.ClaimGrant.Assignment;
import dev.isoflop.protocol.runner.Directives.Directive;
import dev.isoflop.protocol.runner.Directives.Intent;
import dev.isoflop.protocol.runner.FinishAttempt.Category;
import dev.isoflop.protocol.runner.FinishAttempt.Outcome;
import dev.isoflop.protocol.runner.Heartbeat;
import dev.isoflop.protocol.runner.RegisterRunner;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

@DatabaseTest
class LeaseTests {

    private final Orchestra on = Orchestra.get();
    private final String pool = Orchestra.newPool();

    // --- silence

    @Test
    void silenceMakesARunSuspectAndAHeartbeatBringsItBack() {
        long started = on.run(pool);
        long granted = on.run(pool);
        Orchestra.Worker worker = on.worker(pool);
        List<Assignment> held = worker.claim(2);
        on.api.start(started, 1);
        on.age(started, 21);
        on.age(granted, 21);
        on.reap();
        assertThat(on.state(started)).isEqualTo(RunState.SUSPECT);
        assertThat(on.state(granted)).isEqualTo(RunState.SUSPECT);
        worker.heartbeat(held.toArray(Assignment[]::new));
        assertThat(on.state(started)).isEqualTo(RunState.RUNNING);
        assertThat(on.state(granted)).isEqualTo(RunState.ASSIGNED);
        on.reap();
        assertThat(on.history(started)).containsExactly("queued", "assigned", "running", "suspect", "running");
    }

    @Test
    void heartbeatsThatComeTogetherAreAnsweredEachForItself() throws Exception {
        int runners = 40;
        List<Callable<List<Long>>> beats = new ArrayList<>();
        List<List<Long>> expected = new ArrayList<>();
        for (int i = 0; i < runners; i++) {
            on.run(pool);
            Orchestra.Worker worker = on.worker(pool);
            Assignment held = worker.claimAndStart();
            // one that was replaced has to stop all, one that has reported nothing hears of what it holds all the same
            boolean replaced = i % 10 == 3;
            if (replaced) {
                on.api.register(on.registration(worker.name, "another", pool));
            }
            int step = 100 + i;
            boolean silent = i % 10 == 4;
            for (int again = 0; again < 3; again++) {
                beats.add(() -> (silent ? worker.heartbeat() : worker.heartbeat(step, held))
                        .desired().stream().map(Directive::runId).toList());
                expected.add(replaced ? List.of() : List.of(held.runId()));
            }
        }
        beats.add(() -> {
            assertThatThrownBy(() -> on.api.heartbeat(Long.MAX_VALUE, new Heartbeat("nobody", 1, List.of(), List.of())))
                    .hasMessageContaining("There is no runner");
            return List.of();
        });
        expected.add(List.of());

        List<List<Long>> told = new ArrayList<>();
        try (ExecutorService threads = Executors.newFixedThreadPool(beats.size())) {
            for (Future<List<Long>> answer : threads.invokeAll(beats)) {
                told.add(answer.get());
            }
        }

        assertThat(told).isEqualTo(expected);
        for (int i = 0; i < runners; i++) {
            if (!expected.get(3 * i).isEmpty()) {
                long run = expected.get(3 * i).getFirst();
                assertThat(on.jdbc
                                .sql("select step from lease where run_id = ?")
                                .param(run)
                                .query(Long.class)
                                .single())
                        .isEqualTo(i % 10 == 4 ? 0 : 100 + i);
            }
        }
    }

    @Test
    void suspectRunMayStillFinish() {
        long run = on.run(pool);
        on.worker(pool).claimAndStart();
        on.age(run, 30);
        on.reap();
        on.api.finish(run, 1, Orchestra.succeeded());
        assertThat(on.state(run)).isEqualTo(RunState.SUCCEEDED);
    }

    @Test
    void leaseOfASilentRunnerIsLostAfterItsTime() {
        long run = on.run(pool);
        Orchestra.Worker worker = on.worker(pool);
        Assignment a = worker.claimAndStart();
        on.age(run, 61);
        on.reap();
        assertThat(on.look(run)).satisfies(r -> {
            assertThat(r.state()).isEqualTo(RunState.QUEUED);
            assertThat(r.notBefore()).isAfter(on.inTransaction(on.runs::now).plusSeconds(1));
        });
        assertThat(on.history(run)).containsExactly("queued", "assigned", "running", "suspect", "queued");
        assertThat(worker.heartbeat(a).desired()).isEmpty(); // thawed: told to stop it
        assertThat(on.state(run)).isEqualTo(RunState.QUEUED);
    }

    @Test
    void reaperJudgesNobodyBeforeItHasListenedForALease() {
        long run = on.run(pool);
        on.worker(pool).claimAndStart();
        on.age(run, 1_000);
        LeaseReaper reaper = on.newReaper();
        long start = System.nanoTime();
        reaper.look(start);
        reaper.look(start + on.settings.ttl().toNanos() - 1);
        assertThat(on.state(run)).isEqualTo(RunState.RUNNING);
        reaper.look(start + on.settings.ttl().toNanos());
        assertThat(on.state(run)).isEqualTo(RunState.QUEUED);
    }

    @Test
    void platformThatWasAwayListensForALeaseAgain() {
        Watchfulness watch = new Watchfulness(Duration.ofSeconds(60), Duration.ofSeconds(22));
        long second = Duration.ofSeconds(1).toNanos();
        for (int s = 0; s < 60; s += 20) {
            assertThat(watch.look(s * second)).isFalse();
        }
        assertThat(watch.look(60 * second)).isTrue();
        assertThat(watch.look(82 * second)).isTrue();
        assertThat(watch.look(105 * second)).isFalse(); // frozen for 23 s
        assertThat(watch.look(125 * second)).isFalse();
        assertThat(watch.look(145 * second)).isFalse();
        assertThat(watch.look(165 * second)).isTrue();
    }

    @Test
    void leaseNotReportedIsAnsweredButNotRenewed() {
        long run = on.run(pool);
        Orchestra.Worker worker = on.worker(pool);
        worker.claimOne();
        on.age(run, 61);
        assertThat(worker.heartbeat().desired()).containsExactly(new Directive(run, 1, Intent.RUN, 0));
        on.reap();
        assertThat(on.state(run)).isEqualTo(RunState.QUEUED);
    }

    @Test
    void heartbeatNotesProgressWithoutRaisingTheVersion() {
        long run = on.run(pool);
        Orchestra.Worker worker = on.worker(pool);
        Assignment a = worker.claimAndStart();
        long version = on.look(run).version();
        worker.heartbeat(42, a);
        assertThat(on.look(run).step()).isEqualTo(42);
        assertThat(on.look(run).version()).isEqualTo(version);
        // Reports of attempts that are not the runner's renew and note nothing.
        Orchestra.Worker other = on.worker(pool);
        on.age(run, 61);
        other.heartbeat(99, a);
        assertThat(on.look(run).step()).isEqualTo(42);
        on.reap();
        assertThat(on.state(run)).isEqualTo(RunState.QUEUED);
    }

    // --- registration

    @Test
    void restartedRunnerLosesItsRunsAtOnceAndARepeatedRegistrationDoesNot() {
        long run = on.run(pool);
        Orchestra.Worker worker = on.worker(pool);
        Assignment a = worker.claimAndStart();
        RegisterRunner same = on.registration(worker.name, worker.instance, pool);
        assertThat(on.api.register(same).runnerId()).isEqualTo(worker.id);
        assertThat(on.state(run)).isEqualTo(RunState.RUNNING);

        RegisterRunner restarted = on.registration(worker.name, "another process", pool);
        assertThat(on.api.register(restarted).runnerId()).isEqualTo(worker.id);
        assertThat(on.state(run)).isEqualTo(RunState.QUEUED);
        assertThat(on.look(run).retriesLeft(dev.isoflop.db.run.RetryBudget.INFRASTRUCTURE))
                .isEqualTo(9);
        on.skipBackoff(run);
        Assignment again = new Assignment(run, 2, a.name(), a.job(), null);
        assertThat(worker.claimOne().attempt()).isEqualTo(2);
        // The old process, if it lives, is told to stop everything and renews nothing.
        on.age(run, 61);
        assertThat(worker.heartbeat(a, again).desired()).isEmpty();
        on.reap();
        assertThat(on.state(run)).isEqualTo(RunState.QUEUED);
    }

    @Test
    void unknownRunnersAreToldToRegister() {
        FenceTests.assertCode(ErrorCode.NOT_FOUND, () -> on.new Worker(1L << 40, "x", "y", pool).heartbeat());
        FenceTests.assertCode(ErrorCode.NOT_FOUND, () -> on.new Worker(1L << 40, "x", "y", pool).claim(1));
        FenceTests.assertCode(ErrorCode.INVALID_REQUEST, () -> on.api.register(on.registration(" ", "i", pool)));
    }

    // --- budgets

    @Test
    void failuresAreRetriedExactlyAsOftenAsTheirBudgetSays() {
        assertAttempts(
                new NewRun.Retries(2, 0, 0),
                3,
                a -> on.api.finish(a.runId(), a.attempt(), Orchestra.failed(Category.USER)));
    }

    @Test
    void infrastructureFailuresAreRetriedExactlyAsOftenAsTheirBudgetSays() {
        assertAttempts(
                new NewRun.Retries(0, 0, 3),
                4,
                a -> on.api.finish(a.runId(), a.attempt(), Orchestra.failed(Category.INFRASTRUCTURE)));
    }

    @Test
    void lostLeasesAreRetriedExactlyAsOftenAsTheirBudgetSays() {
        assertAttempts(new NewRun.Retries(0, 0, 2), 3, a -> {
            on.age(a.runId(), 61);
            on.reap();
        });
    }

    @Test
    void preemptionsAreRetriedExactlyAsOftenAsTheirBudgetSays() {
        long run = assertAttempts(
                new NewRun.Retries(0, 2, 0),
                3,
                a -> on.api.finish(a.runId(), a.attempt(), Orchestra.ended(Outcome.PREEMPTED)));
        assertThat(on.history(run)).contains("preempted").endsWith("running", "failed");
    }

    @Test
    void anInputThatCannotSucceedIsNotTriedAgain() {
        long run = assertAttempts(
                new NewRun.Retries(5, 5, 5),
                1,
                a -> on.api.finish(a.runId(), a.attempt(), Orchestra.failed(Category.INVALID_INPUT)));
        assertThat(on.history(run)).endsWith("running", "failed");
    }

    @Test
    void whatDoesNotFitIsNotTriedAgain() {
        assertAttempts(
                new NewRun.Retries(5, 5, 5),
                1,
                a -> on.api.finish(a.runId(), a.attempt(), Orchestra.failed(Category.OUT_OF_MEMORY)));
    }

    /** Ends attempt after attempt the same way and counts how many there are before the run fails. */
    private long assertAttempts(NewRun.Retries retries, int expected, java.util.function.Consumer<Assignment> end) {
        long run = on.run(pool, null, 0, null, 0, retries);
        Orchestra.Worker worker = on.worker(pool);
        for (int attempt = 1; attempt <= expected; attempt++) {
            on.skipBackoff(run);
            Assignment a = worker.claimAndStart();
            assertThat(a.attempt()).isEqualTo(attempt);
            end.accept(a);
            assertThat(on.state(run)).isEqualTo(attempt < expected ? RunState.QUEUED : RunState.FAILED);
        }
        assertThat(on.look(run).failure()).isNotNull();
        return run;
    }

    @Test
    void attemptThatNeverBeganIsFree() {
        long run = on.run(pool, null, 0, null, 0, new NewRun.Retries(0, 0, 0));
        Orchestra.Worker worker = on.worker(pool);
        for (int i = 0; i < 3; i++) {
            worker.claimOne();
            on.age(run, 61);
            on.reap();
            assertThat(on.state(run)).isEqualTo(RunState.QUEUED);
        }
        Assignment given = worker.claimOne();
        on.api.finish(run, given.attempt(), Orchestra.ended(Outcome.PREEMPTED));
        assertThat(on.state(run)).isEqualTo(RunState.QUEUED);
    }

    @Test
    void backoffDoublesUpToItsLimitWithJitter() {
        LeaseSettings s = new LeaseSettings(
                Duration.ofSeconds(1),
                Duration.ofSeconds(2),
                Duration.ofSeconds(3),
                Duration.ofSeconds(1),
                Duration.ofSeconds(4),
                Duration.ofSeconds(30));
        assertThat(Verdicts.backoff(s, 1, 0.5)).isEqualTo(Duration.ofSeconds(4));
        assertThat(Verdicts.backoff(s, 3, 0.5)).isEqualTo(Duration.ofSeconds(16));
        assertThat(Verdicts.backoff(s, 1, 0)).isEqualTo(Duration.ofSeconds(2));
        assertThat(Verdicts.backoff(s, 500, 0.5)).isEqualTo(Duration.ofSeconds(30));
        assertThatThrownBy(() -> new LeaseSettings(
                        Duration.ofSeconds(3),
                        Duration.ofSeconds(2),
                        Duration.ofSeconds(60),
                        Duration.ofSeconds(1),
                        Duration.ofSeconds(4),
                        Duration.ofSeconds(30)))
                .hasMessageContaining("heartbeat");
    }

    // --- cancellation

    @Test
    void queuedRunIsCancelledAtOnce() {
        long run = on.run(pool);
        on.cancelRuns.cancel(run, on.look(run).version());
        assertThat(on.state(run)).isEqualTo(RunState.CANCELLED);
        assertThat(on.worker(pool).claim(1)).isEmpty();
        on.cancelRuns.cancel(run, null); // again, without effect
        assertThat(on.history(run)).containsExactly("queued", "cancelled");
    }

    @Test
    void runningRunIsKilledByTheNextHeartbeatAndEndsWhenItsRunnerSaysSo() {
        long run = on.run(pool);
        Orchestra.Worker worker = on.worker(pool);
        Assignment a = worker.claimAndStart();
        on.cancelRuns.cancel(run, null);
        on.cancelRuns.cancel(run, null);
        assertThat(on.state(run)).isEqualTo(RunState.RUNNING);
        assertThat(worker.heartbeat(a).desired()).containsExactly(new Directive(run, 1, Intent.KILL, 0));
        on.api.finish(run, 1, Orchestra.ended(Outcome.CANCELLED));
        assertThat(on.state(run)).isEqualTo(RunState.CANCELLED);
        assertThat(worker.heartbeat().desired()).isEmpty();
    }

    @Test
    void cancelledRunEndsWithItsLeaseWhenTheRunnerIsGone() {
        long assigned = on.run(pool);
        long suspect = on.run(pool);
        Orchestra.Worker worker = on.worker(pool);
        worker.claim(2);
        on.api.start(suspect, 1);
        on.age(suspect, 21);
        on.reap();
        on.cancelRuns.cancel(assigned, null);
        on.cancelRuns.cancel(suspect, null);
        assertThat(on.state(suspect)).isEqualTo(RunState.SUSPECT);
        on.age(assigned, 61);
        on.age(suspect, 61);
        on.reap();
        assertThat(on.state(assigned)).isEqualTo(RunState.CANCELLED);
        assertThat(on.state(suspect)).isEqualTo(RunState.CANCELLED);
    }

    @Test
    void endThatCrossesACancellationStandsUnlessItWouldBeRetried() {
        long done = on.run(pool);
        long broken = on.run(pool);
        long given = on.run(pool);
        Orchestra.Worker worker = on.worker(pool);
        worker.claim(3).forEach(a -> on.api.start(a.runId(), a.attempt()));
        List.of(done, broken, given).forEach(id -> on.cancelRuns.cancel(id, null));
        on.api.finish(done, 1, Orchestra.succeeded());
        on.api.finish(broken, 1, Orchestra.failed(Category.INFRASTRUCTURE));
        on.api.finish(given, 1, Orchestra.ended(Outcome.PREEMPTED));
        assertThat(on.state(done)).isEqualTo(RunState.SUCCEEDED);
        assertThat(on.state(broken)).isEqualTo(RunState.CANCELLED);
        assertThat(on.state(given)).isEqualTo(RunState.CANCELLED);
    }

    @Test
    void endedRunCannotBeCancelledNorOneThatChangedMeanwhile() {
        long run = on.run(pool);
        long seen = on.look(run).version();
        on.worker(pool).claimAndStart();
        FenceTests.assertCode(ErrorCode.ETAG_MISMATCH, () -> on.cancelRuns.cancel(run, seen));
        on.api.finish(run, 1, Orchestra.succeeded());
        FenceTests.assertCode(ErrorCode.ILLEGAL_TRANSITION, () -> on.cancelRuns.cancel(run, null));
        FenceTests.assertCode(ErrorCode.NOT_FOUND, () -> on.cancelRuns.cancel(1L << 40, null));
    }

    @Test
    void cancelledSweepRevivesNothing() {
        long sweep = on.sweep();
        NewRun.Retries plenty = new NewRun.Retries(5, 5, 5);
        List<Long> ids = java.util.stream.IntStream.range(0, 4)
                .mapToObj(i -> on.run(pool, sweep, 0, null, 0, plenty))
                .toList();
        Orchestra.Worker worker = on.worker(pool);
        worker.claim(3).forEach(a -> on.api.start(a.runId(), a.attempt()));
        // Only marked: as it is for the moment between the mark and the cancellation of the runs.
        on.markSweepCancelled(sweep);
        on.api.finish(ids.get(0), 1, Orchestra.failed(Category.USER));
        on.api.finish(ids.get(1), 1, Orchestra.ended(Outcome.PREEMPTED));
        on.age(ids.get(2), 61);
        on.reap();
        assertThat(ids.subList(0, 3)).allSatisfy(id -> assertThat(on.state(id)).isEqualTo(RunState.CANCELLED));
        assertThat(on.cancelRuns.cancelSweep(sweep)).isEqualTo(1);
        assertThat(on.state(ids.get(3))).isEqualTo(RunState.CANCELLED);
    }

    @Test
    void checkpointAndStopCarriesItsDeadlineAndThenKills() {
        long run = on.run(pool);
        Orchestra.Worker worker = on.worker(pool);
        Assignment a = worker.claimAndStart();
        on.jdbc
                .sql("update run set stop_intent = 'checkpoint', stop_deadline = now() + interval '30 s' where id = ?")
                .param(run)
                .update();
        assertThat(worker.heartbeat(a).desired()).singleElement().satisfies(d -> {
            assertThat(d.intent()).isEqualTo(Intent.CHECKPOINT_AND_STOP);
            assertThat(d.deadlineSeconds()).isBetween(25, 30);
        });
        on.jdbc
                .sql("update run set stop_deadline = now() where id = ?")
                .param(run)
                .update();
        assertThat(worker.heartbeat(a).desired()).extracting(Directive::intent).containsExactly(Intent.KILL);
        on.api.finish(run, 1, Orchestra.ended(Outcome.CANCELLED));
        assertThat(on.history(run)).endsWith("running", "preempted", "queued");
        assertThat(on.look(run).stopIntent()).isNull();
    }

    // --- events

    @Test
    void listenersHearEveryCommittedTransitionInOrderAndNothingRolledBack() throws Exception {
        long run = on.run(pool);
        on.worker(pool).claimAndStart();
        on.transactions.executeWithoutResult(status -> {
            on.cancelRuns.cancel(on.runs.create(newRun("rolled back")), null);
            status.setRollbackOnly();
        });
        on.api.finish(run, 1, Orchestra.succeeded());
        for (int i = 0; i < 100 && heard(run).size() < 4; i++) {
            Thread.sleep(20);
        }
        assertThat(heard(run))
                .extracting(RunTransitioned::to)
                .containsExactly(RunState.QUEUED, RunState.ASSIGNED, RunState.RUNNING, RunState.SUCCEEDED);
        assertThat(heard(run)).extracting(RunTransitioned::eventId).isSorted();
        assertThat(on.heard.events)
                .extracting(RunTransitioned::runId)
                .allSatisfy(id -> assertThat(on.repository.existsById(id)).isTrue());
    }

    private List<RunTransitioned> heard(long run) {
        return on.heard.events.stream().filter(e -> e.runId() == run).toList();
    }

    private NewRun newRun(String name) {
        return new NewRun(
                null,
                name + UUID.randomUUID(),
                "data",
                "{}",
                pool,
                0,
                null,
                0,
                NewRun.Size.NONE,
                null,
                null,
                null,
                NewRun.Retries.DEFAULT);
    }
}
