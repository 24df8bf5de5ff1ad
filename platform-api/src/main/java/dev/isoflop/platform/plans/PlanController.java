package dev.isoflop.platform.plans;

import dev.isoflop.platform.access.ExperimentAccess;
import dev.isoflop.platform.fits.FitService;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.protocol.api.PlanViews;
import dev.isoflop.protocol.error.ErrorCode;
import dev.isoflop.scaling.fit.FitOutcome;
import dev.isoflop.scaling.law.FitPoint;
import dev.isoflop.scaling.question.NextQuestion;
import dev.isoflop.scaling.question.PlanAnswer;
import dev.isoflop.scaling.question.PlanQuestion;
import dev.isoflop.scaling.question.QuestionException;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

/** Answers without keeping anything: a POST because a question is a document, not because it changes something. */
@RestController
@RequestMapping("/api/v1")
class PlanController {

    /**
     * @param plan what may be spent, and on what
     * @param sweep what the plan's sweep is called; absent if none is to be submitted
     * @param fit parametric fit of runs so far, which says where the optima are expected and what is known already; absent if there are none
     * @param throughputOf sweep whose finished runs say what a GPU reaches, instead of the plan's device and MFU, and in which precision
     */
    record CreatePlan(
            PlanQuestion plan,
            @Nullable Naming sweep,
            @Nullable Long fit,
            @Nullable Long throughputOf) {}

    /**
     * @param name unique within its experiment
     * @param experiment default {@code default}
     * @param corpus {@code npm:PACKAGE} or a path readable by the runners
     */
    record Naming(String name, @Nullable String experiment, String corpus) {}

    private final NextRuns next;
    private final FitService fits;
    private final MeasuredThroughput throughput;
    private final ExperimentAccess access;

    PlanController(NextRuns next, FitService fits, MeasuredThroughput throughput, ExperimentAccess access) {
        this.next = next;
        this.fits = fits;
        this.throughput = throughput;
        this.access = access;
    }

    /** A sweep for what may be spent: runs, cells left out with the reason, time and cost. Stores nothing. */
    @PostMapping("/plans")
    PlanViews.PlannedSweep plan(@RequestBody CreatePlan request) {
        if (request.plan() == null) {
            throw ProblemException.field(
                    "/plan", "is missing: say what may be spent by flops, gpuHours or deadlineHours");
        }
        Naming naming = request.sweep();
        if (naming != null) {
            needed("/sweep/name", naming.name());
            needed("/sweep/corpus", naming.corpus());
        }
        PlanQuestion question = request.plan();
        PlanQuestion.Measured measured = request.throughputOf() == null ? null : measured(request.throughputOf());
        List<FitPoint> soFar = request.fit() == null ? List.of() : runsOf(request.fit());
        try {
            return switch (question.answer(soFar, measured)) {
                case FitOutcome.Converged<PlanAnswer>(PlanAnswer answer) -> PlanMapper.view(question, answer, naming);
                case FitOutcome.Refused<PlanAnswer> no ->
                    throw new ProblemException(
                            ErrorCode.PREDICTION_REFUSED,
                            "Fit %d has no law to go by: %s".formatted(request.fit(), no.sentence()));
            };
        } catch (QuestionException e) {
            throw ProblemException.field("/plan/" + e.field(), e.fault());
        }
    }

    /** Runs that would lower the variance of a target most for what they cost; stores nothing. */
    @PostMapping("/fits/{id}/next-runs")
    PlanViews.NextRuns next(@PathVariable("id") long id, @RequestBody NextQuestion question) {
        return next.of(id, question);
    }

    private List<FitPoint> runsOf(long fit) {
        access.maySeeFit(fit);
        return fits.runsOf(fit).points();
    }

    private PlanQuestion.Measured measured(long sweep) {
        access.maySeeSweep(sweep);
        if (!throughput.isSweep(sweep)) {
            throw new ProblemException(ErrorCode.NOT_FOUND, "There is no sweep " + sweep + ".");
        }
        return throughput
                .ofSweep(sweep)
                .orElseThrow(() -> ProblemException.field(
                        "/throughputOf", "= " + sweep + " has no finished run on a GPU; say device and mfu instead"));
    }

    private static void needed(String pointer, @Nullable String value) {
        if (value == null || value.isBlank()) {
            throw ProblemException.field(pointer, "is missing: a sweep needs it");
        }
    }
}
