package dev.isoflop.platform.fits;

import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.protocol.api.FitViews;
import dev.isoflop.protocol.api.PlanViews;
import dev.isoflop.protocol.error.ErrorCode;
import dev.isoflop.scaling.design.SequentialDesign;
import dev.isoflop.scaling.fit.FitOutcome;
import dev.isoflop.scaling.question.NextQuestion;
import dev.isoflop.scaling.question.QuestionException;
import org.springframework.stereotype.Service;

/**
 * Which runs would tell a fit's reader most. The law is that of the fit's points, with Huber's threshold set by their noise, so its
 * coefficients may differ from the stored ones by a little.
 *
 * <p>Concurrency: no state, no connection is held while it reckons.
 */
@Service
class NextRuns {

    private final FitService fits;

    NextRuns(FitService fits) {
        this.fits = fits;
    }

    /** @throws ProblemException not-found; prediction-refused for a fit without a law of N and D; invalid-request */
    PlanViews.NextRuns of(long id, NextQuestion question) {
        FitViews.Fit fit = fits.get(id);
        if (!fit.method().equals(FitMapper.PARAMETRIC)) {
            throw refused(
                    "Fit %d is of the method %s, which has no law of N and D to go by; ask the sweep's parametric fit."
                            .formatted(id, fit.method()));
        }
        if (!"converged".equals(fit.status())) {
            throw refused("Fit %d was refused, so there is no law to go by: %s"
                    .formatted(
                            id,
                            fit.refusal() == null ? fit.status() : fit.refusal().message()));
        }
        try {
            return switch (question.answer(FitRecord.inputs(fit).fitPoints())) {
                case FitOutcome.Converged<SequentialDesign.Next>(SequentialDesign.Next next) ->
                    view(id, question, next);
                case FitOutcome.Refused<SequentialDesign.Next> no ->
                    throw refused("Fit %d has no law to go by: %s".formatted(id, no.sentence()));
            };
        } catch (QuestionException e) {
            throw ProblemException.field("/" + e.field(), e.fault());
        }
    }

    private static PlanViews.NextRuns view(long id, NextQuestion question, SequentialDesign.Next next) {
        boolean saves = question.what() == NextQuestion.Of.OPTIMUM;
        Boolean pays = !saves || next.choices().isEmpty()
                ? null
                : next.choices().getFirst().pays();
        return new PlanViews.NextRuns(
                id,
                question.what().name(),
                next.value(),
                next.sd(),
                next.noise(),
                next.choices().stream()
                        .map(choice -> new PlanViews.NextRun(
                                choice.run().N(),
                                choice.run().D(),
                                choice.run().C(),
                                choice.sdBefore(),
                                choice.sdAfter(),
                                saves ? choice.saves() : null,
                                saves ? choice.pays() : null))
                        .toList(),
                pays,
                next.sentence());
    }

    private static ProblemException refused(String sentence) {
        return new ProblemException(ErrorCode.PREDICTION_REFUSED, sentence);
    }
}
