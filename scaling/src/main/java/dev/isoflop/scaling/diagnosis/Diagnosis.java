package dev.isoflop.scaling.diagnosis;

import dev.isoflop.scaling.fit.RobustScale;
import dev.isoflop.scaling.law.FitPoint;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/**
 * Looks at the points of a fit, and at what a law leaves of them.
 *
 * <p>Thresholds are stated with each finding; where they come from measurements, the pitfall is the one that was measured.
 */
public final class Diagnosis {

    private static final double OUTLIER_SDS = 6;
    private static final double NARROW = 3;

    private Diagnosis() {}

    /**
     * @param points as they were fitted
     * @param residuals log loss of the law less that of each point
     * @param delta Huber's, 0 if the criterion is another
     * @param byGroup whether points of a group are resampled together
     */
    public static List<Finding> of(List<FitPoint> points, double[] residuals, double delta, boolean byGroup) {
        List<Finding> findings = new ArrayList<>();
        duplicates(points, findings);
        flopConvention(points, findings);
        narrow(points, findings);
        if (!byGroup) {
            correlated(points, findings);
        }
        outliers(residuals, findings);
        if (delta > 0) {
            straightZone(residuals, delta, findings);
        }
        return findings;
    }

    private static void duplicates(List<FitPoint> points, List<Finding> findings) {
        record Key(double n, double d, double loss) {}
        Map<Key, Integer> seen = new HashMap<>();
        List<Integer> which = new ArrayList<>();
        for (int i = 0; i < points.size(); i++) {
            FitPoint p = points.get(i);
            if (seen.merge(new Key(p.N(), p.D(), p.loss()), 1, Integer::sum) > 1) {
                which.add(i);
            }
        }
        int again = which.size();
        if (again > 0) {
            findings.add(Finding.of(
                            "duplicates",
                            Map.of("points", (double) again),
                            "%d %s N, D and loss of another to the last digit: the same run twice counts twice and narrows the intervals. Remove one of each.",
                            again,
                            again == 1 ? "point has the" : "points have the")
                    .about(which));
        }
    }

    private static void flopConvention(List<FitPoint> points, List<Finding> findings) {
        double[] ratios = sorted(points, p -> p.C() / (6 * p.N() * p.D()));
        double median = ratios[ratios.length / 2];
        if (Math.abs(median - 1) > 0.02) {
            String reason = median > 0.3 && median < 0.4
                    ? "2ND is the forward pass alone"
                    : median > 1
                            ? "attention or the head is counted"
                            : "embeddings are left out of one and not of the other";
            findings.add(Finding.of(
                    "flop-convention",
                    Map.of("ratio", median, "lowest", ratios[0], "highest", ratios[ratios.length - 1]),
                    "C is %.3g times 6ND in the median (%.3g to %.3g), as if %s. Count the FLOPs of a target in the same way.",
                    median,
                    ratios[0],
                    ratios[ratios.length - 1],
                    reason));
        }
    }

    private static void narrow(List<FitPoint> points, List<Finding> findings) {
        double[] ratios = sorted(points, p -> p.D() / p.N());
        double span = ratios[ratios.length - 1] / ratios[0];
        if (span < NARROW) {
            findings.add(Finding.of(
                    "narrow-grid",
                    Map.of("span", span),
                    "Tokens a parameter span a factor of %.3g only, so the terms of N and D are hardly told apart. Train some models on far fewer or more tokens; a factor of 10 is usual.",
                    span));
        }
    }

    private static void correlated(List<FitPoint> points, List<Finding> findings) {
        Map<String, Integer> sizes = new HashMap<>();
        for (FitPoint p : points) {
            if (p.group() != null) {
                sizes.merge(p.group(), 1, Integer::sum);
            }
        }
        long several = sizes.values().stream().filter(n -> n > 1).count();
        if (several > 0) {
            findings.add(Finding.of(
                    "correlated-checkpoints",
                    Map.of("runs", (double) several, "points", (double) points.size()),
                    "%d runs have several points, whose errors go together; resampling points alone made intervals six times too narrow where it was measured. Resample by run (--by-group).",
                    several));
        }
    }

    private static void outliers(double[] residuals, List<Finding> findings) {
        double furthest = Arrays.stream(residuals).map(Math::abs).max().orElse(0);
        double sd = RobustScale.of(residuals);
        // what a law passes through exactly has residuals of rounding errors
        double bound = Math.max(OUTLIER_SDS * sd, 1e-9);
        List<Integer> which = IntStream.range(0, residuals.length)
                .filter(i -> Math.abs(residuals[i]) > bound)
                .boxed()
                .toList();
        int far = which.size();
        if (far > 0) {
            findings.add(Finding.of(
                            "outliers",
                            Map.of("points", (double) far, "largest", furthest, "scale", sd),
                            "%d %s more than %.0f robust standard deviations (%.2g each) off the law, the furthest by %.2g in log loss. Look at those runs before trusting the rest.",
                            far,
                            far == 1 ? "point is" : "points are",
                            OUTLIER_SDS,
                            sd,
                            furthest)
                    .about(which));
        }
    }

    private static void straightZone(double[] residuals, double delta, List<Finding> findings) {
        double share = (double) Arrays.stream(residuals)
                        .filter(r -> Math.abs(r) > delta)
                        .count()
                / residuals.length;
        if (share > 0.5) {
            findings.add(Finding.of(
                    "straight-zone",
                    Map.of("share", share, "delta", delta),
                    "%.0f %% of the residuals are beyond delta = %.2g: the fit is one of least absolute deviations, and its curvature says nothing of standard errors. Use the bootstrap's intervals.",
                    100 * share,
                    delta));
        }
    }

    private static double[] sorted(List<FitPoint> points, ToDoubleFunction<FitPoint> of) {
        return points.stream().mapToDouble(of).sorted().toArray();
    }
}
