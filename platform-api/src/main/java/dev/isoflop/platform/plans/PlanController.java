package dev.isoflop.platform.plans;

import dev.isoflop.platform.access.ExperimentAccess;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.protocol.api.PlanViews;
import dev.isoflop.protocol.error.ErrorCode;
import dev.isoflop.scaling.question.PlanQuestion;
import dev.isoflop.scaling.question.QuestionException;
import org.jspecify.annotations.Nullable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

/** Answers without keeping anything: a POST because a question is a document, not because it changes something. */
@RestController
@RequestMapping("/api/v1/plans")
class PlanController {

    /**
     * @param plan what may be spent, and on what
     * @param sweep what the plan's sweep is called; absent if none is to be submitted
     * @param throughputOf sweep whose finished runs say what a GPU reaches, instead of the plan's device and MFU
     */
    record CreatePlan(
            PlanQuestion plan,
            @Nullable Naming sweep,
            @Nullable Long throughputOf) {}

    /**
     * @param name unique within its experiment
     * @param experiment default {@code default}
     * @param corpus {@code npm:PACKAGE} or a path readable by the runners
     */
    record Naming(String name, @Nullable String experiment, String corpus) {}

    private final MeasuredThroughput throughput;
    private final ExperimentAccess access;

    PlanController(MeasuredThroughput throughput, ExperimentAccess access) {
        this.throughput = throughput;
        this.access = access;
    }

    /** An IsoFLOP sweep for what may be spent: runs, cells left out with the reason, time and cost. Stores nothing. */
    @PostMapping
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
        PlanQuestion question = request.throughputOf() == null
                ? request.plan()
                : request.plan().withFlopsPerSecond(measured(request.throughputOf()));
        try {
            return PlanMapper.view(question, question.answer(null), naming);
        } catch (QuestionException e) {
            throw ProblemException.field("/plan/" + e.field(), e.fault());
        }
    }

    private double measured(long sweep) {
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
