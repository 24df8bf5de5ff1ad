package dev.isoflop.scaling.plan;

import dev.isoflop.scaling.flops.ParameterConvention;
import dev.isoflop.scaling.flops.ParameterCount;
import dev.isoflop.scaling.flops.TransformerShape;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
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
 * @param underway runs that are being trained already, or wait to be
 */
public record TrainableRuns(
        List<TransformerShape> shapes,
        ParameterConvention convention,
        RecipeRule recipe,
        LearningRateRule learningRate,
        long seed,
        long corpusTokens,
        PlanLimits limits,
        Set<Size> underway) {

    /**
     * @param N parameters, as the convention counts them
     * @param D tokens
     */
    public record Size(long N, long D) {}

    public TrainableRuns {
        shapes = List.copyOf(shapes);
        underway = Set.copyOf(underway);
    }

    /** With nothing under way. */
    public TrainableRuns(
            List<TransformerShape> shapes,
            ParameterConvention convention,
            RecipeRule recipe,
            LearningRateRule learningRate,
            long seed,
            long corpusTokens,
            PlanLimits limits) {
        this(shapes, convention, recipe, learningRate, seed, corpusTokens, limits, Set.of());
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
        SweepPlan all = IsoFlopPlanner.plan(
                new PlanRequest(plans, convention, learningRate, List.of(seed), List.of(), corpusTokens, limits));
        return new SweepPlan(
                convention,
                all.cells().stream()
                        .filter(cell -> !underway.contains(new Size(cell.N(), cell.D())))
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
