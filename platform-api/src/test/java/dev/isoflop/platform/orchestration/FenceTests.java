package dev.isoflop.platform.orchestration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.isoflop.db.run.NewRun;
import dev.isoflop.db.testing.DatabaseTest;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.protocol.api.RunState;
import dev.isoflop.protocol.error.ErrorCode;
import dev.isoflop.protocol.job.FileRef;
import dev.isoflop.protocol.job.JobResult;
import dev.isoflop.protocol.runner.ClaimGrant;
import dev.isoflop.protocol.runner.ClaimGrant.Assignment;
import dev.isoflop.protocol.runner.FinishAttempt;
import dev.isoflop.protocol.runner.FinishAttempt.Outcome;
import dev.isoflop.protocol.runner.LogBatch;
import dev.isoflop.protocol.runner.MetricBatch;
import java.util.List;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.json.JsonMapper;

@DatabaseTest
class FenceTests {

    private final Orchestra on = Orchestra.get();
    private final String pool = Orchestra.newPool();

    private interface Write {
        void by(Orchestra on, Assignment a);
    }

    static Stream<Arguments> everyWrite() {
        return Stream.of(
                Arguments.of("start", (Write) (on, a) -> on.api.start(a.runId(), a.attempt())),
                Arguments.of("metrics", (Write)
                        (on, a) -> on.api.metrics(a.runId(), a.attempt(), new MetricBatch(0, List.of()))),
                Arguments.of("logs", (Write) (on, a) -> on.api.logs(a.runId(), a.attempt(), lines(0, "late"))),
                Arguments.of("checkpoint", (Write) (on, a) -> on.api.commitCheckpoint(
                        a.runId(), a.attempt(), Orchestra.checkpoint(9, on.store("model", "late")))),
                Arguments.of("profile", (Write) (on, a) -> on.api.profile(a.runId(), a.attempt(), Orchestra.profile())),
                Arguments.of(
                        "finish", (Write) (on, a) -> on.api.finish(a.runId(), a.attempt(), Orchestra.succeeded())));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("everyWrite")
    void writeOfALostAttemptIsRefusedWhateverBecameOfTheRun(String name, Write write) {
        long run = on.run(pool);
        Orchestra.Worker worker = on.worker(pool);
        Assignment stale = worker.claimAndStart();
        on.age(run, 61);
        on.reap();
        assertStale(() -> write.by(on, stale)); // queued again
        on.skipBackoff(run);
        Assignment current = on.worker(pool).claimAndStart();
        assertThat(current.attempt()).isEqualTo(2);
        assertStale(() -> write.by(on, stale)); // somebody else's
        assertThatCode(() -> write.by(on, current)).doesNotThrowAnyException();
        if (on.state(run) != RunState.SUCCEEDED) {
            on.api.finish(run, 2, Orchestra.succeeded());
        }
        assertStale(() -> write.by(on, stale)); // over
        assertThat(on.jdbc
                        .sql("select count(*) from run_log where run_id = ? and attempt_no = 1")
                        .param(run)
                        .query(Integer.class)
                        .single())
                .isZero();
        assertThat(on.jdbc
                        .sql("select count(*) from checkpoint where run_id = ? and attempt_no = 1")
                        .param(run)
                        .query(Integer.class)
                        .single())
                .isZero();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("everyWrite")
    void writeAboutAnUnknownRunIsNotFound(String name, Write write) {
        assertCode(
                ErrorCode.NOT_FOUND,
                () -> write.by(on, new Assignment(1L << 40, 1, "x", ClaimTests.pretrain("d"), null)));
    }

    @Test
    void repeatedReportsChangeNothing() {
        long run = on.run(pool);
        Assignment a = on.worker(pool).claimAndStart();
        on.api.start(run, a.attempt());
        on.api.logs(run, 1, lines(0, "a", "b"));
        on.api.logs(run, 1, lines(1, "other", "c\0d"));
        FileRef file = on.store("model", "repeated");
        on.api.commitCheckpoint(run, 1, Orchestra.checkpoint(5, file));
        on.api.commitCheckpoint(run, 1, Orchestra.checkpoint(5, file));
        on.api.profile(run, 1, Orchestra.profile());
        on.api.profile(run, 1, Orchestra.profile());
        on.api.finish(run, 1, Orchestra.succeeded());
        on.api.finish(run, 1, Orchestra.succeeded());
        assertThat(on.jdbc
                        .sql("select line from run_log where run_id = ? order by seq")
                        .param(run)
                        .query((rs, i) -> rs.getString(1))
                        .list())
                .containsExactly("a", "b", "c\uFFFDd");
        assertThat(on.history(run)).containsExactly("queued", "assigned", "running", "succeeded");
        assertCode(ErrorCode.STALE_ATTEMPT, () -> on.api.finish(run, 1, Orchestra.ended(Outcome.PREEMPTED)));
    }

    @Test
    void repeatedFinishIsAcknowledgedAfterTheRunHasMovedOn() {
        long run = on.run(pool);
        Orchestra.Worker worker = on.worker(pool);
        Assignment first = worker.claimAndStart();
        on.api.finish(run, first.attempt(), Orchestra.ended(Outcome.PREEMPTED));
        Assignment second = worker.claimAndStart();
        on.api.finish(run, first.attempt(), Orchestra.ended(Outcome.PREEMPTED));
        assertThat(on.look(run).isHeldBy(second.attempt())).isTrue();
        assertThat(on.look(run).attempt()).isEqualTo(2);
    }

    @Test
    void checkpointOfMissingOrSpoiltFilesIsRefused() throws Exception {
        long run = on.run(pool);
        on.worker(pool).claimAndStart();
        FileRef good = on.store("model", "a checkpoint of run " + run);
        FileRef missing = new FileRef("model", "0".repeat(64), 3);
        assertCode(
                ErrorCode.INVALID_REQUEST,
                () -> on.api.commitCheckpoint(run, 1, Orchestra.checkpoint(1, good, missing)));
        assertCode(
                ErrorCode.INVALID_REQUEST,
                () -> on.api.commitCheckpoint(
                        run, 1, Orchestra.checkpoint(1, new FileRef("model", good.sha256(), good.bytes() + 1))));
        java.nio.file.Files.writeString(
                on.files.find(good.sha256()).orElseThrow().path(), "cut");
        assertCode(ErrorCode.INVALID_REQUEST, () -> on.api.commitCheckpoint(run, 1, Orchestra.checkpoint(1, good)));
        on.store("model", "a checkpoint of run " + run);
        on.api.commitCheckpoint(run, 1, Orchestra.checkpoint(1, good));
        assertCode(
                ErrorCode.INVALID_REQUEST,
                () -> on.api.commitCheckpoint(run, 1, Orchestra.checkpoint(1, on.store("model", "other " + run))));
    }

    @Test
    void resumeIsFromTheLastCommittedCheckpointOfAnyAttempt() {
        long run = on.run(pool);
        Orchestra.Worker worker = on.worker(pool);
        assertThat(worker.claimAndStart().resume()).isNull();
        FileRef ten = on.store("model", "ten" + run);
        FileRef twenty = on.store("model", "twenty" + run);
        on.api.commitCheckpoint(run, 1, Orchestra.checkpoint(10, ten));
        on.api.commitCheckpoint(run, 1, Orchestra.checkpoint(20, twenty));
        on.api.finish(run, 1, Orchestra.ended(Outcome.PREEMPTED));
        ClaimGrant.Resume expected = new ClaimGrant.Resume(20, 10.0, List.of(twenty));
        assertThat(worker.claimAndStart().resume()).isEqualTo(expected);
        on.api.finish(run, 2, Orchestra.ended(Outcome.PREEMPTED)); // commits nothing of its own
        assertThat(worker.claimAndStart().resume()).isEqualTo(expected);
        assertThat(on.jdbc
                        .sql("select resumed_from_step from attempt where run_id = ? order by attempt_no")
                        .param(run)
                        .query((rs, i) -> rs.getLong(1))
                        .list())
                .containsExactly(0L, 20L, 20L);
    }

    @Test
    void resultFillsTheTypedColumns() {
        Orchestra.Worker worker = on.worker(pool);
        long good = pretrainRun();
        worker.claimAndStart();
        on.api.finish(good, 1, pretrained(3.25, false));
        assertThat(on.look(good)).satisfies(run -> {
            assertThat(run.finalLoss()).isEqualTo(3.25);
            assertThat(run.bitsPerByte()).isEqualTo(1.5);
            assertThat(run.tokensPerSecond()).isEqualTo(1000);
            assertThat(run.step()).isEqualTo(10);
            assertThat(run.diverged()).isFalse();
            assertThat(run.startedAt()).isNotNull();
            assertThat(run.finishedAt()).isNotNull();
        });
        long diverged = pretrainRun();
        worker.claimAndStart();
        on.api.finish(diverged, 1, pretrained(Double.NaN, true));
        assertThat(on.look(diverged)).satisfies(run -> {
            assertThat(run.state()).isEqualTo(RunState.SUCCEEDED);
            assertThat(run.finalLoss()).isNull();
            assertThat(run.diverged()).isTrue();
            assertThat(new JsonMapper().readValue(run.resultJson(), JobResult.class))
                    .isInstanceOfSatisfying(
                            JobResult.Pretrained.class,
                            p -> assertThat(p.finalLoss()).isNaN());
        });
        long wrong = pretrainRun();
        worker.claimAndStart();
        assertCode(ErrorCode.INVALID_REQUEST, () -> on.api.finish(wrong, 1, Orchestra.succeeded()));
        assertCode(ErrorCode.INVALID_REQUEST, () -> on.api.finish(wrong, 1, Orchestra.ended(Outcome.SUCCEEDED)));
        assertThat(on.state(wrong)).isEqualTo(RunState.RUNNING);
    }

    private long pretrainRun() {
        String spec = new JsonMapper().writeValueAsString(ClaimTests.pretrain("d"));
        return on.inTransaction(() -> on.runs.create(new NewRun(
                null,
                "t",
                "pretrain",
                spec,
                pool,
                0,
                null,
                0,
                NewRun.Size.NONE,
                1L,
                0.01,
                null,
                NewRun.Retries.DEFAULT)));
    }

    private static FinishAttempt pretrained(double loss, boolean diverged) {
        return new FinishAttempt(
                Outcome.SUCCEEDED, new JobResult.Pretrained(loss, 1.5, 100, 10, 20_480, 1000, 20.48, diverged), null);
    }

    private static LogBatch lines(long firstSeq, String... lines) {
        return new LogBatch(
                firstSeq,
                Stream.of(lines).map(l -> new LogBatch.Line(1_000, "INFO", l)).toList());
    }

    private static void assertStale(ThrowingCallable write) {
        assertCode(ErrorCode.STALE_ATTEMPT, write);
    }

    static void assertCode(ErrorCode code, ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        ProblemException.class, e -> assertThat(e.code()).isEqualTo(code));
    }
}
