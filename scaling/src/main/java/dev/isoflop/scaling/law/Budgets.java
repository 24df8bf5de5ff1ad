package dev.isoflop.scaling.law;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** Points by the budget they belong to. */
public final class Budgets {

    /** Budgets closer than this are one: planned runs round to whole steps. */
    private static final double SAME = 1.02;

    private Budgets() {}

    /**
     * @param C training FLOPs; of runs that differ in it a little the geometric mean
     * @param points of that budget, by C
     */
    public record Budget(double C, List<FitPoint> points) {}

    /** By C. */
    public static List<Budget> of(List<FitPoint> points) {
        List<FitPoint> sorted =
                points.stream().sorted(Comparator.comparingDouble(FitPoint::C)).toList();
        List<Budget> out = new ArrayList<>();
        int start = 0;
        for (int i = 1; i <= sorted.size(); i++) {
            if (i == sorted.size() || sorted.get(i).C() > sorted.get(start).C() * SAME) {
                List<FitPoint> members = sorted.subList(start, i);
                out.add(new Budget(mean(members), members));
                start = i;
            }
        }
        return out;
    }

    private static double mean(List<FitPoint> members) {
        double first = members.getFirst().C();
        return members.stream().allMatch(p -> p.C() == first)
                ? first
                : Math.exp(members.stream()
                        .mapToDouble(p -> Math.log(p.C()))
                        .average()
                        .orElseThrow());
    }
}
