package dev.isoflop.platform.orchestration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.db.run.NewRun;
import dev.isoflop.db.run.RetryBudget;
import dev.isoflop.protocol.api.RunState;
import dev.isoflop.protocol.error.ErrorCode;
import dev.isoflop.protocol.runner.ClaimGrant.Assignment;
import dev.isoflop.protocol.runner.FinishAttempt.Category;
import dev.isoflop.protocol.runner.FinishAttempt.Outcome;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/** Complaints of the users of other systems that are about who does what, each shown not to be one here. */
class ComplaintTests {

    private final Orchestra on = Orchestra.get();
    private final String pool = Orchestra.newPool();

    /** Work "runs" for hours on a worker that is dead, and a worker that comes back wipes out what was known of failures. */
    @Test
    void complaint2workOfADeadRunnerMovesOnAfterALeaseAndItsLossesStayCounted() {
        long run = on.run(pool, null, 0, null, 0, new NewRun.Retries(2, 100, 1));
        Orchestra.Worker worker = on.worker(pool);
        worker.claimAndStart();
        on.age(run, 61);
        on.reap();
        assertThat(on.state(run)).as("one lease after it fell silent").isEqualTo(RunState.QUEUED);
        assertThat(on.look(run).retriesLeft(RetryBudget.INFRASTRUCTURE)).isZero();
        on.api.register(on.registration(worker.name, UUID.randomUUID().toString(), pool));
        assertThat(on.look(run).retriesLeft(RetryBudget.INFRASTRUCTURE))
                .as("its runner is back")
                .isZero();
        on.skipBackoff(run);
        on.worker(pool).claimAndStart();
        on.age(run, 61);
        on.reap();
        assertThat(on.state(run)).isEqualTo(RunState.FAILED);
        assertThat(Objects.requireNonNull(on.look(run).failure()).code()).isEqualTo("runner-lost");
    }

    /** Recovery after a crash brings back work that had ended. */
    @Test
    void complaint3whatHasEndedIsBroughtBackByNoRecovery() {
        List<Long> ended = on.runs(pool, 3);
        Orchestra.Worker worker = on.worker(pool);
        List<Assignment> held = worker.claim(3);
        held.forEach(a -> on.api.start(a.runId(), a.attempt()));
        on.api.finish(ended.get(0), 1, Orchestra.succeeded());
        on.api.finish(ended.get(1), 1, Orchestra.failed(Category.INVALID_INPUT));
        on.cancelRuns.cancel(ended.get(2), on.look(ended.get(2)).version());
        on.api.finish(ended.get(2), 1, Orchestra.ended(Outcome.CANCELLED));
        Map<Long, List<String>> before = histories(ended);
        assertThat(before.values()).extracting(List::getLast).containsExactly("succeeded", "failed", "cancelled");
        // A runner that froze says it still holds them, dies, comes back as another process; the platform restarts and
        // looks around.
        assertThat(worker.heartbeat(held.toArray(Assignment[]::new)).desired()).isEmpty();
        on.api.register(on.registration(worker.name, UUID.randomUUID().toString(), pool));
        on.reap();
        for (Assignment a : held) {
            FenceTests.assertCode(ErrorCode.STALE_ATTEMPT, () -> on.api.start(a.runId(), a.attempt()));
            FenceTests.assertCode(
                    ErrorCode.STALE_ATTEMPT,
                    () -> on.api.finish(a.runId(), a.attempt(), Orchestra.ended(Outcome.PREEMPTED)));
        }
        assertThat(on.worker(pool).claim(8)).isEmpty();
        assertThat(histories(ended)).isEqualTo(before);
    }

    private Map<Long, List<String>> histories(List<Long> runs) {
        Map<Long, List<String>> histories = new java.util.TreeMap<>();
        runs.forEach(run -> histories.put(run, on.history(run)));
        return histories;
    }

    /** One unit of work is handed to two workers, or a request that is repeated is carried out twice. */
    @Test
    void complaint5repeatedAndConcurrentClaimsHandEachRunToOneRunner() throws Exception {
        int runners = 6;
        List<Long> all = on.runs(pool, 40);
        Map<Long, List<Long>> holders = new HashMap<>();
        try (var threads = Executors.newFixedThreadPool(2 * runners)) {
            List<Callable<Map.Entry<Long, List<Assignment>>>> claims = new ArrayList<>();
            for (int i = 0; i < runners; i++) {
                Orchestra.Worker worker = on.worker(pool);
                String key = UUID.randomUUID().toString();
                // the answer to the first was lost, or is only late
                for (int sent = 0; sent < 2; sent++) {
                    claims.add(() -> Map.entry(worker.id, worker.claim(key, 8, 1L << 30)));
                }
            }
            Map<Long, List<Assignment>> answers = new HashMap<>();
            for (Future<Map.Entry<Long, List<Assignment>>> f : threads.invokeAll(claims)) {
                Map.Entry<Long, List<Assignment>> answer = f.get();
                List<Assignment> other = answers.putIfAbsent(answer.getKey(), answer.getValue());
                if (other != null) {
                    assertThat(answer.getValue())
                            .as("the same answer both times")
                            .isEqualTo(other);
                }
            }
            answers.forEach((runner, granted) -> granted.forEach(a ->
                    holders.computeIfAbsent(a.runId(), id -> new ArrayList<>()).add(runner)));
        }
        assertThat(holders)
                .as("40 runs for 48 slots")
                .hasSize(40)
                .allSatisfy((run, by) -> assertThat(by).hasSize(1));
        assertThat(all).allSatisfy(run -> assertThat(on.history(run)).containsExactly("queued", "assigned"));
    }

    /** Work is killed as hung although nobody has given it a machine yet. */
    @Test
    void complaint15aRunMayWaitForDays() {
        long run = on.run(pool);
        on.jdbc
                .sql(
                        "update run set created_at = created_at - interval '3 days', not_before = not_before - interval '3 days' where id = ?")
                .param(run)
                .update();
        on.reap();
        assertThat(on.history(run)).containsExactly("queued");
        Assignment granted = on.worker(pool).claimAndStart();
        assertThat(granted.attempt()).isEqualTo(1);
        on.reap();
        assertThat(on.state(run)).isEqualTo(RunState.RUNNING);
    }
}
