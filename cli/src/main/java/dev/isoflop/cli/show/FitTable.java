package dev.isoflop.cli.show;

import dev.isoflop.protocol.api.FitViews;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Fits as text: parameters, budgets and the optimum, each with its interval, or why there is none. */
public final class FitTable {

    /** Longer lists would push the law off the screen; a sweep of several recipes leaves out most of its runs. */
    private static final int MOST_LEFT_OUT = 10;

    /** The code of {@code RefusalReason.TOO_FEW_SIZES}. */
    private static final String TOO_FEW_SIZES = "too-few-sizes";
    /** More budgets than this are not told one by one that they have too few sizes. */
    private static final int MOST_WITHOUT_OPTIMUM = 3;

    private FitTable() {}

    public static List<String> lines(List<FitViews.Fit> fits) {
        List<String> lines = new ArrayList<>();
        for (FitViews.Fit fit : fits) {
            if (!lines.isEmpty()) {
                lines.add("");
            }
            lines.add(title(fit.method()) + ", fit " + fit.id() + " ("
                    + fit.points().size() + " runs, " + Math.round(100 * fit.level()) + " % intervals)");
            FitViews.Refusal refusal = fit.refusal();
            if (refusal != null) {
                lines.add("  refused, " + refusal.code() + ": " + refusal.message());
            }
            for (FitViews.Estimate p : fit.parameters()) {
                lines.add("  " + estimate(p.name(), p, Numbers::plain));
            }
            lines.addAll(budgets(fit.budgets()));
            FitViews.Optimum target = fit.target();
            if (target != null) {
                lines.add("  optimum at C = " + Numbers.power(target.flops()));
                lines.addAll(optimum(target));
            }
            if (fit.excluded().size() > MOST_LEFT_OUT) {
                lines.add("  left out: " + fit.excluded().size() + " runs; the sweep's page says why each");
            } else {
                fit.excluded().forEach(e -> lines.add("  left out: " + e.name() + " (" + e.reason() + ")"));
            }
            fit.warnings().forEach(w -> lines.add("  note: " + w));
        }
        return lines;
    }

    private static String title(String method) {
        return switch (method) {
            case "isoflop" -> "IsoFLOP parabolas (approach 2)";
            case "parametric" -> "Parametric law (approach 3)";
            default -> method;
        };
    }

    /** A line each, but for those of a grown sweep that hold a run or two and of which nobody expects a parabola. */
    private static List<String> budgets(List<FitViews.Budget> all) {
        long few = all.stream().filter(FitTable::hasTooFewSizes).count();
        List<String> lines = new ArrayList<>();
        all.stream()
                .filter(b -> few <= MOST_WITHOUT_OPTIMUM || !hasTooFewSizes(b))
                .forEach(b -> lines.add(budget(b)));
        if (few > MOST_WITHOUT_OPTIMUM) {
            lines.add(
                    "  " + few + " more budgets have too few sizes for a parabola; the parametric fit has their runs.");
        }
        return lines;
    }

    private static boolean hasTooFewSizes(FitViews.Budget b) {
        FitViews.Refusal refusal = b.refusal();
        return refusal != null && refusal.code().equals(TOO_FEW_SIZES);
    }

    private static String budget(FitViews.Budget b) {
        FitViews.Optimum optimum = b.optimum();
        FitViews.Refusal refusal = b.refusal();
        String at = String.format(Locale.ROOT, "  C = %-9s", Numbers.power(b.flops()));
        if (optimum == null) {
            return at + (refusal == null ? " no optimum" : " refused, " + refusal.code() + ": " + refusal.message());
        }
        return at + " N* = " + interval(optimum.n(), Numbers::count) + ", L* = "
                + interval(optimum.loss(), Numbers::plain);
    }

    private static List<String> optimum(FitViews.Optimum o) {
        return List.of(
                "    N* = " + interval(o.n(), Numbers::count) + " parameters",
                "    D* = " + interval(o.d(), Numbers::count) + " tokens",
                "    L* = " + interval(o.loss(), Numbers::plain) + " nats per token");
    }

    private static String estimate(String name, FitViews.Estimate e, java.util.function.DoubleFunction<String> show) {
        return String.format(Locale.ROOT, "%-12s %s", name, interval(e, show));
    }

    private static String interval(FitViews.@Nullable Estimate e, java.util.function.DoubleFunction<String> show) {
        return e == null ? "–" : show.apply(e.value()) + " [" + show.apply(e.low()) + ", " + show.apply(e.high()) + "]";
    }
}
