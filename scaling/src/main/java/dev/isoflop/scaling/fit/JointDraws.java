package dev.isoflop.scaling.fit;

import dev.isoflop.scaling.law.ChinchillaLaw;
import dev.isoflop.scaling.law.ComputeOptimum;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * What a bootstrap says of a budget, jointly: each draw is one law with its optimum, so that quantities which go together stay together.
 *
 * @param C training FLOPs
 * @param optimum of the law fitted
 * @param draws one a resample
 */
public record JointDraws(double C, ComputeOptimum optimum, List<Draw> draws) {

    /**
     * @param N best parameters if this draw were the truth
     * @param D best tokens
     * @param loss there, nats per token
     * @param excess share of C that is wasted by training the fitted law's N instead, if this draw is the truth: what C exceeds the least compute by that reaches the same
     *     loss
     */
    public record Draw(double N, double D, double loss, double excess) {

        public double tokensPerParameter() {
            return D / N;
        }
    }

    static JointDraws of(ChinchillaLaw law, Resamples resamples, double C) {
        ComputeOptimum best = law.optimum(C);
        return new JointDraws(
                C,
                best,
                resamples.rows().stream()
                        .map(row -> {
                            ChinchillaLaw each = ParametricResult.law(row);
                            ComputeOptimum own = each.optimum(C);
                            double least = each.computeToReach(each.loss(best.N(), best.D()));
                            return new Draw(own.N(), own.D(), own.loss(), Math.max(0, C / least - 1));
                        })
                        .toList());
    }

    /** Percentile interval of a quantity of the draws about its value at the fitted optimum. */
    public Estimate interval(double value, double level, ToDoubleFunction<Draw> of) {
        return Resamples.percentile(value, level, draws.stream().mapToDouble(of).toArray());
    }

    /** Mean over the draws: what not knowing the law is expected to cost at this budget, as a share of it. */
    public double expectedExcess() {
        return draws.stream().mapToDouble(Draw::excess).average().orElse(0);
    }

    /** Median of a quantity. */
    public double median(ToDoubleFunction<Draw> of) {
        double[] sorted = draws.stream().mapToDouble(of).sorted().toArray();
        return sorted.length == 0 ? Double.NaN : Resamples.quantile(sorted, sorted.length, 0.5);
    }
}
