package dev.isoflop.platform.orchestration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.protocol.api.RunState;
import dev.isoflop.protocol.runner.ClaimGrant.Assignment;
import dev.isoflop.protocol.runner.FinishAttempt;
import dev.isoflop.protocol.runner.FinishAttempt.Category;
import dev.isoflop.protocol.runner.FinishAttempt.Failure;
import dev.isoflop.protocol.runner.FinishAttempt.Outcome;
import dev.isoflop.protocol.runner.Heartbeat;
import dev.isoflop.protocol.runner.LogBatch;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What failures are judged to be, and what follows for the run, for the place and for other runs. */
class FailureTests {

    private final Orchestra on = Orchestra.get();
    private final String pool = Orchestra.newPool();
    private final String host = "host-" + UUID.randomUUID();

    private record Verdict(String failureClass, String rule, String evidence) {}

    private Verdict verdict(long run, int attempt) {
        return on.jdbc
                .sql("""
                        select failure_class, failure_rule, failure_evidence from attempt
                        where run_id = ? and attempt_no = ?
                        """)
                .param(run)
                .param(attempt)
                .query((rs, i) -> new Verdict(rs.getString(1), rs.getString(2), rs.getString(3)))
                .single();
    }

    private void fail(Assignment a, Category category, String code, String message, String trace) {
        on.api.finish(
                a.runId(),
                a.attempt(),
                new FinishAttempt(Outcome.FAILED, null, new Failure(category, code, message, trace)));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            gpu-error      | launch: CUDA_ERROR_ECC_UNCORRECTABLE (214); the GPU context is lost | device         | gpu-ecc          | QUEUED
            command-failed | NVRM: Xid (PCI:0000:3b:00): 79, GPU has fallen off the bus.         | device         | gpu-lost         | QUEUED
            command-failed | torch.OutOfMemoryError: CUDA out of memory. Tried to allocate       | out_of_memory  | out-of-memory    | FAILED
            command-failed | torch.distributed.DistBackendError: NCCL error in: ProcessGroup.cpp | device         | nccl             | QUEUED
            command-failed | RuntimeError: CUDA error: an illegal memory access was encountered  | device         | gpu-context-lost | QUEUED
            gpu-error      | copy: CUDA_ERROR_UNKNOWN (999)                                      | device         | gpu-error        | QUEUED
            command-failed | OSError: [Errno 28] No space left on device                         | infrastructure | disk-full        | QUEUED
            invalid-work   | heads = 3                                                           | data           | invalid-work     | FAILED
            command-failed | TypeError: unsupported operand                                      | user           | as-reported      | QUEUED
            command-failed | RuntimeError: no licence left                                       | infrastructure | licence          | QUEUED
            """)
    void theFirstRuleThatMatchesDecidesAndIsKeptWithItsEvidence(
            String code, String message, String failureClass, String rule, RunState state) {
        long run = on.run(pool);
        Assignment a = on.workerOn(pool, host, "0000:01:00.0").claimAndStart();
        Category told = code.equals("gpu-error")
                ? Category.INFRASTRUCTURE
                : code.equals("invalid-work") ? Category.INVALID_INPUT : Category.USER;
        fail(a, told, code, message, null);
        assertThat(verdict(run, 1)).isEqualTo(new Verdict(failureClass, rule, code + ": " + message));
        assertThat(on.state(run)).isEqualTo(state);
        if (state == RunState.FAILED) {
            assertThat(Objects.requireNonNull(on.look(run).failure()).category())
                    .isEqualTo(failureClass.equals("data") ? "invalid_input" : failureClass);
        }
    }

    @Test
    void theLogOfTheAttemptIsEvidenceToo() {
        long run = on.run(pool);
        Assignment a = on.workerOn(pool, host, "0000:01:00.0").claimAndStart();
        on.api.logs(
                run,
                1,
                new LogBatch(
                        0,
                        List.of(
                                new LogBatch.Line(1, "INFO", "step 1"),
                                new LogBatch.Line(2, "WARN", "rank 3: switch port 17 is down"),
                                new LogBatch.Line(3, "INFO", "bye"))));
        fail(a, Category.USER, "command-failed", "exit code 1", "Traceback\nValueError");
        assertThat(verdict(run, 1))
                .isEqualTo(new Verdict("device", "our-broken-switch", "rank 3: switch port 17 is down"));
    }

    @Test
    void aDeviceErrorSendsTheRunElsewhereAndOtherRunsMayStay() {
        long run = on.run(pool);
        Orchestra.Worker here = on.workerOn(pool, host, "0000:01:00.0");
        fail(here.claimAndStart(), Category.USER, "command-failed", "NCCL error", null);
        on.skipBackoff(run);
        assertThat(here.claim(4)).as("not here again").isEmpty();
        assertThat(on.workerOn(pool, host, "0000:01:00.0").claim(4))
                .as("nor under another name on the same device")
                .isEmpty();
        long other = on.run(pool);
        assertThat(here.claim(4)).extracting(Assignment::runId).containsExactly(other);
        assertThat(on.workerOn(pool, host, "0000:02:00.0").claim(4))
                .as("another device of the host")
                .extracting(Assignment::runId)
                .containsExactly(run);
    }

    @Test
    void aPlaceWithTwoDeviceErrorsIsSetAsideUntilItIsCleared() {
        on.runs(pool, 3);
        Orchestra.Worker here = on.workerOn(pool, host, "0000:01:00.0");
        fail(here.claimAndStart(), Category.USER, "command-failed", "NCCL error", null);
        fail(here.claimAndStart(), Category.USER, "command-failed", "NCCL error", null);
        long third = here.claimAndStart().runId(); // two at once were one incident
        on.jdbc
                .sql("update device_error set at = at - interval '10 minutes' where place = ?")
                .param(host + " gpu 0000:01:00.0")
                .update();
        fail(
                new Assignment(third, 1, "", new dev.isoflop.protocol.job.DataSpec("npm:x", 1024, 12), null),
                Category.USER,
                "command-failed",
                "NCCL error",
                null);
        long fourth = on.run(pool);
        assertThat(here.claim(4)).as("nothing is granted").isEmpty();
        Places places = on.context.getBean(Places.class);
        places.clear(here.id);
        assertThat(here.claim(4)).extracting(Assignment::runId).containsExactly(fourth);
        assertThatThrownBy(() -> places.clear(here.id)).isInstanceOf(ProblemException.class);
    }

    @Test
    void aRunWhosePoolHasNoOtherPlaceComesBackSooner() {
        long run = on.run(pool);
        fail(
                on.workerOn(pool, host, "0000:01:00.0").claimAndStart(),
                Category.USER,
                "command-failed",
                "NCCL error",
                null);
        assertThat(minutesAvoided(run)).isEqualTo(5);
        long other = on.run(pool);
        Orchestra.Worker second = on.workerOn(pool, host, "0000:02:00.0");
        on.jdbc
                .sql("update run set not_before = now() + interval '1 day' where id = ?")
                .param(run)
                .update();
        fail(second.claimAndStart(), Category.USER, "command-failed", "NCCL error", null);
        assertThat(minutesAvoided(other)).isEqualTo(60);
    }

    private long minutesAvoided(long run) {
        return on.jdbc
                .sql("select round(extract(epoch from until - now()) / 60) from run_avoids where run_id = ?")
                .param(run)
                .query(Long.class)
                .single();
    }

    @Test
    void oneUncorrectableMemoryErrorIsEnough() {
        on.run(pool);
        Orchestra.Worker here = on.workerOn(pool, host, "0000:01:00.0");
        fail(here.claimAndStart(), Category.INFRASTRUCTURE, "gpu-error", "CUDA_ERROR_ECC_UNCORRECTABLE", null);
        on.run(pool);
        assertThat(here.claim(4)).isEmpty();
        assertThat(on.jdbc
                        .sql("select reason || ' ' || evidence from place_set_aside where place = ?")
                        .param(host + " gpu 0000:01:00.0")
                        .query(String.class)
                        .single())
                .contains("gpu-ecc", "CUDA_ERROR_ECC_UNCORRECTABLE");
    }

    // --- runs that bring runners down

    private void dieUnder(long run) {
        on.skipBackoff(run);
        Orchestra.Worker worker = on.worker(pool);
        assertThat(worker.claimAndStart().runId()).isEqualTo(run);
        on.age(run, 61);
        on.reap();
    }

    @Test
    void aRunUnderWhichThreeRunnersDieIsQuarantinedAndCanBeReleased() {
        long run = on.run(pool);
        dieUnder(run);
        dieUnder(run);
        assertThat(on.state(run)).isEqualTo(RunState.QUEUED);
        dieUnder(run);
        assertThat(on.state(run)).isEqualTo(RunState.FAILED);
        assertThat(Objects.requireNonNull(on.look(run).failure())).satisfies(f -> {
            assertThat(f.code()).isEqualTo("quarantined");
            assertThat(f.message()).contains("silent", "release");
        });
        assertThat(on.look(run).retriesLeft(dev.isoflop.db.run.RetryBudget.INFRASTRUCTURE))
                .as("the budget is not burnt")
                .isEqualTo(8);
        assertThat(verdict(run, 3).rule()).isEqualTo("runner-lost");
        on.context.getBean(ReleaseRuns.class).release(run, null);
        assertThat(on.state(run)).isEqualTo(RunState.QUEUED);
        Assignment again = on.worker(pool).claimAndStart();
        on.api.finish(run, again.attempt(), Orchestra.succeeded());
        assertThat(on.state(run)).isEqualTo(RunState.SUCCEEDED);
        assertThatThrownBy(() -> on.context.getBean(ReleaseRuns.class).release(run, null))
                .isInstanceOf(ProblemException.class)
                .hasMessageContaining("succeeded");
    }

    @Test
    void anEndOfAnotherKindAndACheckpointCountAnew() {
        long run = on.run(pool);
        dieUnder(run);
        dieUnder(run);
        on.skipBackoff(run);
        Assignment third = on.worker(pool).claimAndStart();
        on.api.finish(run, third.attempt(), Orchestra.ended(Outcome.PREEMPTED));
        dieUnder(run);
        dieUnder(run);
        assertThat(on.state(run)).isEqualTo(RunState.QUEUED);
        on.skipBackoff(run);
        Orchestra.Worker worker = on.worker(pool);
        Assignment sixth = worker.claimAndStart();
        on.api.commitCheckpoint(run, sixth.attempt(), Orchestra.checkpoint(5, on.store("model", "state " + run)));
        on.age(run, 61);
        on.reap();
        assertThat(on.state(run)).as("it got somewhere").isEqualTo(RunState.QUEUED);
        dieUnder(run);
        assertThat(on.state(run)).isEqualTo(RunState.QUEUED);
        dieUnder(run);
        assertThat(on.state(run)).isEqualTo(RunState.FAILED);
    }

    @Test
    void deathsThatOthersSharedCountHalf() {
        List<Long> both = on.runs(pool, 2);
        for (int i = 0; i < 5; i++) {
            both.forEach(on::skipBackoff);
            Orchestra.Worker worker = on.worker(pool);
            worker.claim(2).forEach(a -> on.api.start(a.runId(), a.attempt()));
            on.api.register(on.registration(worker.name, UUID.randomUUID().toString(), pool)); // its process came anew
        }
        assertThat(both).allSatisfy(run -> assertThat(on.state(run)).isEqualTo(RunState.QUEUED));
        dieUnder(both.getFirst());
        assertThat(on.state(both.getFirst())).isEqualTo(RunState.FAILED);
        assertThat(on.state(both.getLast())).isEqualTo(RunState.QUEUED);
    }

    @Test
    void aRunnerInTroubleIsNotedAndForgottenWithItsNextHeartbeat() {
        Orchestra.Worker worker = on.worker(pool);
        on.api.heartbeat(worker.id, new Heartbeat(worker.instance, 1, List.of(), List.of(), "The disk is full."));
        assertThat(trouble(worker.id)).isEqualTo("The disk is full.");
        worker.heartbeat();
        assertThat(trouble(worker.id)).isNull();
    }

    private String trouble(long runner) {
        return on.jdbc
                .sql("select trouble from runner where id = ?")
                .param(runner)
                .query((rs, i) -> java.util.Optional.ofNullable(rs.getString(1)))
                .single()
                .orElse(null);
    }

    @Test
    void aStalledAttemptIsNotedWhileItRunsAndTheNextOneGoesElsewhere() {
        long run = on.run(pool);
        Orchestra.Worker here = on.workerOn(pool, host, "0000:01:00.0");
        Assignment a = here.claimAndStart();
        var stalled = new Heartbeat.Observed(run, 1, 7, "stalled: no step for 600 s at step 7 (training)");
        on.workerOn(pool, host, "0000:02:00.0"); // whoever else reports it changes nothing
        on.api.heartbeat(here.id, new Heartbeat(here.instance, 1, List.of(stalled), List.of()));
        assertThat(on.jdbc
                        .sql("select cause from attempt where run_id = ? and state = 'running'")
                        .param(run)
                        .query(String.class)
                        .single())
                .isEqualTo(stalled.stage());
        fail(a, Category.INFRASTRUCTURE, "stalled", "no step for 600 s at step 7 (training)", null);
        assertThat(verdict(run, 1).rule()).isEqualTo("stalled");
        on.skipBackoff(run);
        assertThat(here.claim(4)).isEmpty();
        assertThat(on.workerOn(pool, host, "0000:02:00.0").claim(4))
                .extracting(Assignment::runId)
                .containsExactly(run);
    }
}
