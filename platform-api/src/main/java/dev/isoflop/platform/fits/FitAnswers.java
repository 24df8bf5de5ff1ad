package dev.isoflop.platform.fits;

import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.protocol.api.FitAnswerViews.FitCertificate;
import dev.isoflop.protocol.api.FitAnswerViews.FitMethods;
import dev.isoflop.protocol.api.FitAnswerViews.FitProfile;
import dev.isoflop.protocol.api.FitAnswerViews.FitTarget;
import dev.isoflop.protocol.api.FitAnswerViews.MethodFit;
import dev.isoflop.protocol.api.FitAnswerViews.MethodOptimum;
import dev.isoflop.protocol.api.FitAnswerViews.MethodTarget;
import dev.isoflop.protocol.api.FitAnswerViews.Reading;
import dev.isoflop.protocol.api.FitViews;
import dev.isoflop.protocol.error.ErrorCode;
import dev.isoflop.scaling.diagnosis.Finding;
import dev.isoflop.scaling.fit.BudgetPrediction;
import dev.isoflop.scaling.fit.Estimate;
import dev.isoflop.scaling.fit.ExponentProfile;
import dev.isoflop.scaling.fit.FitOutcome;
import dev.isoflop.scaling.fit.ParametricOptions;
import dev.isoflop.scaling.forecast.LossForecast;
import dev.isoflop.scaling.isoflop.Protocol;
import dev.isoflop.scaling.law.ChinchillaLaw;
import dev.isoflop.scaling.report.FitReport;
import dev.isoflop.scaling.report.FitSettings;
import dev.isoflop.scaling.report.SideBySide;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Service;
import tools.jackson.databind.json.JsonMapper;

/**
 * Answers what was not stored with a fit, from its record alone: its points by the other methods, how well they determine the exponents, and what it says of any budget.
 *
 * <p>Concurrency: no state; no connection is held while anything is reckoned.
 */
@Service
class FitAnswers {

    private static final int PROFILE_SIDE = 33;
    /** A request has one core: others have theirs. */
    private static final int THREADS = 1;

    private final FitService fits;
    private final Refits refits;
    private final JsonMapper json;

    FitAnswers(FitService fits, Refits refits, JsonMapper json) {
        this.fits = fits;
        this.refits = refits;
        this.json = json;
    }

    /**
     * @param target budget asked about, FLOPs; the fit's own if absent
     * @throws ProblemException not-found, invalid-request
     */
    FitMethods methods(long id, @Nullable Double target) {
        FitViews.Fit fit = fits.get(id);
        FitInputs inputs = FitRecord.inputs(fit);
        @Nullable Double asked = target;
        if (asked == null) {
            asked = inputs.target();
        } else {
            checked("/target", asked);
        }
        ParametricOptions options = options(fit);
        SideBySide all = SideBySide.of(
                inputs.fitPoints(),
                new FitSettings(
                        "chinchilla",
                        options.huberDelta(),
                        options.resamples(),
                        ParametricOptions.Resampling.POINTS,
                        options.seed(),
                        fit.level(),
                        asked),
                Protocol.all().stream().map(Protocol::name).toList(),
                THREADS);
        return new FitMethods(
                id,
                inputs.points().size(),
                fit.level(),
                asked,
                all.methods().stream().map(FitAnswers::method).toList(),
                all.differences());
    }

    /** Approach 3's options as stored; of a fit by approach 2, those that both have. */
    private ParametricOptions options(FitViews.Fit fit) {
        return FitRecord.options(fit, ParametricOptions.defaults(), json).options();
    }

    private static MethodFit method(SideBySide.Method method) {
        FitReport report = method.report();
        FitReport.Refusal refusal = report.refusal();
        BudgetPrediction optimum = report.optimum();
        Estimate a = report.parameters().get("a");
        Estimate b = report.parameters().get("b");
        List<String> findings = new ArrayList<>(
                report.diagnostics().stream().map(Finding::sentence).toList());
        // a law that refuses to speak of a far budget is still a law
        boolean isLaw = a != null;
        if (isLaw && refusal != null) {
            findings.add(refusal.sentence());
        }
        return new MethodFit(
                method.name(),
                method.approach(),
                method.source(),
                a == null ? null : method.k(),
                a == null ? null : reading(a),
                b == null ? null : reading(b),
                report.optima().stream()
                        .map(o -> new MethodOptimum(o.C(), reading(o.N())))
                        .toList(),
                optimum == null
                        ? null
                        : new MethodTarget(
                                reading(optimum.N()),
                                reading(optimum.D()),
                                reading(optimum.tokensPerParameter()),
                                Double.isFinite(optimum.loss().value()) ? reading(optimum.loss()) : null),
                isLaw
                        ? null
                        : refusal == null ? noLaw(findings) : new FitViews.Refusal(refusal.code(), refusal.sentence()),
                findings);
    }

    private static FitViews.Refusal noLaw(List<String> findings) {
        return new FitViews.Refusal("no-law", findings.isEmpty() ? "There is no law." : findings.getFirst());
    }

    /** @throws ProblemException not-found, invalid-request if the fit is not a parametric one that converged */
    FitProfile profile(long id) {
        FitViews.Fit fit = fits.get(id);
        if (!fit.method().equals(FitMapper.PARAMETRIC) || fit.refusal() != null) {
            throw new ProblemException(
                    ErrorCode.INVALID_REQUEST,
                    "Fit %d is %s: only a parametric fit that converged has exponents to profile."
                            .formatted(id, fit.refusal() == null ? "of method " + fit.method() : "refused"));
        }
        Map<String, Double> of =
                fit.parameters().stream().collect(Collectors.toMap(FitViews.Estimate::name, FitViews.Estimate::value));
        ChinchillaLaw law = new ChinchillaLaw(
                of.getOrDefault("E", Double.NaN),
                of.getOrDefault("A", Double.NaN),
                of.getOrDefault("B", Double.NaN),
                of.getOrDefault("alpha", Double.NaN),
                of.getOrDefault("beta", Double.NaN));
        ExponentProfile profile =
                ExponentProfile.of(FitRecord.inputs(fit).fitPoints(), options(fit), law, PROFILE_SIDE, THREADS);
        return new FitProfile(
                id,
                fit.level(),
                law.alpha(),
                law.beta(),
                list(profile.alpha()),
                list(profile.beta()),
                Arrays.stream(profile.rise()).map(FitAnswers::list).toList(),
                list(profile.alphaRise()),
                list(profile.betaRise()),
                profile.together(),
                profile.alone(),
                new FitCertificate(
                        profile.certificate().global(),
                        profile.certificate().basins(),
                        profile.certificate().sentence(),
                        profile.certificate().flat()));
    }

    private static List<Double> list(double[] values) {
        return Arrays.stream(values).boxed().toList();
    }

    /** @throws ProblemException not-found, invalid-request, prediction-refused if the fit was refused or no longer comes out as stored */
    FitTarget target(long id, double flops) {
        checked("/flops", flops);
        Refits.Known known = refits.law(id);
        FittedLaw law = known.law();
        if (law == null) {
            throw new ProblemException(
                    ErrorCode.PREDICTION_REFUSED, "Fit %d was refused, so it has no law to ask.".formatted(id));
        }
        double level = known.fit().level();
        return switch (law.optimum(flops)) {
            case FitOutcome.Refused<BudgetPrediction> refused ->
                new FitTarget(id, flops, level, null, null, null, null, null, false, FitMapper.refusal(refused));
            case FitOutcome.Converged<BudgetPrediction>(BudgetPrediction p) -> {
                Estimate excess = law.excess(flops);
                yield new FitTarget(
                        id,
                        flops,
                        level,
                        FitMapper.optimum(p),
                        reading(p.tokensPerParameter()),
                        switch (law.forecast(p.N().value(), p.D().value(), flops)) {
                            case FittedLaw.Forecast.Loss(Estimate loss, double _) -> reading(loss);
                            case FittedLaw.Forecast.Refused _ -> null;
                        },
                        excess == null ? null : reading(excess),
                        p.extrapolationRatio(),
                        known.fit().method().equals(FitMapper.PARAMETRIC)
                                && p.extrapolationRatio() <= LossForecast.CALIBRATED_TO,
                        null);
            }
        };
    }

    private static Reading reading(Estimate e) {
        return e.isFinite() ? new Reading(e.value(), e.low(), e.high()) : new Reading(e.value(), null, null);
    }

    private static void checked(String pointer, double flops) {
        if (!(flops > 0 && Double.isFinite(flops))) {
            throw FitRequests.invalid(pointer, "is a compute budget in FLOPs above 0, was " + flops);
        }
    }
}
