package dev.isoflop.scaling.question;

import dev.isoflop.scaling.design.DesignTarget;
import dev.isoflop.scaling.design.SequentialDesign;
import dev.isoflop.scaling.fit.FitOutcome;
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

    /** Times that the fit's own interval may be wider before that is said. */
    private static final double WIDER = 2;

    public NextAnswer {
        cells = List.copyOf(cells);
        leftOut = List.copyOf(leftOut);
    }

    /** A design held to what the fit's own bootstrap knows of the target. */
    static NextAnswer of(
            List<FitPoint> points,
            DesignTarget target,
            SequentialDesign.Next next,
            List<PlannedCell> cells,
            List<DroppedCell> leftOut) {
        return switch (SequentialDesign.heldTo(points, target, next)) {
            case FitOutcome.Refused<SequentialDesign.Next> no ->
                new NextAnswer(
                        next,
                        cells,
                        leftOut,
                        "The points do not settle a law by themselves; what is said here rests on what other laws are like. "
                                + no.sentence());
            case FitOutcome.Converged<SequentialDesign.Next>(SequentialDesign.Next held) ->
                new NextAnswer(
                        held,
                        cells,
                        leftOut,
                        held.sd() > WIDER * next.sd() ? caution(target, held.sd(), next.sd()) : null);
        };
    }

    private static String caution(DesignTarget target, double own, double reckoned) {
        String known = switch (target) {
            case DesignTarget.LogOptimum _ -> "N* only to a factor of %.2f".formatted(Math.exp(own));
            case DesignTarget.LogLoss _ -> "the loss only to %.2f %%".formatted(100 * own);
            case DesignTarget.OptimumExponent _ -> "the exponent only to %.3f".formatted(own);
        };
        return String.format(
                Locale.ROOT,
                "The fit itself knows %s, which is what these figures go by; if its exponents were as those of published laws are, it would be %.1f times less.",
                known,
                own / reckoned);
    }
}
