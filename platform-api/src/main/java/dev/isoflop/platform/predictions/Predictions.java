package dev.isoflop.platform.predictions;

import dev.isoflop.db.prediction.NewPrediction;
import dev.isoflop.db.prediction.PredictionStore;
import dev.isoflop.platform.access.ExperimentAccess;
import dev.isoflop.platform.fits.FittedLaw;
import dev.isoflop.platform.fits.Refits;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.platform.tokens.Caller;
import dev.isoflop.protocol.api.FitViews;
import dev.isoflop.protocol.api.PredictionViews;
import dev.isoflop.protocol.error.ErrorCode;
import dev.isoflop.scaling.fit.Estimate;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Service;

/**
 * Makes predictions from stored fits, of runs that have not begun, and ties to runs those that were made before them.
 *
 * <p>Concurrency: the law is made without a connection held; whether the run has begun is asked before, for a good answer, and
 * again by the database when the prediction is stored, which decides.
 */
@Service
public class Predictions {

    private final Refits refits;
    private final PredictionStore store;
    private final PredictionQueries queries;
    private final ExperimentAccess access;

    Predictions(Refits refits, PredictionStore store, PredictionQueries queries, ExperimentAccess access) {
        this.refits = refits;
        this.store = store;
        this.queries = queries;
        this.access = access;
    }

    /** @param created whether it is new, rather than the one the same fit made of the same run before */
    record Made(PredictionViews.Prediction prediction, boolean created) {}

    /**
     * @param n parameters, as the fit counts them
     * @param d tokens
     * @param flops C, as the fit's budgets count it
     */
    private record Target(double n, double d, double flops) {}

    /** A fit that is ready to be asked. */
    private record Oracle(PredictionQueries.FitHome home, Refits.Known known, FittedLaw law) {

        long fitId() {
            return known.fit().id();
        }
    }

    /** @throws ProblemException not-found, invalid-request, incomparable-runs, run-begun, prediction-refused */
    Made predict(long fitId, PredictionViews.CreatePrediction request) {
        PredictionChecks.request(request);
        @Nullable Long runId = request.runId();
        if (runId != null) {
            access.maySeeRun(runId);
        }
        PredictionQueries.FitHome home = queries.homeOf(fitId);
        @Nullable PlannedRun run = runId == null ? null : queries.run(runId);
        if (run != null) {
            var known = store.find(run.id(), fitId);
            if (known.isPresent()) {
                return new Made(queries.get(known.getAsLong()), false);
            }
            PredictionChecks.run(run, home.experimentId(), home.comparability());
        }
        PredictionStore.Made made = predict(oracle(fitId, home), request, run);
        return new Made(queries.get(made.id()), made.created());
    }

    /**
     * Has a fit predict every run of a sweep that is about to be submitted.
     *
     * @return takes the sweep's id, in the transaction that queues its runs, so that none can have begun; all of them are predicted, or
     *     it throws
     * @throws ProblemException not-found, prediction-refused; what is returned throws invalid-request, incomparable-runs and
     *     prediction-refused
     */
    public LongConsumer ofSweep(long fitId) {
        access.maySeeFit(fitId);
        Oracle oracle = oracle(fitId, queries.homeOf(fitId));
        return sweepId -> {
            List<PlannedRun> runs = queries.pretrainingOf(sweepId);
            if (runs.isEmpty()) {
                throw PredictionChecks.invalid(
                        "/predictFrom",
                        "is for sweeps of pretraining runs: a law of N and D predicts nothing of others");
            }
            predictAll(oracle, runs);
        };
    }

    /**
     * As {@link #ofSweep}, of single runs that are about to be queued.
     *
     * @return takes their ids
     */
    public Consumer<List<Long>> ofRuns(long fitId) {
        access.maySeeFit(fitId);
        Oracle oracle = oracle(fitId, queries.homeOf(fitId));
        return ids -> predictAll(oracle, ids.stream().map(queries::run).toList());
    }

    private void predictAll(Oracle oracle, List<PlannedRun> runs) {
        for (PlannedRun run : runs) {
            PredictionChecks.run(run, oracle.home.experimentId(), oracle.home.comparability());
            predict(oracle, new PredictionViews.CreatePrediction(run.id(), null, null), run);
        }
    }

    private Oracle oracle(long fitId, PredictionQueries.FitHome home) {
        Refits.Known known = refits.law(fitId);
        @Nullable FittedLaw law = known.law();
        if (law == null) {
            throw refused(fitId, "the fit itself was refused" + why(known.fit()));
        }
        return new Oracle(home, known, law);
    }

    private PredictionStore.Made predict(
            Oracle oracle, PredictionViews.CreatePrediction request, @Nullable PlannedRun run) {
        Target target = target(request, run, oracle.known.countsEmbeddings());
        return switch (oracle.law.forecast(target.n, target.d, target.flops)) {
            case FittedLaw.Forecast.Refused(String code, String sentence) ->
                throw refused(oracle.fitId(), code + ": " + sentence);
            case FittedLaw.Forecast.Loss forecast -> {
                if (!forecast.loss().isFinite() || !(forecast.loss().low() > 0)) {
                    throw refused(oracle.fitId(), "its interval there is not of losses");
                }
                yield store(prediction(oracle, target, forecast, request.runId()));
            }
        };
    }

    private static String why(FitViews.Fit fit) {
        FitViews.@Nullable Refusal refusal = fit.refusal();
        return refusal == null ? "" : ", " + refusal.code() + ": " + refusal.message();
    }

    private static Target target(
            PredictionViews.CreatePrediction request, @Nullable PlannedRun run, boolean countsEmbeddings) {
        if (run != null) {
            return new Target(run.n(countsEmbeddings), run.d(), run.flops());
        }
        Double n = request.n();
        Double d = request.d();
        if (n == null || d == null) {
            throw new IllegalStateException("checked before");
        }
        return new Target(n, d, 6 * n * d);
    }

    private static NewPrediction prediction(
            Oracle oracle, Target target, FittedLaw.Forecast.Loss forecast, @Nullable Long runId) {
        PredictionQueries.FitHome home = oracle.home;
        FitViews.Fit fit = oracle.known.fit();
        Estimate loss = forecast.loss();
        Caller caller = Caller.current();
        return new NewPrediction(
                home.experimentId(),
                fit.id(),
                fit.inputHash(),
                fit.method(),
                oracle.law.formula(),
                target.n,
                target.d,
                target.flops,
                oracle.known.countsEmbeddings(),
                home.comparability(),
                forecast.extrapolationRatio(),
                fit.level(),
                loss.value(),
                loss.low(),
                loss.high(),
                forecast.logSd(fit.level()),
                caller.principal(),
                caller.shownName(),
                runId);
    }

    private PredictionStore.Made store(NewPrediction prediction) {
        try {
            return store.create(prediction);
        } catch (PredictionStore.RunBegunException e) {
            throw begun(prediction.runId(), e);
        }
    }

    /**
     * Ties a prediction of an N and D to a run of that N and D.
     *
     * @throws ProblemException not-found, invalid-request, incomparable-runs, run-begun, prediction-exists
     */
    PredictionViews.Prediction link(long id, PredictionViews.LinkPrediction request) {
        @Nullable Long runId = request.runId();
        if (runId == null) {
            throw PredictionChecks.invalid("/runId", "is needed: the run that is to be tied to the prediction");
        }
        PredictionViews.Prediction prediction = queries.get(id);
        access.maySeeRun(runId);
        PlannedRun run = queries.run(runId);
        if (prediction.runId() != null) {
            if (prediction.runId() == run.id()) {
                return prediction;
            }
            throw exists("Prediction %d is of run %d for good; make another.".formatted(id, prediction.runId()));
        }
        PredictionChecks.run(
                run,
                prediction.experimentId(),
                queries.homeOf(prediction.fitId()).comparability());
        PredictionChecks.same(run, prediction.n(), prediction.d(), prediction.countEmbeddings());
        if (store.find(run.id(), prediction.fitId()).isPresent()) {
            throw exists("Run %d has a prediction of fit %d already.".formatted(run.id(), prediction.fitId()));
        }
        try {
            if (!store.link(id, run.id())) {
                throw exists("Prediction %d has just been tied to another run.".formatted(id));
            }
        } catch (PredictionStore.RunBegunException e) {
            throw begun(run.id(), e);
        } catch (org.springframework.dao.DuplicateKeyException e) {
            ProblemException problem =
                    exists("Run %d has a prediction of fit %d already.".formatted(run.id(), prediction.fitId()));
            problem.initCause(e);
            throw problem;
        }
        return queries.get(id);
    }

    private static ProblemException begun(@Nullable Long runId, PredictionStore.RunBegunException cause) {
        ProblemException problem = PredictionChecks.begun(runId == null ? 0 : runId);
        problem.initCause(cause);
        return problem;
    }

    private static ProblemException exists(String detail) {
        return new ProblemException(ErrorCode.PREDICTION_EXISTS, detail);
    }

    private static ProblemException refused(long fitId, String why) {
        return new ProblemException(
                ErrorCode.PREDICTION_REFUSED,
                "Fit %d predicts nothing there: %s.".formatted(fitId, why.replaceAll("\\.$", "")));
    }
}
