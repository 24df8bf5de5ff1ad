package dev.isoflop.platform.plans;

import dev.isoflop.platform.fits.FitService;
import dev.isoflop.platform.fits.RunsOfFit;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.platform.sweeps.AddableRuns;
import dev.isoflop.protocol.api.PlanViews;
import dev.isoflop.protocol.api.SweepAddition;
import dev.isoflop.protocol.error.ErrorCode;
import dev.isoflop.scaling.design.SequentialDesign;
import dev.isoflop.scaling.fit.FitOutcome;
import dev.isoflop.scaling.plan.PlannedCell;
import dev.isoflop.scaling.question.NextAnswer;
import dev.isoflop.scaling.question.NextQuestion;
import dev.isoflop.scaling.question.QuestionException;
import java.util.OptionalDouble;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Service;

/**
 * Which runs would tell a fit's reader most, as models and steps of its sweep. The law is that of the fit's points, with Huber's threshold
 * set by their noise, so its coefficients may differ from the stored ones by a little.
 *
 * <p>Concurrency: no state, no connection is held while it reckons.
 */
@Service
class NextRuns {

    private final FitService fits;
    private final AddableRuns addable;
    private final MeasuredThroughput throughput;

    NextRuns(FitService fits, AddableRuns addable, MeasuredThroughput throughput) {
        this.fits = fits;
        this.addable = addable;
        this.throughput = throughput;
    }

    /** @throws ProblemException not-found; prediction-refused for a fit without a law of N and D; invalid-request */
    PlanViews.NextRuns of(long id, NextQuestion question) {
        RunsOfFit fit = fits.runsOf(id);
        AddableRuns.Room room = addable.room(fit.sweepId(), fit.countEmbeddings(), fit.runs());
        try {
            return switch (question.answer(fit.points(), room.trainable())) {
                case FitOutcome.Converged<NextAnswer>(NextAnswer answer) -> view(fit, room, question, answer);
                case FitOutcome.Refused<NextAnswer> no ->
                    throw new ProblemException(
                            ErrorCode.PREDICTION_REFUSED,
                            "Fit %d has no law to go by: %s".formatted(id, no.sentence()));
            };
        } catch (QuestionException e) {
            throw ProblemException.field("/" + e.field(), e.fault());
        }
    }

    private PlanViews.NextRuns view(RunsOfFit fit, AddableRuns.Room room, NextQuestion question, NextAnswer answer) {
        SequentialDesign.Next next = answer.next();
        boolean saves = question.what() == NextQuestion.Of.OPTIMUM;
        OptionalDouble perSecond = throughput.ofRunners(fit.sweepId());
        SweepAddition addition = answer.cells().isEmpty()
                ? null
                : addable.written(fit.sweepId(), answer.cells(), fit.runs(), fit.fitId());
        return new PlanViews.NextRuns(
                fit.fitId(),
                question.what().name(),
                next.value(),
                next.sd(),
                next.noise(),
                IntStream.range(0, next.choices().size())
                        .mapToObj(i -> run(
                                next.choices().get(i),
                                saves,
                                answer.cells().isEmpty() ? null : answer.cells().get(i),
                                perSecond))
                        .toList(),
                !saves || next.choices().isEmpty()
                        ? null
                        : next.choices().getFirst().pays(),
                next.sentence(),
                answer.caution(),
                answer.leftOut().stream().map(PlanMapper::dropped).toList(),
                addition,
                room.why(),
                perSecond.isPresent() ? perSecond.getAsDouble() : null);
    }

    private static PlanViews.NextRun run(
            SequentialDesign.Choice choice, boolean saves, @Nullable PlannedCell cell, OptionalDouble perSecond) {
        return new PlanViews.NextRun(
                choice.run().N(),
                choice.run().D(),
                choice.run().C(),
                choice.sdBefore(),
                choice.sdAfter(),
                saves ? choice.saves() : null,
                saves ? choice.pays() : null,
                cell == null
                        ? null
                        : PlanMapper.cell(
                                cell,
                                perSecond.isPresent() ? cell.exactFlops() / perSecond.getAsDouble() : null,
                                null));
    }
}
