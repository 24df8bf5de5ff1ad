package dev.isoflop.platform.orchestration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.isoflop.db.scheduling.LedgerStore;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.protocol.error.ErrorCode;
import dev.isoflop.protocol.runner.ClaimGrant;
import dev.isoflop.protocol.runner.ClaimGrant.Assignment;
import dev.isoflop.protocol.runner.ClaimRequest;
import dev.isoflop.protocol.runner.FinishAttempt.Category;
import dev.isoflop.protocol.runner.FinishAttempt.Outcome;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What is charged to whom, what budgets allow, and what the ledger says of it. */
class BudgetTests extends SchedulingScene {

    @Test
    void deviceTimeIsDividedAmongWhatARunnerHolds() {
        long sweep = on.sweep();
        List<Long> runs = pretrain(sweep, 0, 2);
        Host host = host(4, 2);
        List<Assignment> two = host.claim(2);
        two.forEach(a -> on.api.start(a.runId(), a.attempt()));
        two.forEach(a -> on.age(a.runId(), 100));
        host.heartbeat(10, two);
        // two devices, shared by two: each has one
        assertThat(deviceSeconds(runs.getFirst())).isCloseTo(100, within(2.0));
        finish(two.get(0), 100);
        on.age(two.get(1).runId(), 50);
        finish(two.get(1), 100);
        assertThat(attempt(two.get(1), "device_seconds", Double.class))
                .as("alone with both devices at the end")
                .isCloseTo(200, within(4.0));
        scheduler.look();
        scheduler.look();
        assertThat(usage.spent(experiment(sweep)).gpuHours()).isCloseTo(300 / 3600.0, within(0.01));
        assertThat(usage.spent(experiment(sweep)).flops()).isEqualTo(2e12);
    }

    @Test
    void whatALostAttemptExecutedIsKeptAndTheRunGoesBackToItsCheckpoint() {
        long sweep = on.sweep();
        long run = queue(sweep, "pretrain", 0, 0, 0, 1e12, 100);
        Host host = host(1, 0);
        Assignment first = host.claimAndStart();
        on.api.commitCheckpoint(run, 1, Orchestra.checkpoint(40, on.store("w", "of " + run)));
        host.heartbeat(70, List.of(first));
        on.age(run, 120);
        on.reap();
        on.skipBackoff(run);
        assertThat(attempt(first, "last_step", Long.class)).isEqualTo(70);
        assertThat(attempt(first, "flops", Double.class)).isCloseTo(0.7e12, within(1e3));
        assertThat(attempt(first, "device_seconds", Double.class))
                .as("the silence is not charged")
                .isLessThan(60);
        Assignment second = host.claimAndStart();
        assertThat(on.jdbc
                        .sql("select step from run where id = ?")
                        .param(run)
                        .query(Long.class)
                        .single())
                .isEqualTo(40);
        finish(second, 100);
        assertThat(attempt(second, "flops", Double.class)).isCloseTo(0.6e12, within(1e3));
    }

    @Test
    void aSubmissionHasToFitIntoTheBudgetWithAllThatIsPlannedAndWasExecuted() {
        long sweep = on.sweep();
        budget(sweep, 3e12, null);
        pretrain(sweep, 0, 2);
        admit(sweep, 1e12);
        assertThatThrownBy(() -> admit(sweep, 1.1e12)).isInstanceOfSatisfying(ProblemException.class, e -> {
            assertThat(e.code()).isEqualTo(ErrorCode.BUDGET_EXCEEDED);
            assertThat(e).hasMessageContaining("1.00e+12 left of its 3.00e+12");
        });
    }

    @Test
    void workThatWasLostIsNotDoneAgainWithoutTheBudgetForIt() {
        long sweep = on.sweep();
        List<Long> runs = pretrain(sweep, 0, 2);
        budget(sweep, 2.5e12, null);
        Host host = host(4, 0);
        List<Assignment> both = host.claim(2);
        both.forEach(a -> on.api.start(a.runId(), a.attempt()));
        host.heartbeat(60, both);
        both.forEach(a -> on.api.finish(a.runId(), a.attempt(), Orchestra.failed(Category.USER)));
        runs.forEach(on::skipBackoff);
        // 1.2e12 are gone; of the two that are to be done again the budget pays for one
        assertThat(host.claim(2)).extracting(Assignment::runId).containsExactly(runs.getFirst());
        assertThat(host.claim(2)).isEmpty();
        budget(sweep, 3.2e12, null);
        assertThat(host.claim(2)).extracting(Assignment::runId).containsExactly(runs.get(1));
    }

    @Test
    void concurrentClaimsDoNotSpendTheSameFlopsTwice() throws Exception {
        long sweep = on.sweep();
        pretrain(sweep, 0, 16);
        budget(sweep, 5e12, null);
        int granted = 0;
        try (var threads = Executors.newFixedThreadPool(8)) {
            List<Callable<Integer>> work = IntStream.range(0, 8)
                    .<Callable<Integer>>mapToObj(i -> () -> host(4, 0).claim(2).size())
                    .toList();
            for (var done : threads.invokeAll(work)) {
                granted += done.get();
            }
        }
        assertThat(granted).isEqualTo(5);
    }

    @Test
    void claimsOfOneGroupGetDifferentRunsAndKeepTheBudgetTogether() {
        long sweep = on.sweep();
        List<Long> runs = pretrain(sweep, 0, 6);
        budget(sweep, 3e12, null);
        Host first = host(4, 0);
        Host second = host(4, 0);
        Claims claims = on.context.getBean(Claims.class);
        List<Claims.Asked> asked = Stream.of(first.id, second.id, Long.MAX_VALUE)
                .map(id -> new Claims.Asked(id, "key of " + id, new ClaimRequest(2, 64 * GIB, List.of("pretrain"))))
                .toList();
        Map<Long, ClaimGrant> grants = claims.claim(asked);
        assertThat(grants).as("nobody knows the third").containsOnlyKeys(first.id, second.id);
        assertThat(grants.get(first.id).assignments())
                .extracting(Assignment::runId)
                .containsExactlyElementsOf(runs.subList(0, 2));
        assertThat(grants.get(second.id).assignments())
                .extracting(Assignment::runId)
                .containsExactly(runs.get(2));
        assertThat(claims.claim(asked)).as("asked again with the same keys").isEqualTo(grants);
        assertThat(first.claim(2)).as("the budget is held by what runs").isEmpty();
    }

    @Test
    void nothingStartsOnceTheGpuHoursAreUsedAndOtherExperimentsGoOn() {
        long spent = on.sweep();
        long other = on.sweep();
        budget(spent, null, 0.5);
        Host host = host(4, 1);
        pretrain(spent, 0, 3);
        spend(host, spent, 1900);
        assertThat(host.claim(2)).isEmpty();
        assertThatThrownBy(() -> admit(spent, 0)).hasMessageContaining("GPU-hours");
        List<Long> others = pretrain(other, 0, 1);
        assertThat(host.claim(2)).extracting(Assignment::runId).containsExactlyElementsOf(others);
    }

    @Test
    void gpuHoursOfWhatIsToBeExecutedAreExpectedFromWhatAFlopHasTaken() {
        long sweep = on.sweep();
        Host host = host(4, 1);
        queue(sweep, "pretrain", 9, 0, 0, 1e12, 100);
        Assignment measured = host.claimAndStart();
        on.age(measured.runId(), 1800);
        finish(measured, 100);
        // half an hour for 1e12, so of 2.1 hours 1.6 are left, which do for three of these
        budget(sweep, null, 2.1);
        scheduler.look();
        admit(sweep, 2.9e12);
        assertThatThrownBy(() -> admit(sweep, 3.4e12)).isInstanceOfSatisfying(ProblemException.class, e -> {
            assertThat(e.code()).isEqualTo(ErrorCode.BUDGET_EXCEEDED);
            assertThat(e).hasMessageContaining("about 1.70 GPU-hours at the 0.000556 TFLOP/s");
        });
        List<Long> runs = pretrain(sweep, 0, 4);
        assertThatThrownBy(() -> admit(sweep, 0)).as("four are planned").hasMessageContaining("GPU-hours");
        List<Assignment> granted = host.claim(4);
        assertThat(granted).extracting(Assignment::runId).containsExactlyElementsOf(runs.subList(0, 3));
        granted.forEach(a -> on.api.start(a.runId(), a.attempt()));
        String waits =
                on.inTransaction(() -> budgets.refusal(experiment(sweep), 1e12).orElseThrow());
        assertThat(waits).contains("It would take about 0.500 GPU-hours", "of 2.10 GPU-hours");
        budget(sweep, null, 2.7);
        assertThat(host.claim(1)).extracting(Assignment::runId).containsExactly(runs.get(3));
    }

    @Test
    void timeOfCommandsSaysNothingOfWhatAFlopTakes() {
        long sweep = on.sweep();
        Host host = host(4, 1);
        spend(host, sweep, 1800);
        budget(sweep, null, 1.0);
        admit(sweep, 1e20);
        List<Long> runs = pretrain(sweep, 0, 2);
        assertThat(host.claim(2)).extracting(Assignment::runId).containsExactlyElementsOf(runs);
    }

    @Test
    void theLedgerSaysWhereEveryFlopWent() {
        long sweep = on.sweep();
        Host host = host(8, 0);
        long good = queue(sweep, "pretrain", 9, 0, 0, 1e12, 100);
        Assignment first = host.claimAndStart();
        on.api.commitCheckpoint(good, 1, Orchestra.checkpoint(40, on.store("w", "of " + good)));
        host.heartbeat(70, List.of(first));
        on.age(good, 120);
        on.reap();
        on.skipBackoff(good);
        finish(host.claimAndStart(), 100);

        long bad = queue(sweep, "pretrain", 8, 0, 0, 1e12, 100);
        Assignment failing = host.claimAndStart();
        host.heartbeat(30, List.of(failing));
        on.api.finish(bad, 1, Orchestra.failed(Category.INVALID_INPUT));

        long cancelled = queue(sweep, "pretrain", 7, 0, 0, 1e12, 100);
        Assignment unwanted = host.claimAndStart();
        host.heartbeat(20, List.of(unwanted));
        on.cancelRuns.cancel(cancelled, null);
        on.api.finish(cancelled, 1, Orchestra.ended(Outcome.CANCELLED));

        queue(sweep, "pretrain", 6, 0, 0, 1e12, 100);
        Assignment running = host.claimAndStart();
        host.heartbeat(50, List.of(running));
        long again = queue(sweep, "pretrain", 5, 0, 0, 1e12, 100);
        Assignment preempted = host.claimAndStart();
        host.heartbeat(10, List.of(preempted));
        on.api.finish(again, 1, Orchestra.ended(Outcome.PREEMPTED));

        var line =
                on.context.getBean(LedgerStore.class).lines(experiment(sweep)).getFirst();
        assertThat(line.planned()).isEqualTo(5e12);
        assertThat(line.executed()).isCloseTo(1.3e12 + 0.3e12 + 0.2e12 + 0.5e12 + 0.1e12, within(1e6));
        assertThat(line.achieved()).isCloseTo(1e12 + 0.5e12, within(1e6));
        assertThat(line.lost()).isCloseTo(0.3e12, within(1e6));
        assertThat(line.preempted()).isCloseTo(0.1e12, within(1e6));
        assertThat(line.failed()).isCloseTo(0, within(1e6));
        assertThat(line.abandonedFailed()).isCloseTo(0.3e12, within(1e6));
        assertThat(line.abandonedCancelled()).isCloseTo(0.2e12, within(1e6));
        assertThat(line.remaining()).isCloseTo(0.5e12 + 1e12, within(1e6));
        assertThat(line.attempts()).isEqualTo(6);
        assertThat(line.achieved()
                        + line.lost()
                        + line.preempted()
                        + line.failed()
                        + line.abandonedFailed()
                        + line.abandonedCancelled())
                .isCloseTo(line.executed(), within(1e6));
        scheduler.look();
        double heldBack = usage.spent(experiment(sweep)).flops();
        assertThat(heldBack + 0.5e12)
                .as("the sums that budgets are held against agree")
                .isCloseTo(line.executed(), within(1e6));
    }
}
