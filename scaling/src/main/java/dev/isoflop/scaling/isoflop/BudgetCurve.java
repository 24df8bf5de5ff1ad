package dev.isoflop.scaling.isoflop;

import dev.isoflop.scaling.law.FitPoint;
import java.util.ArrayList;
import java.util.Comparator;
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

    /** Budgets closer than this are one: planned runs round to whole steps. */
    private static final double SAME_BUDGET = 1.02;

    /** Curves of all budgets, by C. */
    public static List<BudgetCurve> of(List<FitPoint> points) {
        List<FitPoint> sorted =
                points.stream().sorted(Comparator.comparingDouble(FitPoint::C)).toList();
        List<BudgetCurve> out = new ArrayList<>();
        int start = 0;
        for (int i = 1; i <= sorted.size(); i++) {
            if (i == sorted.size() || sorted.get(i).C() > sorted.get(start).C() * SAME_BUDGET) {
                out.add(curve(sorted.subList(start, i)));
                start = i;
            }
        }
        return out;
    }

    private static BudgetCurve curve(List<FitPoint> members) {
        Map<Double, double[]> sums = new TreeMap<>();
        double logC = 0;
        for (FitPoint p : members) {
            double[] sum = sums.computeIfAbsent(p.N(), n -> new double[2]);
            sum[0] += p.weight();
            sum[1] += p.weight() * p.loss();
            logC += Math.log(p.C()) / members.size();
        }
        double[] logN = sums.keySet().stream().mapToDouble(Math::log).toArray();
        double[] loss = sums.values().stream().mapToDouble(s -> s[1] / s[0]).toArray();
        double[] share = sums.values().stream().mapToDouble(s -> 1 / s[0]).toArray();
        double first = members.getFirst().C();
        boolean exact = members.stream().allMatch(p -> p.C() == first);
        return new BudgetCurve(exact ? first : Math.exp(logC), logN, loss, share);
    }

    public int sizes() {
        return logN.length;
    }

    /** Mean gap between neighbouring sizes in ln N. */
    double meanGap() {
        return sizes() < 2 ? 0 : (logN[sizes() - 1] - logN[0]) / (sizes() - 1);
    }
}
