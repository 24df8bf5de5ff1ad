package dev.isoflop.cli.show;

import dev.isoflop.protocol.api.PlanViews;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Proposed runs of a sweep, as lines. */
public final class NextRunsText {

    private NextRunsText() {}

    public static List<String> lines(PlanViews.NextRuns next) {
        boolean optimum = next.target().equals("OPTIMUM");
        List<String> lines = new ArrayList<>();
        lines.add(String.format(
                Locale.ROOT,
                "Fit %d: %s; a run's loss is good to %.2f %%.",
                next.fitId(),
                switch (next.target()) {
                    case "OPTIMUM" ->
                        "N* is %s, known to a factor of %.3f"
                                .formatted(Numbers.count(Math.exp(next.value())), Math.exp(next.sd()));
                    case "LOSS" ->
                        "the loss is %.4f, known to %.2f %%".formatted(Math.exp(next.value()), 100 * next.sd());
                    default -> "the exponent is %.4f, known to %.4f".formatted(next.value(), next.sd());
                },
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
                    optimum
                            ? String.format(
                                    Locale.ROOT,
                                    "then to a factor of %.3f%s",
                                    Math.exp(run.sdAfter()),
                                    run.saves() == null
                                            ? ""
                                            : "; saves about " + Numbers.power(run.saves()) + " FLOPs at the target")
                            : String.format(Locale.ROOT, "then to %.4f", run.sdAfter())));
        }
        lines.add("  " + next.sentence());
        if (next.caution() != null) {
            lines.add("  But: " + next.caution());
        }
        if (next.unshaped() != null) {
            lines.add("  These are no models of the sweep: " + next.unshaped());
        }
        return lines;
    }
}
