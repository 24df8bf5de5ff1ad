package dev.isoflop.scaling.plan;

import dev.isoflop.scaling.flops.ParameterConvention;
import dev.isoflop.scaling.flops.ParameterCount;
import dev.isoflop.scaling.flops.Precision;
import dev.isoflop.scaling.flops.TransformerShape;
import dev.isoflop.scaling.law.FitPoint;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * Runs that can be trained as they are: whole models, whole steps, each with a recipe. What a design chooses from, so that what it chose need not be bent afterwards.
 *
 * @param shapes models there are
 * @param convention which N a budget 6ND is spent by
 * @param recipe batch and learning rate by budget
 * @param learningRate peak rate by size, where the recipe has none
 * @param seed of every run
 * @param corpusTokens training tokens there are, for epochs; 0 when the supply has no end
 * @param limits what leaves a run out
 * @param precision that all are trained in, for their memory; the shapes are those it trains, such as {@link Ladder#trainedIn}
 * @param taken runs that there are already, whatever became of them: the same model on as many tokens by the same seed comes out the same
 */
public record TrainableRuns(
        List<TransformerShape> shapes,
        ParameterConvention convention,
        RecipeRule recipe,
        LearningRateRule learningRate,
        long seed,
        long corpusTokens,
        PlanLimits limits,
        Precision precision,
        Set<Size> taken) {

    /**
     * @param N parameters, as the convention counts them
     * @param D tokens
     */
    public record Size(long N, long D) {}

    public TrainableRuns {
        shapes = List.copyOf(shapes);
        taken = Set.copyOf(taken);
    }

    /** With none there yet. */
    public TrainableRuns(
            List<TransformerShape> shapes,
            ParameterConvention convention,
            RecipeRule recipe,
            LearningRateRule learningRate,
            long seed,
            long corpusTokens,
            PlanLimits limits,
            Precision precision) {
        this(shapes, convention, recipe, learningRate, seed, corpusTokens, limits, precision, Set.of());
    }

    /** Those that are not of these runs, which count N by the same convention. */
    public TrainableRuns without(List<FitPoint> runs) {
        Set<Size> all = new HashSet<>(taken);
        runs.forEach(run -> all.add(new Size(Math.round(run.N()), Math.round(run.D()))));
        return new TrainableRuns(shapes, convention, recipe, learningRate, seed, corpusTokens, limits, precision, all);
    }

    /** Which models a budget may be spent on. */
    @FunctionalInterface
    public interface Range {
        /**
         * @param C FLOPs of the run
         * @param N its parameters
         */
        boolean holds(double C, double N);
    }

    /**
     * @param budgets FLOPs of runs; rounded to three digits, which people can read
     * @param range models of each
     * @return runs in order of budget and size, and those that a limit leaves out; neither if no model is within range
     */
    public SweepPlan at(List<Double> budgets, Range range) {
        List<BudgetPlan> plans = new ArrayList<>();
        for (double c :
                new TreeSet<>(budgets.stream().map(TrainableRuns::rounded).toList())) {
            List<TransformerShape> fitting = shapes.stream()
                    .filter(shape -> range.holds(c, ParameterCount.of(shape).count(convention)))
                    .toList();
            if (!fitting.isEmpty()) {
                plans.add(recipe.recipe(c, fitting));
            }
        }
        if (plans.isEmpty()) {
            return new SweepPlan(convention, List.of(), List.of());
        }
        SweepPlan all = IsoFlopPlanner.plan(new PlanRequest(
                plans, convention, learningRate, List.of(seed), List.of(), corpusTokens, limits, precision));
        return new SweepPlan(
                convention,
                all.cells().stream()
                        .filter(cell -> !taken.contains(new Size(cell.N(), cell.D())))
                        .toList(),
                all.dropped());
    }

    /** Three digits, downwards: no more than there is. */
    static double rounded(double c) {
        int power = (int) Math.floor(Math.log10(c)) - 2;
        return new BigDecimal(c)
                .movePointLeft(power)
                .setScale(0, RoundingMode.FLOOR)
                .movePointRight(power)
                .doubleValue();
    }
}
