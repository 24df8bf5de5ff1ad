package dev.isoflop.cli.show;

import dev.isoflop.protocol.api.PlanViews;
import dev.isoflop.scaling.question.NextQuestion;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Proposed runs of a sweep, as lines. */
public final class NextRunsText {

    private NextRunsText() {}

    public static List<String> lines(PlanViews.NextRuns next) {
        NextQuestion.Of of = NextQuestion.Of.valueOf(next.target());
        List<String> lines = new ArrayList<>();
        lines.add(String.format(
                Locale.ROOT,
                "Fit %d: %s; a run's loss is good to %.2f %%.",
                next.fitId(),
                TargetText.known(of, next.value(), next.sd()),
                100 * next.noise()));
        for (PlanViews.NextRun run : next.runs()) {
            PlanViews.SweepCell cell = run.cell();
            lines.add(String.format(
                    Locale.ROOT,
                    "  %-10s N = %s, D = %s, %s FLOPs%s: %s",
                    cell == null ? "any" : cell.model() + " (" + cell.layers() + " layers)",
                    Numbers.count(run.n()),
                    Numbers.count(run.d()),
                    Numbers.power(run.flops()),
                    cell == null || cell.seconds() == null ? "" : ", about " + Numbers.duration(cell.seconds()),
                    TargetText.then(of, run.sdAfter(), run.saves() == null ? Double.NaN : run.saves())));
        }
        lines.add("  " + next.sentence());
        if (next.caution() != null) {
            lines.add("  But: " + next.caution());
        }
        if (next.unshaped() != null) {
            String none = next.runs().size() == 1 ? "This is no model" : "These are no models";
            lines.add("  " + none + " of the sweep: " + next.unshaped());
        }
        return lines;
    }
}
