package dev.isoflop.platform.orchestration;

import dev.isoflop.db.dataset.DatasetStore;
import dev.isoflop.db.run.AttemptStore;
import dev.isoflop.db.run.RunEntity;
import dev.isoflop.db.run.RunOutcome;
import dev.isoflop.db.run.RunStore;
import dev.isoflop.db.run.RunTransitions;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.protocol.error.ErrorCode;
import dev.isoflop.protocol.job.JobResult;
import dev.isoflop.protocol.runner.FinishAttempt;
import dev.isoflop.protocol.runner.FinishAttempt.Failure;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;
import tools.jackson.databind.json.JsonMapper;

/**
 * Ends attempts as their runners report. A report that is repeated after its reply was lost finds the attempt ended the
 * way it says and is acknowledged again, whatever has become of the run since.
 */
@Component
class FinishedAttempts {

    private final RunStore runs;
    private final RunTransitions transitions;
    private final AttemptStore attempts;
    private final AttemptReports reports;
    private final DatasetStore datasets;
    private final Verdicts verdicts;
    private final Counters counters;
    private final JsonMapper json;

    FinishedAttempts(
            RunStore runs,
            RunTransitions transitions,
            AttemptStore attempts,
            AttemptReports reports,
            DatasetStore datasets,
            Verdicts verdicts,
            Counters counters,
            JsonMapper json) {
        this.runs = runs;
        this.transitions = transitions;
        this.attempts = attempts;
        this.reports = reports;
        this.datasets = datasets;
        this.verdicts = verdicts;
        this.counters = counters;
        this.json = json;
    }

    @Transactional
    public void finish(long runId, int attempt, FinishAttempt finish) {
        // The sweep before the run: the order of locks everybody keeps.
        boolean sweepCancelled = runs.holdSweepOf(runId);
        RunEntity run = runs.lock(runId)
                .orElseThrow(() -> new ProblemException(ErrorCode.NOT_FOUND, "There is no run " + runId + "."));
        String reported = finish.outcome().name().toLowerCase(Locale.ROOT);
        AttemptStore.AttemptRow row = attempts.find(runId, attempt).orElse(null);
        if (row == null || !run.isHeldBy(attempt)) {
            if (row != null && row.state().equals(reported)) {
                return;
            }
            throw AttemptFence.stale(runId, attempt, run.attempt(), run.state().wireName());
        }
        Failure told = finish.failure();
        counters.attemptEnded(
                run.kind(),
                reported,
                told == null ? "none" : told.category().name().toLowerCase(Locale.ROOT));
        switch (finish.outcome()) {
            case SUCCEEDED -> {
                JobResult result = result(run, finish.result());
                attempts.end(runId, attempt, reported, null, steps(result));
                succeed(run, result);
            }
            case FAILED -> {
                Failure failure = finish.failure();
                if (failure == null) {
                    throw new ProblemException(ErrorCode.INVALID_REQUEST, "A failed attempt says why.");
                }
                attempts.end(runId, attempt, reported, failure.code() + ": " + failure.message(), null);
                verdicts.carryOut(run, EndOfAttempt.failed(run, failure, sweepCancelled));
            }
            case PREEMPTED -> {
                attempts.end(runId, attempt, reported, null, null);
                verdicts.carryOut(run, EndOfAttempt.preempted(run, row.started(), sweepCancelled));
            }
            case CANCELLED -> {
                attempts.end(runId, attempt, reported, null, null);
                // Killed because it missed the deadline of a preemption: that was no wish to end the run.
                verdicts.carryOut(
                        run,
                        "checkpoint".equals(run.stopIntent())
                                ? EndOfAttempt.preempted(run, row.started(), sweepCancelled)
                                : new EndOfAttempt.Cancelled(
                                        run.isBeingCancelled() ? "cancelled by a user" : "cancelled by its runner"));
            }
        }
    }

    private JobResult result(RunEntity run, @Nullable JobResult result) {
        String kind = switch (result) {
            case null -> "";
            case JobResult.Pretrained pretrained -> "pretrain";
            case JobResult.Dataset dataset -> {
                reports.checkFiles(dataset.files());
                yield "data";
            }
            case JobResult.Command command -> {
                reports.checkFiles(command.outputs());
                yield "command";
            }
        };
        if (!kind.equals(run.kind())) {
            throw new ProblemException(
                    ErrorCode.INVALID_REQUEST,
                    "A succeeded run of kind %s hands back its result.".formatted(run.kind()));
        }
        return Objects.requireNonNull(result);
    }

    private void succeed(RunEntity run, JobResult result) {
        String body = json.writeValueAsString(result);
        RunOutcome outcome = switch (result) {
            case JobResult.Pretrained p ->
                new RunOutcome(
                        body,
                        p.steps(),
                        finite(p.finalLoss()),
                        finite(p.bitsPerByte()),
                        finite(p.tokensPerSecond()),
                        p.diverged() || !Double.isFinite(p.finalLoss()));
            case JobResult.Command _ -> new RunOutcome(body, null, null, null, null, false);
            case JobResult.Dataset d -> {
                datasets.complete(run.id(), body);
                yield new RunOutcome(body, null, null, null, null, false);
            }
        };
        transitions.succeed(run, outcome);
    }

    private static @Nullable Long steps(JobResult result) {
        return result instanceof JobResult.Pretrained pretrained ? (Long) pretrained.steps() : null;
    }

    private static @Nullable Double finite(double value) {
        return Double.isFinite(value) ? value : null;
    }
}
