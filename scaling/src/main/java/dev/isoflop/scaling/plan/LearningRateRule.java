package dev.isoflop.scaling.plan;

import java.util.Comparator;
import java.util.List;

/**
 * Peak learning rate by model size.
 *
 * @param steps in order of size
 * @param beyond rate above the last step
 */
public record LearningRateRule(List<Step> steps, double beyond) {

    /**
     * @param belowParameters sizes (all parameters) below this use the rate
     * @param rate peak learning rate
     */
    public record Step(double belowParameters, double rate) {}

    public LearningRateRule {
        steps = steps.stream()
                .sorted(Comparator.comparingDouble(Step::belowParameters))
                .toList();
    }

    /** 1e-2 below 500,000 parameters, 3e-3 from there: best of three rates in nearly every cell of the reference sweep. */
    public static LearningRateRule defaults() {
        return new LearningRateRule(List.of(new Step(5e5, 1e-2)), 3e-3);
    }

    public static LearningRateRule constant(double rate) {
        return new LearningRateRule(List.of(), rate);
    }

    public double rate(long parameters) {
        for (Step step : steps) {
            if (parameters < step.belowParameters()) {
                return step.rate();
            }
        }
        return beyond;
    }
}
