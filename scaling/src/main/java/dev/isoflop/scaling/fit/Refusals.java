package dev.isoflop.scaling.fit;

import java.util.Locale;
import java.util.Map;

/** Refusals more than one method gives, worded once. */
final class Refusals {

    private Refusals() {}

    static <T> FitOutcome.Refused<T> farExtrapolation(double target, double largest, double limit) {
        return new FitOutcome.Refused<>(
                RefusalReason.FAR_EXTRAPOLATION,
                format(
                        "The target of %.3g FLOPs is %.3g times the largest budget fitted (%.3g); the limit is %.3g times.",
                        target, target / largest, largest, limit),
                Map.of("target", target, "largest", largest, "ratio", target / largest, "limit", limit));
    }

    static String format(String pattern, Object... arguments) {
        return String.format(Locale.ROOT, pattern, arguments);
    }
}
