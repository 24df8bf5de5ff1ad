package dev.isoflop.scaling.fit;

import java.util.ArrayList;
import java.util.List;

/**
 * The power laws through the budgets' optima.
 *
 * @param N N* = k C^a
 * @param D D* = k' C^b; a + b = 1 by D = C / 6N
 * @param lossFloor floor of L*(C) = floor + scale C^-decay, nats per token
 * @param lossScale scale of L*(C)
 * @param lossDecay exponent of L*(C)
 * @param scatterRatio Birge ratio: scatter of the vertices about the line over what their own intervals allow; intervals
 *     are widened by it where it is above 1
 * @param residualNoise standard deviation of a run's loss about its parabola, nats
 * @param minC smallest budget with an optimum
 * @param maxC largest budget with an optimum
 * @param seed seed for the noise of predictions
 * @param level of every interval
 * @param maxExtrapolation largest ratio predicted
 * @param resamples the bootstrap's vectors (ln k, a, floor, ln scale, decay)
 */
public record IsoFlopLaws(
        PowerLaw N,
        PowerLaw D,
        Estimate lossFloor,
        Estimate lossScale,
        Estimate lossDecay,
        double scatterRatio,
        double residualNoise,
        double minC,
        double maxC,
        long seed,
        double level,
        double maxExtrapolation,
        Resamples resamples) {

    /**
     * Optimum and loss at a budget.
     *
     * @param C training FLOPs
     */
    public FitOutcome<BudgetPrediction> predict(double C) {
        double ratio = C / maxC;
        if (ratio > maxExtrapolation) {
            return Refusals.farExtrapolation(C, maxC, maxExtrapolation);
        }
        Estimate n = optimumN(C);
        Estimate d = new Estimate(C / 6 / n.value(), C / 6 / n.high(), C / 6 / n.low());
        Estimate perParameter = new Estimate(d.value() / n.value(), d.low() / n.high(), d.high() / n.low());
        double[] noise = Noise.normal(resamples.size(), seed, residualNoise);
        double[] observed = new double[noise.length];
        for (int i = 0; i < noise.length; i++) {
            observed[i] = lossOf(resamples.rows().get(i), C) + noise[i];
        }
        Estimate loss = optimumLoss(C);
        return new FitOutcome.Converged<>(new BudgetPrediction(
                C,
                n,
                d,
                perParameter,
                loss,
                Resamples.percentile(loss.value(), level, observed),
                ratio,
                ratio > 1,
                ratio > BudgetPrediction.FAR));
    }

    /**
     * The laws with their band, evenly spaced in ln C from the smallest budget to {@code toC}.
     *
     * @param toC last abscissa, FLOPs
     * @param count abscissae, at least 2
     */
    public List<OptimumCurvePoint> curve(double toC, int count) {
        List<OptimumCurvePoint> out = new ArrayList<>(count);
        double step = Math.log(toC / minC) / (count - 1);
        for (int i = 0; i < count; i++) {
            double c = minC * Math.exp(step * i);
            Estimate n = optimumN(c);
            out.add(new OptimumCurvePoint(
                    c,
                    n,
                    new Estimate(c / 6 / n.value(), c / 6 / n.high(), c / 6 / n.low()),
                    optimumLoss(c),
                    c > maxC * (1 + 1e-9)));
        }
        return out;
    }

    public IsoFlopLaws withoutResamples() {
        return new IsoFlopLaws(
                N,
                D,
                lossFloor,
                lossScale,
                lossDecay,
                scatterRatio,
                residualNoise,
                minC,
                maxC,
                seed,
                level,
                maxExtrapolation,
                new Resamples(resamples.names(), List.of()));
    }

    private Estimate optimumN(double C) {
        return resamples.estimate(N.at(C), level, row -> Math.exp(row[0] + row[1] * Math.log(C)));
    }

    private Estimate optimumLoss(double C) {
        double value = lossFloor.value() + lossScale.value() * Math.pow(C, -lossDecay.value());
        return resamples.estimate(value, level, row -> lossOf(row, C));
    }

    private static double lossOf(double[] row, double C) {
        return row[2] + Math.exp(row[3] - row[4] * Math.log(C));
    }
}
