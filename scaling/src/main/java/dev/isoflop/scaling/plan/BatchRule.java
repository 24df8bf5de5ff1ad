package dev.isoflop.scaling.plan;

import java.util.Comparator;
import java.util.List;

/**
 * Tokens in a step by budget, for requests that do not say. The default is measured on one corpus of 3.4 million tokens
 * (docs/benchmarks/demo-sweep.md): 128 tokens to 7e10 FLOPs, 256 to 1.5e11, 512 to 1.5e12, 1,024 to 1.5e13; beyond that
 * it grows with the cube root of C, near the 0.33 of DeepSeek's batch law, and is extrapolation.
 *
 * @param steps in order of budget
 */
public record BatchRule(List<Step> steps) {

    /**
     * @param upToFlops largest budget this step is for
     * @param tokensPerStep tokens in a step
     */
    public record Step(double upToFlops, int tokensPerStep) {}

    public BatchRule {
        steps = steps.stream()
                .sorted(Comparator.comparingDouble(Step::upToFlops))
                .toList();
        if (steps.isEmpty()) {
            throw new IllegalArgumentException("a batch rule needs at least one step");
        }
    }

    public static BatchRule defaults() {
        return new BatchRule(
                List.of(new Step(7e10, 128), new Step(1.5e11, 256), new Step(1.5e12, 512), new Step(1.5e13, 1024)));
    }

    /** Whole windows, at least one. */
    public int batchSequences(double flops, int contextLength) {
        for (Step step : steps) {
            if (flops <= step.upToFlops()) {
                return Math.max(1, step.tokensPerStep() / contextLength);
            }
        }
        Step last = steps.getLast();
        double tokens = last.tokensPerStep() * Math.cbrt(flops / last.upToFlops());
        return (int) Math.max(1, Math.round(tokens / contextLength));
    }
}
