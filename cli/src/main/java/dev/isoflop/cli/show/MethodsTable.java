package dev.isoflop.cli.show;

import dev.isoflop.protocol.api.FitAnswerViews.FitMethods;
import dev.isoflop.protocol.api.FitAnswerViews.MethodFit;
import dev.isoflop.protocol.api.FitAnswerViews.MethodTarget;
import dev.isoflop.protocol.api.FitAnswerViews.Reading;
import dev.isoflop.protocol.api.FitViews;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.DoubleFunction;
import org.jspecify.annotations.Nullable;

/** The methods beside each other as text: exponent and optimum of each with its interval, then why they differ. */
public final class MethodsTable {

    private static final String ROW = "  %-28s %-26s %s";

    private MethodsTable() {}

    public static List<String> lines(FitMethods all) {
        List<String> lines = new ArrayList<>();
        Double target = all.target();
        lines.add("%d runs of fit %d by every method (%d %% intervals)"
                .formatted(all.points(), all.fitId(), Math.round(100 * all.level())));
        lines.add(row("approach, method", "a of N* = k C^a", target == null ? "" : "N* at " + Numbers.power(target)));
        for (MethodFit method : all.methods()) {
            MethodTarget optimum = method.optimum();
            FitViews.Refusal refusal = method.refusal();
            lines.add(row(
                    method.approach() + "  " + method.name(),
                    reading(method.a(), Numbers::plain),
                    optimum == null ? "" : reading(optimum.n(), Numbers::count)));
            if (refusal != null) {
                lines.add("     no law: " + refusal.message());
            }
        }
        all.differences().forEach(sentence -> lines.add("  " + sentence));
        return lines;
    }

    private static String row(String name, String a, String n) {
        return String.format(Locale.ROOT, ROW, name, a, n).stripTrailing();
    }

    private static String reading(@Nullable Reading reading, DoubleFunction<String> show) {
        if (reading == null) {
            return "–";
        }
        Double low = reading.low();
        Double high = reading.high();
        return show.apply(reading.value())
                + (low == null || high == null ? "" : " [" + show.apply(low) + ", " + show.apply(high) + "]");
    }
}
