package dev.isoflop.scaling.fit;

import dev.isoflop.scaling.law.ChinchillaLaw;
import dev.isoflop.scaling.law.FitPoint;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Evidence for a minimum of approach 3. The objective is minimised over a, b and e at every pair of a grid of exponents: its profile, of which every basin is then followed to
 * its end with nothing held. A minimum is the global one as far as the grid can tell if none ends below it; and the exponents are determined if the pairs that the
 * points do not tell from the best, by likelihood ratio, stay away from the ends of the grid.
 *
 * @param cells pairs of exponents
 * @param basins minima that the profile led to, those that end at the same place counted once
 * @param global whether none of them is below the certified one
 * @param lowest the least objective found
 * @param nextBest how far the second best minimum is above the best, as a share of it; infinite if there is none
 * @param alphaLow least alpha among the pairs that are not told from the best
 * @param alphaHigh largest
 * @param betaLow least beta among them
 * @param betaHigh largest
 * @param flat the direction in which the objective is flat up to an end of the grid, as a sentence; null if it is nowhere
 */
public record Certificate(
        int cells,
        int basins,
        boolean global,
        double lowest,
        double nextBest,
        double alphaLow,
        double alphaHigh,
        double betaLow,
        double betaHigh,
        @Nullable String flat) {

    private static final int SIDE = 24;
    private static final double LOWEST = 0.02;
    private static final double HIGHEST = 2;
    /** Of the objective: minima closer than this are one. */
    private static final double SAME = 1e-7;

    /**
     * @param law a minimiser found for the points
     * @param threads most threads used; changes nothing but the time
     */
    public static Certificate of(List<FitPoint> points, ParametricOptions options, ChinchillaLaw law, int threads) {
        HuberLogSumExp f = ParametricFit.objective(points, options);
        double certified = f.valueAt(ParametricFit.theta(f, law));
        double low = Math.max(LOWEST, options.minExponent());
        double high = Math.min(HIGHEST, options.maxExponent());
        double[] exponents = VariableProjection.exponents(SIDE, low, high);
        VariableProjection.Cell[][] profile = ExponentProfile.cells(points, options, exponents, exponents, threads);
        List<Double> minima = minima(f, profile, options);
        double lowest = Math.min(certified, minima.getFirst());
        double nextBest = Double.POSITIVE_INFINITY;
        for (double each : minima) {
            if (isAbove(each, minima.getFirst(), SAME, f)) {
                nextBest = Math.min(nextBest, each / minima.getFirst() - 1);
            }
        }
        double linear = ParametricFit.spread(f, ParametricFit.theta(f, law)).linearShare();
        double bound =
                Math.max(lowest, 1e-22 * f.size()) * ParametricFit.threshold(f.size(), linear, options.level(), 2);
        return region(profile, law, bound, minima.size(), !isAbove(certified, lowest, 1e-8, f), lowest, nextBest);
    }

    /** By more than a share of it, and more than rounding errors, which are all that is left where a law passes through the points. */
    private static boolean isAbove(double value, double other, double share, HuberLogSumExp f) {
        return value > other * (1 + share) + 1e-22 * f.size();
    }

    /** What the profile's basins lead to, rising, each once. */
    private static List<Double> minima(
            HuberLogSumExp f, VariableProjection.Cell[][] profile, ParametricOptions options) {
        DampedNewton free = new DampedNewton(options.minExponent(), options.maxExponent());
        List<Double> ends = new ArrayList<>();
        for (VariableProjection.Cell[] row : profile) {
            for (VariableProjection.Cell cell : row) {
                if (VariableProjection.isLocalMinimum(profile, cell)) {
                    ends.add(free.minimise(f, cell.theta()).value());
                }
            }
        }
        ends.sort(null);
        List<Double> distinct = new ArrayList<>();
        for (double each : ends) {
            if (distinct.isEmpty() || isAbove(each, distinct.getLast(), SAME, f)) {
                distinct.add(each);
            }
        }
        return distinct;
    }

    private static Certificate region(
            VariableProjection.Cell[][] profile,
            ChinchillaLaw law,
            double bound,
            int basins,
            boolean global,
            double lowest,
            double nextBest) {
        // the best itself may lie between the pairs of the grid
        double[] least = {law.alpha(), law.beta()};
        double[] most = {law.alpha(), law.beta()};
        List<String> ends = new ArrayList<>();
        boolean[] touched = new boolean[4];
        for (VariableProjection.Cell[] row : profile) {
            for (VariableProjection.Cell cell : row) {
                if (cell.value() <= bound) {
                    for (int k = 0; k < 2; k++) {
                        least[k] = Math.min(least[k], cell.theta()[3 + k]);
                        most[k] = Math.max(most[k], cell.theta()[3 + k]);
                    }
                    touched[0] |= cell.row() == 0;
                    touched[1] |= cell.row() == SIDE - 1;
                    touched[2] |= cell.column() == 0;
                    touched[3] |= cell.column() == SIDE - 1;
                }
            }
        }
        String[] what = {
            "alpha down to %.2g, where the model term is a logarithm and E means nothing"
                    .formatted(profile[0][0].theta()[3]),
            "alpha up to %.2g, where the model term is gone but for the smallest models"
                    .formatted(profile[SIDE - 1][0].theta()[3]),
            "beta down to %.2g, where the data term is a logarithm and E means nothing"
                    .formatted(profile[0][0].theta()[4]),
            "beta up to %.2g, where the data term is gone but for the fewest tokens"
                    .formatted(profile[0][SIDE - 1].theta()[4])
        };
        for (int k = 0; k < touched.length; k++) {
            if (touched[k]) {
                ends.add(what[k]);
            }
        }
        return new Certificate(
                SIDE * SIDE,
                basins,
                global,
                lowest,
                nextBest,
                least[0],
                most[0],
                least[1],
                most[1],
                ends.isEmpty()
                        ? null
                        : "The points do not tell the best exponents from " + String.join("; nor from ", ends) + ".");
    }

    /** For people. */
    public String sentence() {
        String where = "Over %d pairs of exponents, all else minimised, the objective has %s"
                .formatted(cells, basins == 1 ? "one basin" : basins + " basins");
        return where
                + (global
                        ? ", and none ends below the minimum."
                        : ", and one ends below the minimum, at %.10g.".formatted(lowest))
                + (flat == null ? "" : " " + flat);
    }
}
