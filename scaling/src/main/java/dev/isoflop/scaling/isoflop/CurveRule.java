package dev.isoflop.scaling.isoflop;

import java.util.Optional;
import org.apache.commons.math3.fitting.PolynomialCurveFitter;
import org.apache.commons.math3.fitting.WeightedObservedPoints;

/** How the best size of a budget is read off the losses of its sizes. */
public sealed interface CurveRule {

    /**
     * A minimum inside the sampled sizes.
     *
     * @param logN natural logarithm of N*
     * @param loss there, nats per token
     */
    record Lowest(double logN, double loss) {}

    /** Sizes that the rule needs. */
    int needs();

    /**
     * @param logN ascending, at least {@link #needs()}
     * @param loss one a size, positive
     * @return empty if the lowest loss is at an end, or the curve has no minimum
     */
    Optional<Lowest> lowest(double[] logN, double[] loss);

    /** Least squares of a parabola in log N (Hoffmann et al. 2022, section 3.2). Biased where alpha and beta differ, the more the wider the grid. */
    record Parabola() implements CurveRule {

        @Override
        public int needs() {
            return 4;
        }

        @Override
        public Optional<Lowest> lowest(double[] logN, double[] loss) {
            int n = logN.length;
            double centre = (logN[0] + logN[n - 1]) / 2;
            double scale = (logN[n - 1] - logN[0]) / 2;
            WeightedObservedPoints points = new WeightedObservedPoints();
            for (int i = 0; i < n; i++) {
                points.add((logN[i] - centre) / scale, loss[i]);
            }
            double[] c = PolynomialCurveFitter.create(2).fit(points.toList());
            double x = -c[1] / (2 * c[2]);
            return c[2] > 0 && Math.abs(x) < 1
                    ? Optional.of(new Lowest(centre + scale * x, c[0] + x * (c[1] + x * c[2])))
                    : Optional.empty();
        }
    }

    /**
     * The lowest of a fine grid on Akima's spline through (log N, log loss) (Porian et al. 2024, section 3.1).
     *
     * @param perGap places of the grid for each gap between sizes
     */
    record Spline(int perGap) implements CurveRule {

        public Spline {
            if (perGap < 2) {
                throw new IllegalArgumentException("perGap must be at least 2, was " + perGap);
            }
        }

        @Override
        public int needs() {
            return 3;
        }

        @Override
        public Optional<Lowest> lowest(double[] logN, double[] loss) {
            int n = logN.length;
            double[] logLoss = new double[n];
            java.util.Arrays.setAll(logLoss, i -> Math.log(loss[i]));
            Akima curve = new Akima(logN, logLoss);
            int places = perGap * (n - 1);
            int best = 0;
            double least = Double.POSITIVE_INFINITY;
            for (int j = 0; j < places; j++) {
                double at = curve.at(place(logN, j, places));
                if (at < least) {
                    least = at;
                    best = j;
                }
            }
            return best == 0 || best == places - 1
                    ? Optional.empty()
                    : Optional.of(new Lowest(place(logN, best, places), Math.exp(least)));
        }

        private static double place(double[] logN, int j, int places) {
            double low = logN[0];
            double high = logN[logN.length - 1];
            return j == places - 1 ? high : low + (high - low) * j / (places - 1);
        }
    }

    /** The size of the lowest loss, as if there were no others (CS336, assignment 3). As coarse as the grid, and biased towards where it is denser. */
    record LowestPoint() implements CurveRule {

        @Override
        public int needs() {
            return 1;
        }

        @Override
        public Optional<Lowest> lowest(double[] logN, double[] loss) {
            int best = 0;
            for (int i = 1; i < loss.length; i++) {
                best = loss[i] < loss[best] ? i : best;
            }
            return Optional.of(new Lowest(logN[best], loss[best]));
        }
    }
}
