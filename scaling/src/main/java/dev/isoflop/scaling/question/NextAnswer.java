package dev.isoflop.scaling.question;

import dev.isoflop.scaling.design.SequentialDesign;
import dev.isoflop.scaling.fit.FitOutcome;
import dev.isoflop.scaling.fit.JointDraws;
import dev.isoflop.scaling.fit.ParametricFit;
import dev.isoflop.scaling.fit.ParametricOptions;
import dev.isoflop.scaling.fit.ParametricResult;
import dev.isoflop.scaling.fit.RobustScale;
import dev.isoflop.scaling.law.FitPoint;
import dev.isoflop.scaling.plan.DroppedCell;
import dev.isoflop.scaling.plan.PlannedCell;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Which runs to train next.
 *
 * @param next chosen runs with what they tell
 * @param cells the same as models and steps, in the same order; empty where nobody said which models there are
 * @param leftOut what could have been chosen but for a limit
 * @param caution why the reckoning may be off; null if nothing speaks against it
 */
public record NextAnswer(
        SequentialDesign.Next next,
        List<PlannedCell> cells,
        List<DroppedCell> leftOut,
        @Nullable String caution) {

    /** Times that the fit's own interval may be wider before the reckoning is not to be trusted. */
    private static final double WIDER = 2;

    public NextAnswer {
        cells = List.copyOf(cells);
        leftOut = List.copyOf(leftOut);
    }

    /** FLOPs of all runs that were chosen. */
    public double flops() {
        return next.choices().stream().mapToDouble(choice -> choice.run().C()).sum();
    }

    /**
     * A design takes the law for true and its exponents for known to a tenth; the bootstrap of the fit takes neither, and where it knows N* far worse the savings are far larger than
     * was reckoned.
     *
     * @param C budget of which N* is asked for
     * @param sd of ln N* as reckoned
     */
    static @Nullable String caution(List<FitPoint> points, double C, double sd) {
        return switch (ParametricFit.fit(points, ParametricOptions.defaults())) {
            case FitOutcome.Refused<ParametricResult> no ->
                "The points do not settle a law by themselves, so what is said of N* rests on what other laws are like: "
                        + no.sentence();
            case FitOutcome.Converged<ParametricResult>(ParametricResult fit) -> {
                JointDraws draws = fit.draws(C);
                double[] off = draws.draws().stream()
                        .mapToDouble(draw -> Math.log(draw.N() / draws.optimum().N()))
                        .toArray();
                double own = RobustScale.of(off);
                yield own > WIDER * sd
                        ? String.format(
                                Locale.ROOT,
                                "The fit itself knows N* only to a factor of %.2f, this reckoning takes it for known to %.2f: the runs are still in the right order, but they save more than is said here.",
                                Math.exp(own),
                                Math.exp(sd))
                        : null;
            }
        };
    }
}
