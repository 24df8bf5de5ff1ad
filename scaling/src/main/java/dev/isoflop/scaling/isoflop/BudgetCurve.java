package dev.isoflop.scaling.isoflop;

import dev.isoflop.scaling.law.Budgets;
import dev.isoflop.scaling.law.FitPoint;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The losses of one budget by size; runs of one size are averaged.
 *
 * @param C training FLOPs
 * @param logN natural logarithms of the sizes, ascending
 * @param loss weighted mean of the runs of a size, nats per token
 * @param share of the variance of one run of weight 1 that a mean has
 */
public record BudgetCurve(double C, double[] logN, double[] loss, double[] share) {

    /** Curves of all budgets, by C. */
    public static List<BudgetCurve> of(List<FitPoint> points) {
        return Budgets.of(points).stream().map(BudgetCurve::curve).toList();
    }

    private static BudgetCurve curve(Budgets.Budget budget) {
        Map<Double, double[]> sums = new TreeMap<>();
        for (FitPoint p : budget.points()) {
            double[] sum = sums.computeIfAbsent(p.N(), n -> new double[2]);
            sum[0] += p.weight();
            sum[1] += p.weight() * p.loss();
        }
        return new BudgetCurve(
                budget.C(),
                sums.keySet().stream().mapToDouble(Math::log).toArray(),
                sums.values().stream().mapToDouble(s -> s[1] / s[0]).toArray(),
                sums.values().stream().mapToDouble(s -> 1 / s[0]).toArray());
    }

    public int sizes() {
        return logN.length;
    }

    /** Mean gap between neighbouring sizes in ln N. */
    double meanGap() {
        return sizes() < 2 ? 0 : (logN[sizes() - 1] - logN[0]) / (sizes() - 1);
    }
}
