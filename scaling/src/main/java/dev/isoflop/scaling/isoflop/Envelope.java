package dev.isoflop.scaling.isoflop;

import dev.isoflop.scaling.fit.WeightedLine;
import dev.isoflop.scaling.law.FitPoint;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * Approach 1 (Hoffmann et al. 2022, section 3.1): the lower convex hull of log loss against log C over all points of all training curves, and lines of log N and
 * log D through its corners, those at which the loss no longer falls left out (as in McLeish et al. 2025, Gemstones).
 *
 * @param corners points on the hull by C
 * @param aN exponent of N* in C
 * @param logKN ln k of N* = k C^aN
 * @param aD exponent of D* in C; aN + aD = 1 only where C = 6 N D for every point
 * @param logKD ln k of D* = k C^aD
 */
public record Envelope(List<FitPoint> corners, double aN, double logKN, double aD, double logKD) {

    /** @throws IllegalArgumentException if fewer than two budgets are on the hull */
    public static Envelope of(List<FitPoint> points) {
        List<FitPoint> hull = hull(points);
        if (hull.size() < 2) {
            throw new IllegalArgumentException("a line needs two points of the frontier; there is " + hull.size());
        }
        double[] x = logs(hull, FitPoint::C);
        double[] ones = new double[x.length];
        Arrays.fill(ones, 1);
        WeightedLine n = WeightedLine.through(x, logs(hull, FitPoint::N), ones);
        WeightedLine d = WeightedLine.through(x, logs(hull, FitPoint::D), ones);
        return new Envelope(hull, n.slope(), n.intercept(), d.slope(), d.intercept());
    }

    private static double[] logs(List<FitPoint> points, java.util.function.ToDoubleFunction<FitPoint> of) {
        return points.stream().mapToDouble(p -> Math.log(of.applyAsDouble(p))).toArray();
    }

    /** Corners where the loss still falls: Andrew's monotone chain, lower side. */
    private static List<FitPoint> hull(List<FitPoint> points) {
        List<FitPoint> sorted = points.stream()
                .sorted(Comparator.comparingDouble(FitPoint::C).thenComparingDouble(FitPoint::loss))
                .toList();
        List<FitPoint> chain = new ArrayList<>();
        for (FitPoint p : sorted) {
            if (!chain.isEmpty() && p.C() == chain.getLast().C()) {
                continue;
            }
            while (chain.size() >= 2 && turn(chain.get(chain.size() - 2), chain.getLast(), p) <= 0) {
                chain.removeLast();
            }
            chain.add(p);
        }
        List<FitPoint> falling = new ArrayList<>();
        for (FitPoint p : chain) {
            if (falling.isEmpty() || p.loss() < falling.getLast().loss()) {
                falling.add(p);
            }
        }
        return List.copyOf(falling);
    }

    /** Positive where the way from a over b to c bends upwards. */
    private static double turn(FitPoint a, FitPoint b, FitPoint c) {
        double x1 = Math.log(b.C() / a.C());
        double y1 = Math.log(b.loss() / a.loss());
        double x2 = Math.log(c.C() / a.C());
        double y2 = Math.log(c.loss() / a.loss());
        return x1 * y2 - x2 * y1;
    }
}
