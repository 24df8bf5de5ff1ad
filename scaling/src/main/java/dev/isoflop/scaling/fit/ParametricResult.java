package dev.isoflop.scaling.fit;

import dev.isoflop.scaling.law.ChinchillaLaw;
import dev.isoflop.scaling.law.ComputeOptimum;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * A fitted Chinchilla law (approach 3).
 *
 * @param method {@value ParametricFit#METHOD}
 * @param options how it was fitted
 * @param inputHash hash of points and options
 * @param law point estimate
 * @param E irreducible loss, nats per token
 * @param A scale of the model term
 * @param B scale of the data term
 * @param alpha exponent of N
 * @param beta exponent of D
 * @param a exponent of N* in C
 * @param b exponent of D* in C
 * @param objective sum of Huber losses at the minimum
 * @param alphaProfile where the objective, minimised over everything else, stays within the likelihood-ratio bound
 * @param betaProfile the same for beta
 * @param residualNoise standard deviation of log loss about the law
 * @param maxC largest C among the points
 * @param points number of points
 * @param diagnostics further numbers by name
 * @param resamples the bootstrap's vectors (E, A, B, alpha, beta)
 */
public record ParametricResult(
        String method,
        ParametricOptions options,
        String inputHash,
        ChinchillaLaw law,
        Estimate E,
        Estimate A,
        Estimate B,
        Estimate alpha,
        Estimate beta,
        Estimate a,
        Estimate b,
        double objective,
        Estimate alphaProfile,
        Estimate betaProfile,
        double residualNoise,
        double maxC,
        int points,
        Map<String, Double> diagnostics,
        Resamples resamples) {

    /**
     * Optimum and loss at a budget.
     *
     * @param C training FLOPs
     */
    public FitOutcome<BudgetPrediction> predict(double C) {
        double ratio = C / maxC;
        if (ratio > options.maxExtrapolation()) {
            return Refusals.farExtrapolation(C, maxC, options.maxExtrapolation());
        }
        JointDraws draws = draws(C);
        ComputeOptimum best = draws.optimum();
        double level = options.level();
        double[] noise = Noise.normal(resamples.size(), options.seed(), residualNoise);
        double[] observed = new double[noise.length];
        Arrays.setAll(observed, i -> draws.draws().get(i).loss() * Math.exp(noise[i]));
        return new FitOutcome.Converged<>(new BudgetPrediction(
                C,
                draws.interval(best.N(), level, JointDraws.Draw::N),
                draws.interval(best.D(), level, JointDraws.Draw::D),
                draws.interval(best.tokensPerParameter(), level, JointDraws.Draw::tokensPerParameter),
                draws.interval(best.loss(), level, JointDraws.Draw::loss),
                Resamples.percentile(best.loss(), level, observed),
                ratio,
                ratio > 1,
                ratio > BudgetPrediction.FAR));
    }

    /**
     * Optimum, loss and what is wasted at a budget, jointly.
     *
     * @param C training FLOPs, at any distance
     */
    public JointDraws draws(double C) {
        return JointDraws.of(law, resamples, C);
    }

    /**
     * Loss of one planned run, with an interval that includes the noise of a run: what a prediction stores before launch.
     *
     * @param N parameters
     * @param D tokens
     */
    public Estimate predictLoss(double N, double D) {
        double[] noise = Noise.normal(resamples.size(), options.seed(), residualNoise);
        double[] losses = new double[noise.length];
        Arrays.setAll(losses, i -> law(resamples.rows().get(i)).loss(N, D) * Math.exp(noise[i]));
        return Resamples.percentile(law.loss(N, D), options.level(), losses);
    }

    /** The same result without the vectors, for storing where no further target will be asked for. */
    public ParametricResult withoutResamples() {
        return new ParametricResult(
                method,
                options,
                inputHash,
                law,
                E,
                A,
                B,
                alpha,
                beta,
                a,
                b,
                objective,
                alphaProfile,
                betaProfile,
                residualNoise,
                maxC,
                points,
                diagnostics,
                new Resamples(resamples.names(), List.of()));
    }

    static ChinchillaLaw law(double[] row) {
        return new ChinchillaLaw(row[0], row[1], row[2], row[3], row[4]);
    }
}
