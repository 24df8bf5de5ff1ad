package dev.isoflop.scaling.fit;

import dev.isoflop.scaling.law.FitPoint;
import java.util.List;

/**
 * One budget of a sweep.
 *
 * @param C training FLOPs
 * @param points all its points, in order of N
 * @param used how many of them the parabola was fitted to
 * @param parabola the curve, or why there is none
 */
public record BudgetFit(double C, List<FitPoint> points, int used, FitOutcome<Parabola> parabola) {

    public BudgetFit {
        points = List.copyOf(points);
    }
}
