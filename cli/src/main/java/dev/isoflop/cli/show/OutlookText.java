package dev.isoflop.cli.show;

import dev.isoflop.protocol.api.OutlookViews.Outlook;
import dev.isoflop.protocol.api.OutlookViews.OutlookLaw;
import dev.isoflop.protocol.api.OutlookViews.OutlookLoss;
import dev.isoflop.protocol.api.OutlookViews.OutlookSaved;
import dev.isoflop.protocol.api.OutlookViews.OutlookVerdict;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Outlooks of runs as text: one in full, those of a sweep a line each with its reason. */
public final class OutlookText {

    private OutlookText() {}

    public static List<String> one(String name, Outlook o) {
        List<String> lines = new ArrayList<>();
        lines.add("%s (run %d, %s): %s of the tokens seen"
                .formatted(name, o.runId(), o.state().wireName(), percent(o.progress())));
        if (o.now() != null) {
            lines.add("  now       %s nats per token".formatted(Numbers.plain(o.now())));
        }
        OutlookLoss end = o.end();
        if (end != null) {
            lines.add(
                    "  end       %s at %s".formatted(interval(end.loss(), end.low(), end.high()), percent(o.level())));
        }
        OutlookLoss curve = o.curve();
        OutlookLaw law = o.law();
        if (curve != null && law != null) {
            lines.add("  curve     " + interval(curve.loss(), curve.low(), curve.high()));
        }
        if (law != null) {
            lines.add("  fit %-5d %s".formatted(law.fitId(), interval(law.loss(), law.low(), law.high())));
        }
        lines.add("  " + o.verdict().wireName()
                + (o.saved().flops() > 0 ? "; stopping now would save " + saved(o.saved()) : ""));
        lines.add("  " + o.sentence());
        return lines;
    }

    /** What the lines of {@link #row} are. */
    public static String header() {
        return "%5s %-28s %6s  %-28s %-8s %s".formatted("id", "run", "seen", "end", "verdict", "saves");
    }

    public static String row(String name, Outlook o) {
        OutlookLoss end = o.end();
        return "%5d %-28s %6s  %-28s %-8s %s"
                .formatted(
                        o.runId(),
                        name,
                        percent(o.progress()),
                        end == null ? "–" : interval(end.loss(), end.low(), end.high()),
                        o.verdict().wireName(),
                        o.verdict() == OutlookVerdict.STOP ? saved(o.saved()) : "");
    }

    private static String saved(OutlookSaved saved) {
        @Nullable Double seconds = saved.seconds();
        return Numbers.power(saved.flops()) + " FLOPs" + (seconds == null ? "" : " and " + Numbers.duration(seconds));
    }

    private static String interval(double value, double low, double high) {
        return "%s (%s to %s)".formatted(Numbers.plain(value), Numbers.plain(low), Numbers.plain(high));
    }

    private static String percent(double share) {
        return String.format(Locale.ROOT, "%.0f %%", 100 * share);
    }
}
