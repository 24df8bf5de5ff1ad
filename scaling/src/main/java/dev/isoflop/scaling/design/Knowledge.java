package dev.isoflop.scaling.design;

import dev.isoflop.scaling.law.ChinchillaLaw;
import java.util.List;

/**
 * How well a target is known by the runs there are, under each of several laws any of which may be the true one. With one law that is what a local design goes by; with several
 * a run is worth what it tells under all of them, which keeps a design that is made before any run from staking everything on one law (a Bayesian design, as Chaloner and Verdinelli 1995 have it).
 */
final class Knowledge {

    /** How far a law may be off at one place, in standard deviations of a run. Without it a design repeats five places, and would never see that the law is not true. */
    private static final double MISFIT = 0.5;

    private final List<Information> byLaw;
    private final List<double[]> gradients;

    /**
     * @param laws at least one
     * @param noise standard deviation of a run's log loss
     */
    Knowledge(List<ChinchillaLaw> laws, double noise, DesignTarget target) {
        byLaw = laws.stream()
                .map(law -> new Information(law, noise, MISFIT * noise))
                .toList();
        gradients = byLaw.stream().map(each -> each.gradient(target)).toList();
    }

    void add(double N, double D, double weight) {
        byLaw.forEach(each -> each.add(N, D, weight));
    }

    /** Of the target, its mean over the laws. */
    double variance() {
        double sum = 0;
        for (int k = 0; k < byLaw.size(); k++) {
            sum += byLaw.get(k).variance(gradients.get(k));
        }
        return sum / byLaw.size();
    }

    /** Share of the target's variance that one run takes away, its mean over the laws, for each of some runs. */
    double[] gains(List<CandidateRuns.Run> runs) {
        double[] out = new double[runs.size()];
        for (int k = 0; k < byLaw.size(); k++) {
            Information information = byLaw.get(k);
            double[] target = information.times(gradients.get(k));
            double variance = information.variance(gradients.get(k));
            for (int i = 0; i < out.length; i++) {
                CandidateRuns.Run run = runs.get(i);
                out[i] += information.reduction(run.N(), run.D(), target) / variance / byLaw.size();
            }
        }
        return out;
    }
}
