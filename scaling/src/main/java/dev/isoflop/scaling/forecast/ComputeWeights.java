package dev.isoflop.scaling.forecast;

import dev.isoflop.scaling.law.FitPoint;
import java.util.List;

/**
 * Weights in proportion to compute, (C / Cmax)^power with C = 6 N D, whatever a table calls C: constants were fixed with it. The power is 1, or less where that would leave
 * too few effective points (Kish 1965: (sum w)^2 / sum w^2).
 */
final class ComputeWeights {

    /** Four for each coefficient of Chinchilla's law: fewer let it pass through them, and no noise is seen. */
    private static final double ENOUGH = 20;

    private ComputeWeights() {}

    static double flops(FitPoint p) {
        return 6 * p.N() * p.D();
    }

    static double largest(List<FitPoint> points) {
        return points.stream().mapToDouble(ComputeWeights::flops).max().orElse(0);
    }

    /** The points, their own weights times those of compute. */
    static List<FitPoint> weighted(List<FitPoint> points) {
        double maxC = largest(points);
        double power = 1;
        while (power > 0.01 && effective(points, power, maxC) < ENOUGH) {
            power -= 0.05;
        }
        double chosen = power;
        return points.stream()
                .map(p -> p.withWeight(p.weight() * Math.pow(flops(p) / maxC, chosen)))
                .toList();
    }

    private static double effective(List<FitPoint> points, double power, double maxC) {
        double sum = 0;
        double squares = 0;
        for (FitPoint p : points) {
            double w = p.weight() * Math.pow(flops(p) / maxC, power);
            sum += w;
            squares += w * w;
        }
        return sum * sum / squares;
    }
}
