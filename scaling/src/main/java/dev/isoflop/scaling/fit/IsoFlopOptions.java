package dev.isoflop.scaling.fit;

/**
 * How approach 2 was run; stored with the result and part of its input hash.
 *
 * @param windowFactor points further than this factor in N from the budget's lowest (replicate-averaged) loss are left
 *     out of its parabola, as long as {@code minSizes} remain; 0 keeps all. A parabola is the local shape of the loss:
 *     far from the minimum the curve flattens and drags the vertex
 * @param weightedVertices whether the power laws weigh each optimum by 1/sigma^2 of its bootstrap, or all alike
 * @param minSizes distinct sizes a parabola needs. Three determine it exactly and leave nothing to test it with, so 4
 * @param minBudgets budgets a power law needs. Two determine it exactly, so 3
 * @param nearDuplicate sizes closer than this ratio count as one
 * @param minCurvatureT curvature over its standard error below which a budget is refused
 * @param resamples bootstrap draws
 * @param seed seed of the generator
 * @param level of every interval
 * @param maxExtrapolation largest ratio of a target to the largest budget that is predicted at all, as in
 *     {@link ParametricOptions#maxExtrapolation}
 */
public record IsoFlopOptions(
        double windowFactor,
        boolean weightedVertices,
        int minSizes,
        int minBudgets,
        double nearDuplicate,
        double minCurvatureT,
        int resamples,
        long seed,
        double level,
        double maxExtrapolation) {

    public IsoFlopOptions {
        if (minSizes < 4 || minBudgets < 3) {
            throw new IllegalArgumentException("minSizes >= 4 and minBudgets >= 3 needed: fewer leave nothing to test");
        }
        if (windowFactor != 0 && !(windowFactor > 1)) {
            throw new IllegalArgumentException("windowFactor is 0 (keep all) or above 1");
        }
        if (!(nearDuplicate >= 1) || !(minCurvatureT >= 0)) {
            throw new IllegalArgumentException("nearDuplicate >= 1 and minCurvatureT >= 0 needed");
        }
        if (resamples < 100 || !(level > 0 && level < 1) || !(maxExtrapolation >= 1)) {
            throw new IllegalArgumentException("resamples >= 100, 0 < level < 1 and maxExtrapolation >= 1 needed");
        }
    }

    /** All points, 4 sizes, 3 budgets, 2 % apart, curvature of 2 standard errors, 2,000 resamples, seed 42, 95 %. */
    public static IsoFlopOptions defaults() {
        return new IsoFlopOptions(0, true, 4, 3, 1.02, 2, 2000, 42, 0.95, 200);
    }

    public IsoFlopOptions withWindowFactor(double factor) {
        return new IsoFlopOptions(
                factor,
                weightedVertices,
                minSizes,
                minBudgets,
                nearDuplicate,
                minCurvatureT,
                resamples,
                seed,
                level,
                maxExtrapolation);
    }

    public IsoFlopOptions withWeightedVertices(boolean weighted) {
        return new IsoFlopOptions(
                windowFactor,
                weighted,
                minSizes,
                minBudgets,
                nearDuplicate,
                minCurvatureT,
                resamples,
                seed,
                level,
                maxExtrapolation);
    }

    public IsoFlopOptions withResamples(int count) {
        return new IsoFlopOptions(
                windowFactor,
                weightedVertices,
                minSizes,
                minBudgets,
                nearDuplicate,
                minCurvatureT,
                count,
                seed,
                level,
                maxExtrapolation);
    }

    public IsoFlopOptions withSeed(long newSeed) {
        return new IsoFlopOptions(
                windowFactor,
                weightedVertices,
                minSizes,
                minBudgets,
                nearDuplicate,
                minCurvatureT,
                resamples,
                newSeed,
                level,
                maxExtrapolation);
    }

    public IsoFlopOptions withLevel(double newLevel) {
        return new IsoFlopOptions(
                windowFactor,
                weightedVertices,
                minSizes,
                minBudgets,
                nearDuplicate,
                minCurvatureT,
                resamples,
                seed,
                newLevel,
                maxExtrapolation);
    }

    public IsoFlopOptions withMaxExtrapolation(double ratio) {
        return new IsoFlopOptions(
                windowFactor,
                weightedVertices,
                minSizes,
                minBudgets,
                nearDuplicate,
                minCurvatureT,
                resamples,
                seed,
                level,
                ratio);
    }
}
