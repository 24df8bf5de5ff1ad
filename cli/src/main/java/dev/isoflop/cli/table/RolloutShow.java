package dev.isoflop.cli.table;

import dev.isoflop.cli.show.Numbers;
import dev.isoflop.scaling.forecast.Rollouts;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import tools.jackson.databind.node.ObjectNode;

/** How forms did on larger runs held out, as JSON and as text. */
final class RolloutShow {

    private RolloutShow() {}

    static void put(ObjectNode root, Rollouts rollouts) {
        ObjectNode node = root.putObject("rollouts");
        node.put("best", rollouts.candidates().get(rollouts.best()).name());
        node.put("sentence", sentence(rollouts));
        var cuts = node.putArray("cutOffs");
        rollouts.rungs().forEach(rung -> {
            ObjectNode cut = cuts.addObject();
            ReportShow.put(cut, "C", rung.cut());
            cut.put("fitted", rung.fitted());
            cut.put("heldOut", rung.held().size());
        });
        var forms = node.putArray("forms");
        ranked(rollouts).forEach(k -> {
            ObjectNode form = forms.addObject();
            form.put("form", rollouts.candidates().get(k).name());
            form.put("law", rollouts.candidates().get(k).law().name());
            ReportShow.put(form, "rms", rollouts.rms(k));
            ReportShow.put(form, "milliseconds", rollouts.milliseconds(k));
            var bands = form.putArray("byRatio");
            rollouts.bands(k).forEach(band -> {
                ObjectNode each = bands.addObject();
                ReportShow.put(each, "from", band.from());
                ReportShow.put(each, "to", band.to());
                each.put("points", band.points());
                ReportShow.put(each, "meanAbsoluteError", band.meanAbsolute());
                ReportShow.put(each, "rms", band.rms());
            });
        });
    }

    static List<String> lines(Rollouts rollouts) {
        List<String> lines = new ArrayList<>();
        lines.add(String.format(
                Locale.ROOT,
                "forms by their error on larger runs held out, at %d cut-offs (%s FLOPs):",
                rollouts.rungs().size(),
                rollouts.rungs().stream().map(r -> Numbers.power(r.cut())).collect(Collectors.joining(", "))));
        StringBuilder head = new StringBuilder(String.format("  %-26s %8s", "", "rms"));
        rollouts.bands(0)
                .forEach(band -> head.append(String.format("  %18s", "to " + Numbers.count(band.to()) + " times")));
        lines.add(head.append(String.format(" %9s", "ms")).toString());
        for (int k : ranked(rollouts)) {
            StringBuilder line = new StringBuilder(String.format(
                    Locale.ROOT,
                    "  %-26s %8s",
                    rollouts.candidates().get(k).name(),
                    rollouts.isComplete(k) ? percent(rollouts.rms(k)) : "no fit"));
            for (Rollouts.Band band : rollouts.bands(k)) {
                line.append(String.format(
                        Locale.ROOT,
                        "  %18s",
                        Double.isFinite(band.meanAbsolute())
                                ? percent(band.meanAbsolute()) + " of " + band.points()
                                : "-"));
            }
            lines.add(line.append(String.format(Locale.ROOT, " %9.0f", rollouts.milliseconds(k)))
                    .toString());
        }
        lines.add("  " + sentence(rollouts));
        return lines;
    }

    /** Which is the best, and how much that says. */
    private static String sentence(Rollouts rollouts) {
        List<Integer> ranked = ranked(rollouts);
        int first = ranked.getFirst();
        String chosen = String.format(
                Locale.ROOT,
                "%s is off least: %s in the root mean square of log loss, up to %.0f times beyond what was fitted",
                rollouts.candidates().get(first).name(),
                percent(rollouts.rms(first)),
                Rollouts.HORIZON);
        if (ranked.size() < 2 || !rollouts.isComplete(ranked.get(1))) {
            return chosen + "; nothing else was fitted at every cut-off.";
        }
        int second = ranked.get(1);
        long wins = IntStream.range(0, rollouts.rungs().size())
                .filter(r -> rollouts.meanSquareAt(r, first) < rollouts.meanSquareAt(r, second))
                .count();
        return String.format(
                Locale.ROOT,
                "%s. Next is %s with %s, which is further off at %d of %d cut-offs.",
                chosen,
                rollouts.candidates().get(second).name(),
                percent(rollouts.rms(second)),
                wins,
                rollouts.rungs().size());
    }

    private static String percent(double error) {
        return String.format(Locale.ROOT, "%.2f %%", 100 * error);
    }

    /** Least error first; what was not fitted everywhere last. */
    private static List<Integer> ranked(Rollouts rollouts) {
        return IntStream.range(0, rollouts.candidates().size())
                .boxed()
                .sorted(Comparator.comparingDouble(
                        k -> rollouts.isComplete(k) ? rollouts.rms(k) : Double.POSITIVE_INFINITY))
                .toList();
    }
}
