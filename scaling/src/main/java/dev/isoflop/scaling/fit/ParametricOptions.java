package dev.isoflop.scaling.fit;

/**
 * How approach 3 was run; stored with the result and part of its input hash.
 *
 * @param huberDelta width of the quadratic zone on log loss. Hoffmann et al. 2022 use 1e-3, which makes the fit close to
 *     least absolute deviations: most residuals are larger
 * @param starts where the optimizer starts
 * @param seedGrid points a side of the (alpha, beta) grid of {@link Starts#VARIABLE_PROJECTION}
 * @param minExponent lower end of the allowed alpha and beta
 * @param maxExponent upper end of the allowed alpha and beta
 * @param resamples bootstrap draws; 0 gives no intervals
 * @param resampling what is drawn
 * @param seed seed of the MT19937 generator
 * @param level of every interval
 * @param maxExtrapolation largest ratio of a target to the largest C fitted that is predicted at all. 200 lets through
 *     the 192 of Hoffmann et al. (3e21 to 5.76e23), the furthest that was followed by a run that bore it out
 */
public record ParametricOptions(
        double huberDelta,
        Starts starts,
        int seedGrid,
        double minExponent,
        double maxExponent,
        int resamples,
        Resampling resampling,
        long seed,
        double level,
        double maxExtrapolation) {

    /** Where the optimizer starts. */
    public enum Starts {
        /**
         * For fixed (alpha, beta) the model is linear in (E, A, B): non-negative least squares at every grid point, then
         * the best basins polished on the real objective. As good as the grid at a thousandth of the cost.
         */
        VARIABLE_PROJECTION,
        /** The 4,500 starts of Hoffmann et al. 2022, each polished. */
        HOFFMANN_GRID
    }

    /** What the bootstrap draws with replacement. */
    public enum Resampling {
        /** Single points. */
        POINTS,
        /** All points of a group together: for several checkpoints of one run, whose errors go together. */
        GROUPS,
        /**
         * What the law leaves over, put back at random on what it says of each point: the grid stays as it was planned, which cases drawn anew do not leave it. Takes
         * the noise for alike at all points.
         */
        RESIDUALS
    }

    public ParametricOptions {
        if (!(huberDelta > 0) || seedGrid < 4 || !(minExponent > 0) || !(maxExponent > minExponent)) {
            throw new IllegalArgumentException(
                    "huberDelta > 0, seedGrid >= 4 and 0 < minExponent < maxExponent needed");
        }
        if (resamples < 0 || !(level > 0 && level < 1) || !(maxExtrapolation >= 1)) {
            throw new IllegalArgumentException("resamples >= 0, 0 < level < 1 and maxExtrapolation >= 1 needed");
        }
    }

    /** Huber 1e-3, variable projection on 24 x 24, 1,000 resampled points, seed 42, 95 %. */
    public static ParametricOptions defaults() {
        return new ParametricOptions(
                1e-3, Starts.VARIABLE_PROJECTION, 24, 0.01, 3, 1000, Resampling.POINTS, 42, 0.95, 200);
    }

    public ParametricOptions withResamples(int count) {
        return new ParametricOptions(
                huberDelta,
                starts,
                seedGrid,
                minExponent,
                maxExponent,
                count,
                resampling,
                seed,
                level,
                maxExtrapolation);
    }

    public ParametricOptions withResampling(Resampling what) {
        return new ParametricOptions(
                huberDelta, starts, seedGrid, minExponent, maxExponent, resamples, what, seed, level, maxExtrapolation);
    }

    public ParametricOptions withStarts(Starts where) {
        return new ParametricOptions(
                huberDelta,
                where,
                seedGrid,
                minExponent,
                maxExponent,
                resamples,
                resampling,
                seed,
                level,
                maxExtrapolation);
    }

    public ParametricOptions withSeed(long newSeed) {
        return new ParametricOptions(
                huberDelta,
                starts,
                seedGrid,
                minExponent,
                maxExponent,
                resamples,
                resampling,
                newSeed,
                level,
                maxExtrapolation);
    }

    public ParametricOptions withHuberDelta(double delta) {
        return new ParametricOptions(
                delta,
                starts,
                seedGrid,
                minExponent,
                maxExponent,
                resamples,
                resampling,
                seed,
                level,
                maxExtrapolation);
    }

    public ParametricOptions withLevel(double newLevel) {
        return new ParametricOptions(
                huberDelta,
                starts,
                seedGrid,
                minExponent,
                maxExponent,
                resamples,
                resampling,
                seed,
                newLevel,
                maxExtrapolation);
    }

    public ParametricOptions withMaxExtrapolation(double ratio) {
        return new ParametricOptions(
                huberDelta, starts, seedGrid, minExponent, maxExponent, resamples, resampling, seed, level, ratio);
    }
}
