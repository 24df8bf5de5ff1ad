package dev.isoflop.platform.fits;

import dev.isoflop.evals.stats.Normal;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.protocol.api.FitViews;
import dev.isoflop.protocol.api.PlanViews;
import dev.isoflop.protocol.error.ErrorCode;
import dev.isoflop.scaling.design.SequentialDesign;
import dev.isoflop.scaling.fit.BudgetPrediction;
import dev.isoflop.scaling.fit.FitOutcome;
import dev.isoflop.scaling.question.NextQuestion;
import dev.isoflop.scaling.question.QuestionException;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Service;

/**
 * Which runs would tell a fit's reader most. The law is that of the fit's points, with Huber's threshold set by their noise, so its
 * coefficients may differ from the stored ones by a little.
 *
 * <p>Concurrency: no state, no connection is held while it reckons.
 */
@Service
class NextRuns {

    /** Times that the fit's own interval may be wider before the reckoning is not to be trusted. */
    private static final double WIDER = 2;

    private final FitService fits;
    private final Refits refits;

    NextRuns(FitService fits, Refits refits) {
        this.fits = fits;
        this.refits = refits;
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
                    view(fit, question, next);
                case FitOutcome.Refused<SequentialDesign.Next> no ->
                    throw refused("Fit %d has no law to go by: %s".formatted(id, no.sentence()));
            };
        } catch (QuestionException e) {
            throw ProblemException.field("/" + e.field(), e.fault());
        }
    }

    private PlanViews.NextRuns view(FitViews.Fit fit, NextQuestion question, SequentialDesign.Next next) {
        boolean saves = question.what() == NextQuestion.Of.OPTIMUM;
        Boolean pays = !saves || next.choices().isEmpty()
                ? null
                : next.choices().getFirst().pays();
        return new PlanViews.NextRuns(
                fit.id(),
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
                next.sentence(),
                caution(fit, question, next.sd()));
    }

    /**
     * A design takes the law for true and its exponents for known to a tenth; the bootstrap of the fit takes neither, and where it knows N* far worse the savings are far larger than
     * was reckoned.
     */
    private @Nullable String caution(FitViews.Fit fit, NextQuestion question, double sd) {
        FittedLaw law = question.what() == NextQuestion.Of.OPTIMUM
                ? refits.law(fit.id()).law()
                : null;
        Double flops = question.flops();
        if (law == null || flops == null) {
            return null;
        }
        return switch (law.optimum(flops)) {
            case FitOutcome.Refused<BudgetPrediction> _ -> null;
            case FitOutcome.Converged<BudgetPrediction>(BudgetPrediction p) -> {
                double own = Math.log(p.N().high() / p.N().low()) / (2 * Normal.quantile(0.5 + fit.level() / 2));
                yield own > WIDER * sd
                        ? String.format(
                                Locale.ROOT,
                                "The fit itself knows N* only to a factor of %.2f, this reckoning takes it for known to %.2f: the runs are still in the right order, but they save more than is said here.",
                                Math.exp(own),
                                Math.exp(sd))
                        : null;
            }
        };
    }

    private static ProblemException refused(String sentence) {
        return new ProblemException(ErrorCode.PREDICTION_REFUSED, sentence);
    }
}
