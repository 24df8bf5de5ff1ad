package dev.isoflop.cli.show;

import dev.isoflop.protocol.api.FitComparisonViews;
import dev.isoflop.protocol.api.FitViews;
import dev.isoflop.protocol.api.PredictionViews.Coverage;
import dev.isoflop.protocol.api.PredictionViews.LevelSummary;
import dev.isoflop.protocol.api.PredictionViews.Prediction;
import dev.isoflop.protocol.api.PredictionViews.PredictionSummary;
import dev.isoflop.protocol.api.PredictionViews.Score;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Predictions as text: one in words, all as a table under what they amount to. */
public final class PredictionTable {

    private PredictionTable() {}

    /** A prediction that was just made, or tied to its run. */
    public static List<String> one(Prediction p) {
        List<String> lines = new ArrayList<>();
        lines.add("Prediction %d, from fit %d (%s, inputs %s)"
                .formatted(
                        p.id(),
                        p.fitId(),
                        p.method(),
                        p.inputHash().substring(0, Math.min(12, p.inputHash().length()))));
        lines.add("  N = %s  D = %s  C = %s, %s times the largest C fitted"
                .formatted(
                        Numbers.count(p.n()),
                        Numbers.count(p.d()),
                        Numbers.power(p.flops()),
                        Numbers.count(p.extrapolationRatio())));
        lines.add("  loss " + interval(p) + " nats per token at " + percent(p.level()));
        lines.add("  " + outcome(p));
        return lines;
    }

    /** The ledger: what it amounts to first. */
    public static List<String> ledger(PredictionSummary summary, List<Prediction> all) {
        List<String> lines = new ArrayList<>();
        for (LevelSummary level : summary.levels()) {
            lines.add(inWords(level.all(), level.level()));
            for (Coverage each : level.classes()) {
                if (each.scored() > 0) {
                    lines.add("  C %-5s of the largest fitted: %s".formatted(each.ratio(), counted(each)));
                }
            }
        }
        if (summary.levels().isEmpty()) {
            lines.add("No prediction has been scored yet.");
        }
        if (summary.open() + summary.voided() > 0) {
            lines.add("%d open, %d void".formatted(summary.open(), summary.voided()));
        }
        if (all.isEmpty()) {
            lines.add("None to show. Make one with: isoflop predict FIT --run RUN");
            return lines;
        }
        lines.add("");
        lines.add("%5s %-28s %8s %8s %9s %6s  %-26s %8s %8s  %s"
                .formatted("id", "run", "N", "D", "C", "ratio", "predicted", "observed", "error", "outcome"));
        all.forEach(p -> lines.add(row(p)));
        return lines;
    }

    private static String inWords(Coverage c, double level) {
        return "%d of %d within their %s intervals (%s)".formatted(c.covered(), c.scored(), percent(level), counted(c));
    }

    private static String counted(Coverage c) {
        FitViews.@Nullable Estimate share = c.coverage();
        String coverage = share == null
                ? ""
                : "%s covered, %s to %s at 95 %%"
                        .formatted(percent(share.value()), percent(share.low()), percent(share.high()));
        Double median = c.medianError();
        Double mean = c.meanError();
        return coverage
                + (median == null || mean == null
                        ? ""
                        : ", |error| %s median, %s mean".formatted(percent2(median), percent2(mean)))
                + (c.diverged() == 0 ? "" : ", %d diverged".formatted(c.diverged()));
    }

    private static String row(Prediction p) {
        Score score = p.score();
        Double observed = score == null ? null : score.observed();
        Double error = score == null ? null : score.logError();
        String run = p.run();
        return String.format(
                Locale.ROOT,
                "%5d %-28s %8s %8s %9s %6s  %-26s %8s %8s  %s",
                p.id(),
                run == null ? "–" : printable(run),
                Numbers.count(p.n()),
                Numbers.count(p.d()),
                Numbers.power(p.flops()),
                String.format(Locale.ROOT, "%.2g", p.extrapolationRatio()),
                interval(p),
                observed == null ? "–" : Numbers.plain(observed),
                error == null ? "–" : signed(error),
                outcome(p));
    }

    private static String outcome(Prediction p) {
        Score score = p.score();
        if (score != null) {
            return score.diverged() ? "diverged" : score.covered() ? "covered" : "missed";
        }
        String reason = p.voidReason();
        if (reason != null) {
            return "void: " + printable(reason);
        }
        Long run = p.runId();
        return run == null
                ? "open, no run: isoflop predictions tie " + p.id() + " --run RUN"
                : "open until run " + run + " ends";
    }

    private static String interval(Prediction p) {
        return Numbers.plain(p.loss()) + " [" + Numbers.plain(p.low()) + ", " + Numbers.plain(p.high()) + "]";
    }

    private static String signed(double logError) {
        return String.format(Locale.ROOT, "%+.2f %%", 100 * Math.expm1(logError));
    }

    private static String percent(double share) {
        return String.format(Locale.ROOT, "%.4g %%", 100 * share)
                .replaceAll("(\\.\\d*?)0+ %", "$1 %")
                .replace(". %", " %");
    }

    private static String percent2(double share) {
        return String.format(Locale.ROOT, "%.2f %%", 100 * share);
    }

    /** Names come from others, and a terminal obeys control characters. */
    private static String printable(String text) {
        return text.replaceAll("\\p{Cntrl}", "\uFFFD");
    }

    /** Whether a fit came out of its record as it is stored. */
    public static List<String> reproduction(FitComparisonViews.Reproduction r) {
        List<String> lines = new ArrayList<>();
        lines.add(
                r.agrees()
                        ? "Fit %d comes out of its record as it is stored: input hash and %d numbers, to the last digit."
                                .formatted(r.fitId(), r.numbers())
                        : "Fit %d does not come out of its record as it is stored.".formatted(r.fitId()));
        if (!r.inputHash().equals(r.inputHashNow())) {
            lines.add("  inputs: stored %s, now %s".formatted(r.inputHash(), r.inputHashNow()));
        }
        if (!r.assumed().isEmpty()) {
            lines.add("  the record does not name " + String.join(", ", r.assumed()) + ": defaults were taken");
        }
        r.differences()
                .forEach(d -> lines.add(
                        "  %s: stored %s, now %s".formatted(d.pointer(), orNothing(d.stored()), orNothing(d.now()))));
        return lines;
    }

    private static String orNothing(@Nullable String value) {
        return value == null ? "nothing" : printable(value);
    }
}
