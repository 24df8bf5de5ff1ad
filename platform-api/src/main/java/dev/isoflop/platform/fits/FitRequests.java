package dev.isoflop.platform.fits;

import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.protocol.api.FitViews;
import dev.isoflop.protocol.error.ErrorCode;
import dev.isoflop.protocol.error.Problem;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What can be wrong with a request for a fit, each fault with its field. */
final class FitRequests {

    static final FitViews.CreateFit DEFAULTS = new FitViews.CreateFit(null, null, null, null, null, null);

    private static final int MIN_BOOTSTRAPS = 100;
    private static final int MAX_BOOTSTRAPS = 20_000;
    private static final int MAX_REASON = 500;

    private FitRequests() {}

    static void check(FitViews.CreateFit request) {
        String method = request.method();
        if (method != null && !method.equals(FitMapper.ISOFLOP) && !method.equals(FitMapper.PARAMETRIC)) {
            throw invalid("/method", "is isoflop or parametric, or absent for both; was '" + method + "'");
        }
        Double target = request.target();
        if (target != null && !(target > 0 && Double.isFinite(target))) {
            throw invalid("/target", "is a compute budget in FLOPs above 0, was " + target);
        }
        Integer bootstraps = request.bootstraps();
        if (bootstraps != null && (bootstraps < MIN_BOOTSTRAPS || bootstraps > MAX_BOOTSTRAPS)) {
            throw invalid("/bootstraps", "is " + MIN_BOOTSTRAPS + " to " + MAX_BOOTSTRAPS + ", was " + bootstraps);
        }
        Double level = request.level();
        if (level != null && !(level >= 0.5 && level < 1)) {
            throw invalid("/level", "is a coverage from 0.5 to below 1, was " + level);
        }
    }

    @SuppressWarnings("ConstantValue") // what came over HTTP may lack any of its fields
    static String reason(int index, FitViews.Exclusion exclusion) {
        @Nullable String reason = exclusion.reason();
        if (reason == null || reason.isBlank() || reason.length() > MAX_REASON) {
            throw invalid(
                    "/exclude/" + index + "/reason",
                    "an exclusion is stored with its reason, 1 to " + MAX_REASON + " characters");
        }
        return reason;
    }

    static ProblemException invalid(String pointer, String message) {
        return new ProblemException(
                ErrorCode.INVALID_REQUEST,
                pointer + " " + message + ".",
                List.of(new Problem.FieldError(pointer, message, null, null)));
    }
}
