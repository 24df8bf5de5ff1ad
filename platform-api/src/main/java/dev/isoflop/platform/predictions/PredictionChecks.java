package dev.isoflop.platform.predictions;

import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.protocol.api.PredictionViews;
import dev.isoflop.protocol.api.RunState;
import dev.isoflop.protocol.error.ErrorCode;
import dev.isoflop.protocol.error.Problem;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** What can be wrong with what is to be predicted, each fault with its field and its fix. */
final class PredictionChecks {

    /** Largest relative difference in N or D between what was predicted and the run it is tied to. */
    private static final double SAME = 0.01;

    private PredictionChecks() {}

    /** Either a run, or N and D. */
    static void request(PredictionViews.CreatePrediction request) {
        boolean ofSize = request.n() != null || request.d() != null;
        if (request.runId() != null && ofSize) {
            throw invalid(
                    request.n() != null ? "/n" : "/d", "is the run's own where runId is given: leave one of them out");
        }
        if (request.runId() == null) {
            positive("/n", "parameters", request.n());
            positive("/d", "tokens", request.d());
        }
    }

    private static void positive(String pointer, String what, @Nullable Double value) {
        if (value == null) {
            throw invalid(pointer, "is needed where there is no runId: how many " + what);
        }
        if (!(value > 0 && Double.isFinite(value))) {
            throw invalid(pointer, "is a number of " + what + " above 0, was " + value);
        }
    }

    /** A run that a prediction of this experiment, and of losses measured so, may be of. */
    static void run(PlannedRun run, long experimentId, @Nullable String comparability) {
        if (run.experimentId() == null || run.experimentId() != experimentId) {
            throw invalid("/runId", "is a run of another experiment than the fit: predict a run of the same one");
        }
        if (!run.kind().equals("pretrain")) {
            throw invalid(
                    "/runId",
                    "is a run of kind %s: a law of N and D predicts pretraining runs alone".formatted(run.kind()));
        }
        if (run.begun() || run.state() != RunState.QUEUED) {
            throw begun(run.id());
        }
        if (comparability != null && !comparability.equals(run.comparability())) {
            throw new ProblemException(
                    ErrorCode.INCOMPARABLE_RUNS,
                    "Run %d differs from the fitted runs in tokenizer, data, evaluation, precision or optimizer: their losses share no law. Predict it from a fit of runs like it."
                            .formatted(run.id()));
        }
    }

    /** A run is what was predicted if it has the same N and D, but for the rounding of shapes and steps. */
    static void same(PlannedRun run, double n, double d, boolean countEmbeddings) {
        differs("N", run.n(countEmbeddings), n);
        differs("D", run.d(), d);
    }

    private static void differs(String what, double ofRun, double predicted) {
        if (Math.abs(ofRun / predicted - 1) > SAME) {
            throw invalid(
                    "/runId",
                    String.format(
                            Locale.ROOT,
                            "is a run of %s = %.4g, predicted was %.4g: they may differ by 1 %% at most",
                            what,
                            ofRun,
                            predicted));
        }
    }

    static ProblemException begun(long runId) {
        return new ProblemException(
                ErrorCode.RUN_BEGUN,
                "Run %d waits no longer: what is said of it now is no prediction. Predict a run that is queued and has never begun, or any N and D."
                        .formatted(runId));
    }

    static ProblemException invalid(String pointer, String message) {
        return new ProblemException(
                ErrorCode.INVALID_REQUEST,
                pointer + " " + message + ".",
                List.of(new Problem.FieldError(pointer, message, null, null)));
    }
}
