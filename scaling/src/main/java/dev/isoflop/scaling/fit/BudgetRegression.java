package dev.isoflop.scaling.fit;

import dev.isoflop.scaling.law.FitPoint;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Weighted least squares of loss on (1, x, x^2) for one budget, x = ln N centred and scaled. The map from losses to
 * coefficients is kept, so that a resample costs a 3 x n product.
 */
final class BudgetRegression {

    final double C;
    final List<FitPoint> points;
    /** Why no curve was fitted; null when there is one. */
    final FitOutcome.@Nullable Refused<Parabola> refusal;

    private final List<FitPoint> used;
    private double centre;
    private double scale = 1;
    private double[][] map = new double[3][0];
    private double[] fitted = new double[0];
    private double[] leverage = new double[0];
    private double[] coefficients = new double[3];
    private double curvatureVariance;

    BudgetRegression(double C, List<FitPoint> points, IsoFlopOptions options) {
        this.C = C;
        this.points =
                points.stream().sorted(Comparator.comparingDouble(FitPoint::N)).toList();
        this.used = window(this.points, options);
        int exact = distinct(used, 1);
        int sizes = distinct(used, options.nearDuplicate());
        if (sizes < options.minSizes()) {
            this.refusal = tooFew(exact, sizes, options);
        } else {
            this.refusal = null;
            solve();
        }
    }

    private FitOutcome.Refused<Parabola> tooFew(int exact, int sizes, IsoFlopOptions options) {
        boolean duplicates = exact >= options.minSizes();
        return new FitOutcome.Refused<>(
                duplicates ? RefusalReason.NEAR_DUPLICATE_SIZES : RefusalReason.TOO_FEW_SIZES,
                duplicates
                        ? Refusals.format(
                                "Budget %.3g has %d sizes, but only %d that differ by more than %.1f %%; a parabola needs %d.",
                                C, exact, sizes, 100 * (options.nearDuplicate() - 1), options.minSizes())
                        : Refusals.format(
                                "Budget %.3g has %d distinct sizes; a parabola needs %d to leave a check.",
                                C, sizes, options.minSizes()),
                Map.of("C", C, "sizes", (double) sizes, "needed", (double) options.minSizes()));
    }

    private static List<FitPoint> window(List<FitPoint> sorted, IsoFlopOptions options) {
        if (options.windowFactor() == 0) {
            return sorted;
        }
        double best = meanLossBySize(sorted).entrySet().stream()
                .min(Map.Entry.comparingByValue())
                .map(Map.Entry::getKey)
                .orElse(1.0);
        double factor = options.windowFactor() * (1 + 1e-9);
        List<FitPoint> near = sorted.stream()
                .filter(p -> p.N() <= best * factor && p.N() >= best / factor)
                .toList();
        return distinct(near, options.nearDuplicate()) >= options.minSizes() ? near : sorted;
    }

    private static Map<Double, Double> meanLossBySize(List<FitPoint> points) {
        Map<Double, List<Double>> bySize = new TreeMap<>();
        for (FitPoint p : points) {
            bySize.computeIfAbsent(p.N(), n -> new ArrayList<>()).add(p.loss());
        }
        Map<Double, Double> out = new LinkedHashMap<>();
        bySize.forEach((n, losses) -> out.put(
                n, losses.stream().mapToDouble(Double::doubleValue).average().orElseThrow()));
        return out;
    }

    private static int distinct(List<FitPoint> sorted, double ratio) {
        int count = 0;
        double last = 0;
        for (FitPoint p : sorted) {
            if (count == 0 || p.N() > last * ratio) {
                count++;
                last = p.N();
            }
        }
        return count;
    }

    private void solve() {
        int n = used.size();
        double low = Math.log(used.getFirst().N());
        double high = Math.log(used.getLast().N());
        centre = (low + high) / 2;
        scale = (high - low) / 2;
        double[][] basis = new double[n][3];
        double[][] normal = new double[3][3];
        for (int i = 0; i < n; i++) {
            double x = (Math.log(used.get(i).N()) - centre) / scale;
            basis[i] = new double[] {1, x, x * x};
            for (int r = 0; r < 3; r++) {
                for (int c = 0; c < 3; c++) {
                    normal[r][c] += used.get(i).weight() * basis[i][r] * basis[i][c];
                }
            }
        }
        double[][] inverse = invert(normal);
        map = new double[3][n];
        leverage = new double[n];
        fitted = new double[n];
        for (int i = 0; i < n; i++) {
            for (int r = 0; r < 3; r++) {
                for (int c = 0; c < 3; c++) {
                    map[r][i] += inverse[r][c] * basis[i][c] * used.get(i).weight();
                }
                leverage[i] += map[r][i] * basis[i][r];
            }
        }
        coefficients = coefficients(used.stream().mapToDouble(FitPoint::loss).toArray());
        curvatureVariance = 0;
        for (int i = 0; i < n; i++) {
            fitted[i] = coefficients[0] + coefficients[1] * basis[i][1] + coefficients[2] * basis[i][2];
            // an error of variance sigma^2 / weight enters through the map
            curvatureVariance += map[2][i] * map[2][i] / used.get(i).weight();
        }
    }

    private static double[][] invert(double[][] m) {
        double[][] out = new double[3][3];
        double determinant = 0;
        for (int i = 0; i < 3; i++) {
            for (int j = 0; j < 3; j++) {
                int a = (i + 1) % 3;
                int b = (i + 2) % 3;
                int c = (j + 1) % 3;
                int d = (j + 2) % 3;
                out[j][i] = m[a][c] * m[b][d] - m[a][d] * m[b][c];
            }
        }
        for (int j = 0; j < 3; j++) {
            determinant += m[0][j] * out[j][0];
        }
        for (double[] row : out) {
            for (int j = 0; j < 3; j++) {
                row[j] /= determinant;
            }
        }
        return out;
    }

    private double[] coefficients(double[] losses) {
        double[] out = new double[3];
        for (int r = 0; r < 3; r++) {
            for (int i = 0; i < losses.length; i++) {
                out[r] += map[r][i] * losses[i];
            }
        }
        return out;
    }

    int usedCount() {
        return used.size();
    }

    /** Residual degrees of freedom, replicates counted. */
    int freedom() {
        return Math.max(0, fitted.length - 3);
    }

    double residualSum() {
        double sum = 0;
        for (int i = 0; i < fitted.length; i++) {
            sum += used.get(i).weight() * Math.pow(used.get(i).loss() - fitted[i], 2);
        }
        return sum;
    }

    /** Residuals with the shrinkage by leverage undone; each has the variance of a run of weight 1. */
    List<Double> freedResiduals() {
        List<Double> out = new ArrayList<>();
        for (int i = 0; i < fitted.length; i++) {
            double room = 1 - leverage[i];
            if (room > 1e-6) {
                out.add(Math.sqrt(used.get(i).weight() / room) * (used.get(i).loss() - fitted[i]));
            }
        }
        return out;
    }

    /** Curvature in nats per squared unit of ln N. */
    double curvature() {
        return coefficients[2] / (scale * scale);
    }

    double curvatureError(double sigma) {
        return sigma * Math.sqrt(curvatureVariance) / (scale * scale);
    }

    double logVertex() {
        return logVertex(coefficients);
    }

    double vertexLoss() {
        return vertexLoss(coefficients);
    }

    double lowN() {
        return used.getFirst().N();
    }

    double highN() {
        return used.getLast().N();
    }

    boolean inside(double logN) {
        return logN > Math.log(lowN()) && logN < Math.log(highN());
    }

    private double logVertex(double[] c) {
        return c[2] > 0 ? centre - scale * c[1] / (2 * c[2]) : Double.NaN;
    }

    private static double vertexLoss(double[] c) {
        return c[2] > 0 ? c[0] - c[1] * c[1] / (4 * c[2]) : Double.NaN;
    }

    /**
     * ln N* and loss of the vertex for noise added to the fitted curve; NaN when that parabola has no minimum.
     *
     * @param noise one a point used, for a run of weight 1
     */
    double[] resampledVertex(double[] noise) {
        double[] y = new double[fitted.length];
        for (int i = 0; i < y.length; i++) {
            y[i] = fitted[i] + noise[i] / Math.sqrt(used.get(i).weight());
        }
        double[] c = coefficients(y);
        return new double[] {logVertex(c), vertexLoss(c)};
    }
}
