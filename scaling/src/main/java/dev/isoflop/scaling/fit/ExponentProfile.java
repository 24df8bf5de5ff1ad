package dev.isoflop.scaling.fit;

import dev.isoflop.scaling.law.ChinchillaLaw;
import dev.isoflop.scaling.law.FitPoint;
import java.util.Arrays;
import java.util.List;

/**
 * How well the points determine the exponents of Chinchilla's law, for a picture: the objective of approach 3 over pairs of exponents, and over each of them alone, with all else
 * minimised. Values are {@code objective / lowest}: pairs below {@link #together} are not told from the best at the level of the fit, by likelihood ratio, nor are single exponents
 * below {@link #alone}.
 *
 * <p>The window is the region of the {@link Certificate} and as much room again, in logarithms.
 *
 * @param alpha values of alpha, rising
 * @param beta values of beta, rising
 * @param rise by alpha, then beta: objective over its least; at least 1 up to rounding
 * @param alphaRise over alpha alone, beta minimised too
 * @param betaRise over beta alone, alpha minimised too
 * @param together bound for pairs: the chi-squared quantile with two degrees of freedom
 * @param alone bound for one exponent: with one degree of freedom
 * @param certificate of the same minimum
 */
public record ExponentProfile(
        double[] alpha,
        double[] beta,
        double[][] rise,
        double[] alphaRise,
        double[] betaRise,
        double together,
        double alone,
        Certificate certificate) {

    private static final double LOWEST = 0.02;
    private static final double HIGHEST = 2;
    /** Room about the region where it is a point, as a factor. */
    private static final double LEAST_ROOM = 1.15;

    /**
     * @param law a minimiser found for the points
     * @param side values of each exponent
     * @param threads most threads used; changes nothing but the time
     * @throws IllegalArgumentException if there are fewer than 5 values
     */
    public static ExponentProfile of(
            List<FitPoint> points, ParametricOptions options, ChinchillaLaw law, int side, int threads) {
        if (side < 5) {
            throw new IllegalArgumentException("a profile needs at least 5 values of each exponent, not " + side);
        }
        Certificate certificate = Certificate.of(points, options, law, threads);
        double[] alphas = window(certificate.alphaLow(), certificate.alphaHigh(), law.alpha(), side);
        double[] betas = window(certificate.betaLow(), certificate.betaHigh(), law.beta(), side);
        HuberLogSumExp f = ParametricFit.objective(points, options);
        VariableProjection.Cell[][] cells = cells(points, options, alphas, betas, threads);
        // points that a law passes through exactly have a minimum of rounding errors, over which everything rises
        // without end
        double lowest = Math.max(certificate.lowest(), 1e-22 * f.size());
        double linear = ParametricFit.spread(f, ParametricFit.theta(f, law)).linearShare();
        double[][] rise = new double[side][side];
        for (int r = 0; r < side; r++) {
            for (int c = 0; c < side; c++) {
                rise[r][c] = cells[r][c].value() / lowest;
            }
        }
        DampedNewton newton = new DampedNewton(options.minExponent(), options.maxExponent());
        double[] alphaRise = new double[side];
        double[] betaRise = new double[side];
        for (int k = 0; k < side; k++) {
            VariableProjection.Cell[] column = new VariableProjection.Cell[side];
            for (int r = 0; r < side; r++) {
                column[r] = cells[r][k];
            }
            alphaRise[k] = newton.minimise(f, least(cells[k]).theta(), 3).value() / lowest;
            betaRise[k] = newton.minimise(f, least(column).theta(), 4).value() / lowest;
        }
        return new ExponentProfile(
                alphas,
                betas,
                rise,
                alphaRise,
                betaRise,
                ParametricFit.threshold(f.size(), linear, options.level(), 2),
                ParametricFit.threshold(f.size(), linear, options.level(), 1),
                certificate);
    }

    /** The best pair is one of the values, so that the picture has its minimum where the law is. */
    private static double[] window(double low, double high, double best, int side) {
        double room = Math.max(LEAST_ROOM, Math.sqrt(high / low));
        double from = Math.min(best / LEAST_ROOM, Math.max(LOWEST, low / room));
        double to = Math.max(best * LEAST_ROOM, Math.min(HIGHEST, high * room));
        double[] out = VariableProjection.exponents(side, from, to);
        int nearest = 0;
        for (int k = 0; k < side; k++) {
            if (Math.abs(Math.log(out[k] / best)) < Math.abs(Math.log(out[nearest] / best))) {
                nearest = k;
            }
        }
        out[nearest] = best;
        return out;
    }

    private static VariableProjection.Cell least(VariableProjection.Cell[] cells) {
        return Arrays.stream(cells)
                .min(java.util.Comparator.comparingDouble(VariableProjection.Cell::value))
                .orElseThrow();
    }

    /** The objective at every pair, minimised over a, b and e: alpha by row. */
    static VariableProjection.Cell[][] cells(
            List<FitPoint> points, ParametricOptions options, double[] alphas, double[] betas, int threads) {
        int columns = betas.length;
        VariableProjection.Cell[][] seeds =
                VariableProjection.grid(ParametricFit.objective(points, options), alphas, betas);
        VariableProjection.Cell[][] profile = new VariableProjection.Cell[alphas.length][columns];
        Parallel.range(alphas.length * columns, threads, () -> {
            HuberLogSumExp own = ParametricFit.objective(points, options);
            return i -> {
                VariableProjection.Cell seed = seeds[i / columns][i % columns];
                double[] at = seed.theta();
                double[] from = {
                    Double.NEGATIVE_INFINITY, Double.NEGATIVE_INFINITY, Double.NEGATIVE_INFINITY, at[3], at[4]
                };
                double[] to = {
                    Double.POSITIVE_INFINITY, Double.POSITIVE_INFINITY, Double.POSITIVE_INFINITY, at[3], at[4]
                };
                DampedNewton.Minimum inner = new DampedNewton(from, to).minimise(own, at);
                profile[i / columns][i % columns] =
                        new VariableProjection.Cell(seed.row(), seed.column(), inner.theta(), inner.value());
            };
        });
        return profile;
    }
}
