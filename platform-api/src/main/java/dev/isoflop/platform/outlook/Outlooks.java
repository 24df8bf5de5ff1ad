package dev.isoflop.platform.outlook;

import dev.isoflop.db.metric.MetricReader;
import dev.isoflop.platform.access.ExperimentAccess;
import dev.isoflop.platform.fits.FittedLaw;
import dev.isoflop.platform.outlook.LawsOfRuns.Said;
import dev.isoflop.platform.outlook.LawsOfRuns.SizedRun;
import dev.isoflop.platform.runs.RunQueries;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.protocol.api.FitViews;
import dev.isoflop.protocol.api.OutlookViews;
import dev.isoflop.protocol.api.RunState;
import dev.isoflop.protocol.api.Views;
import dev.isoflop.protocol.error.ErrorCode;
import dev.isoflop.protocol.job.LearningRateSchedule;
import dev.isoflop.protocol.job.PretrainSpec;
import dev.isoflop.protocol.job.TrainingSettings;
import dev.isoflop.scaling.curve.CurveForecast;
import dev.isoflop.scaling.curve.CurvePoint;
import dev.isoflop.scaling.curve.EndLoss;
import dev.isoflop.scaling.curve.Outlook;
import dev.isoflop.scaling.curve.RateSchedule;
import dev.isoflop.scaling.curve.TrainingCurve;
import dev.isoflop.scaling.fit.Estimate;
import dev.isoflop.scaling.fit.FitOutcome;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Service;

/** Puts a run's recorded losses, its schedule and a fit's forecast together, and asks {@code scaling} where that leads. Stores nothing and stops nothing. */
@Service
class Outlooks {

    /** As many as a run records by default, and more: beyond, a point stands for several. */
    private static final int POINTS = 4_000;

    private final RunQueries runs;
    private final MetricReader metrics;
    private final LawsOfRuns laws;
    private final ExperimentAccess access;

    Outlooks(RunQueries runs, MetricReader metrics, LawsOfRuns laws, ExperimentAccess access) {
        this.runs = runs;
        this.metrics = metrics;
        this.laws = laws;
        this.access = access;
    }

    /**
     * @param fit to hold it against; the newest that fits if absent
     */
    record Asked(
            double level, @Nullable Double atMost, @Nullable Long fit) {}

    /**
     * @param said absent where no fit is like the run, or none forecasts it
     * @param refusal why the fit that was found forecasts nothing
     */
    private record Law(
            @Nullable Said said, FittedLaw.Forecast.@Nullable Loss loss, FitViews.@Nullable Refusal refusal) {

        static final Law NONE = new Law(null, null, null);

        Optional<EndLoss> end() {
            if (said == null || loss == null) {
                return Optional.empty();
            }
            return Optional.of(
                    new EndLoss(loss.loss().value(), loss.logSd(said.fit().level())));
        }
    }

    /** @throws ProblemException not-found; invalid-request; incomparable-runs and prediction-refused where a fit is named that says nothing of the run */
    OutlookViews.Outlook of(long runId, Asked asked) {
        checked(asked);
        Views.RunDetail detail = runs.detail(runId);
        if (!(detail.job() instanceof PretrainSpec job)) {
            throw invalid(
                    "id",
                    "is a run of kind %s: only a pretraining run has a curve with a known schedule"
                            .formatted(detail.run().kind()));
        }
        Law law = law(runId, asked.fit);
        Outlook outlook = Outlook.of(
                curve(runId, job),
                new Outlook.Aim(
                        law.end(),
                        asked.atMost == null ? OptionalDouble.empty() : OptionalDouble.of(asked.atMost),
                        asked.level));
        return view(detail.run(), asked, law, outlook);
    }

    private static void checked(Asked asked) {
        if (!(asked.level > 0 && asked.level < 1)) {
            throw invalid("level", "is between 0 and 1, such as 0.9; was " + asked.level);
        }
        if (asked.atMost != null && !(asked.atMost > 0 && Double.isFinite(asked.atMost))) {
            throw invalid("atMost", "is a loss above 0 in nats per token, was " + asked.atMost);
        }
    }

    private Law law(long runId, @Nullable Long asked) {
        SizedRun run = laws.run(runId);
        if (asked == null) {
            return laws.newest(run).map(fit -> found(fit, run)).orElse(Law.NONE);
        }
        access.maySeeFit(asked);
        if (!laws.comparable(asked, run)) {
            throw new ProblemException(
                    ErrorCode.INCOMPARABLE_RUNS,
                    "Run %d differs from the runs of fit %d in tokenizer, data, evaluation, precision or optimizer: their losses share no law. Name a fit of runs like it, or none."
                            .formatted(runId, asked));
        }
        Law law = law(laws.say(asked, run));
        if (law.refusal != null) {
            throw new ProblemException(
                    ErrorCode.PREDICTION_REFUSED,
                    "Fit %d says nothing of run %d: %s".formatted(asked, runId, law.refusal.message()));
        }
        return law;
    }

    /** A fit that nobody named must not stand in the way of what the curve says. */
    private Law found(long fit, SizedRun run) {
        try {
            return law(laws.say(fit, run));
        } catch (ProblemException e) {
            return new Law(null, null, new FitViews.Refusal(e.code().slug(), String.valueOf(e.getMessage())));
        }
    }

    private static Law law(Said said) {
        return switch (said.forecast()) {
            case FittedLaw.Forecast.Loss loss
            when loss.loss().isFinite() && loss.loss().low() > 0 -> new Law(said, loss, null);
            case FittedLaw.Forecast.Loss _ ->
                new Law(said, null, new FitViews.Refusal("no-interval", "Its interval there is not of losses."));
            case FittedLaw.Forecast.Refused(String code, String sentence) ->
                new Law(said, null, new FitViews.Refusal(code, sentence));
        };
    }

    private TrainingCurve curve(long runId, PretrainSpec job) {
        TrainingSettings training = job.training();
        double perStep = (double) training.batchSequences() * job.model().contextLength();
        return new TrainingCurve(
                points(runId, "train/loss", training.steps(), perStep),
                points(runId, "eval/loss", training.steps(), perStep),
                training.steps() * perStep,
                schedule(training));
    }

    private List<CurvePoint> points(long runId, String metric, long steps, double perStep) {
        List<CurvePoint> points = new ArrayList<>();
        metrics.series(runId, metric, 1, steps, POINTS).ifPresent(series -> {
            for (int i = 0; i < series.steps().length; i++) {
                if (series.last()[i] > 0 && Double.isFinite(series.last()[i])) {
                    points.add(new CurvePoint(series.steps()[i] * perStep, series.last()[i]));
                }
            }
        });
        return points;
    }

    private static RateSchedule schedule(TrainingSettings training) {
        double warmup = training.warmupFraction();
        double last = training.finalLearningRateFraction();
        RateSchedule shape = switch (training.schedule()) {
            case COSINE -> RateSchedule.cosine(warmup, last);
            case WSD -> RateSchedule.wsd(warmup, last, LearningRateSchedule.WSD_DECAY_FROM);
            case CONSTANT -> RateSchedule.constant(warmup);
        };
        return shape.at(training.learningRate(), training.steps());
    }

    private static OutlookViews.Outlook view(Views.Run run, Asked asked, Law law, Outlook outlook) {
        @Nullable CurveForecast curve = outlook.curve().asOptional().orElse(null);
        boolean over = run.state().isTerminal();
        return new OutlookViews.Outlook(
                run.id(),
                run.state(),
                outlook.progress(),
                asked.level,
                over ? OutlookViews.OutlookVerdict.UNKNOWN : verdict(outlook),
                over
                        ? "The run has ended (%s): there is nothing to stop."
                                .formatted(run.state().wireName())
                        : outlook.sentence(),
                asked.atMost,
                curve == null ? null : curve.now(),
                outlook.end().map(end -> loss(end, asked.level)).orElse(null),
                curve == null ? null : loss(curve.end(), asked.level),
                said(law, asked.level),
                refusal(outlook, law),
                saved(run, over));
    }

    private static OutlookViews.OutlookVerdict verdict(Outlook outlook) {
        return switch (outlook.verdict()) {
            case GO_ON -> OutlookViews.OutlookVerdict.GO_ON;
            case STOP -> OutlookViews.OutlookVerdict.STOP;
            case UNKNOWN -> OutlookViews.OutlookVerdict.UNKNOWN;
        };
    }

    private static OutlookViews.OutlookLoss loss(EndLoss end, double level) {
        Estimate interval = end.interval(level);
        return new OutlookViews.OutlookLoss(interval.value(), interval.low(), interval.high());
    }

    private static OutlookViews.@Nullable OutlookLaw said(Law law, double level) {
        if (law.said == null || law.loss == null) {
            return null;
        }
        FitViews.Fit fit = law.said.fit();
        Estimate e = law.end().orElseThrow().interval(level);
        return new OutlookViews.OutlookLaw(
                fit.id(), fit.sweepId(), e.value(), e.low(), e.high(), law.loss.extrapolationRatio());
    }

    private static FitViews.@Nullable Refusal refusal(Outlook outlook, Law law) {
        return switch (outlook.curve()) {
            case FitOutcome.Refused<CurveForecast> refused ->
                new FitViews.Refusal(refused.reason().code(), refused.sentence());
            case FitOutcome.Converged<CurveForecast> _ -> law.refusal;
        };
    }

    private static OutlookViews.OutlookSaved saved(Views.Run run, boolean over) {
        double left = over || run.tokens() <= 0 ? 0 : Math.max(0, run.tokens() - run.doneTokens());
        Double speed = run.tokensPerSecond();
        return new OutlookViews.OutlookSaved(
                run.tokens() <= 0 ? 0 : run.flops() * left / run.tokens(),
                over || run.state() != RunState.RUNNING || speed == null || !(speed > 0)
                        ? null
                        : (Double) (left / speed));
    }

    private static ProblemException invalid(String parameter, String message) {
        return ProblemException.field("/" + parameter, message);
    }
}
