package dev.isoflop.scaling.design;

import dev.isoflop.scaling.fit.FitOutcome;
import dev.isoflop.scaling.fit.ParametricFit;
import dev.isoflop.scaling.fit.ParametricOptions;
import dev.isoflop.scaling.fit.RobustScale;
import dev.isoflop.scaling.law.ChinchillaLaw;
import dev.isoflop.scaling.law.FitPoint;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/**
 * Chooses the next run, or the next few to be trained side by side: the law is fitted to what there is, and of all runs that could be afforded the one is taken that lowers the
 * variance of the target most for what it costs (c-optimal design, one run at a time). Each further run of a wave is chosen as if those before it had ended.
 *
 * <p>Cost is FLOPs and an overhead a run, without which ever more ever smaller runs would be best. The variance is to first order about the fitted law, so it is as true as the
 * law: what was seen of it on truths of another form is in docs/benchmarks/design.md.
 */
public final class SequentialDesign {

    private static final double LEAST_NOISE = 1e-4;
    private static final int COEFFICIENTS = 5;

    private SequentialDesign() {}

    /**
     * What may be spent.
     *
     * @param wave runs to choose at once
     * @param remaining FLOPs that are left for all of them
     * @param overhead what a run costs beside its own FLOPs, in FLOPs. A tenth of the whole budget makes for about thirty runs that use most of it up
     * @param noise standard deviation of a run's log loss, if it is known; else from the residuals
     */
    public record Means(int wave, double remaining, double overhead, OptionalDouble noise) {

        public Means {
            if (wave < 1) {
                throw new IllegalArgumentException("a wave is at least one run, was " + wave);
            }
            if (!(remaining >= 0) || !(overhead >= 0) || Double.isInfinite(overhead)) {
                throw new IllegalArgumentException(
                        "remaining and overhead must be 0 or more FLOPs, were " + remaining + " and " + overhead);
            }
            if (noise.isPresent() && !(noise.getAsDouble() > 0)) {
                throw new IllegalArgumentException("noise must be positive, was " + noise.getAsDouble());
            }
        }
    }

    /**
     * @param run to train
     * @param sdBefore standard deviation of the target without it
     * @param sdAfter with it
     * @param saves FLOPs that knowing N* so much better saves at the target's budget; not a number for other targets
     */
    public record Choice(CandidateRuns.Run run, double sdBefore, double sdAfter, double saves) {

        /** Whether it saves more than it costs. */
        public boolean pays() {
            return saves > run.C();
        }
    }

    /**
     * @param law fitted to the runs there are
     * @param noise standard deviation of a run's log loss, as given or as found
     * @param value of the target under the law
     * @param sd of the target now
     * @param choices to train next, in the order chosen; empty if nothing can be afforded
     */
    public record Next(ChinchillaLaw law, double noise, double value, double sd, List<Choice> choices) {

        /**
         * The same if the target is known less well than was reckoned: by another standard deviation now, and by each run the same share of it less. A run's share is at
         * least that, since less known beforehand is more to be told.
         */
        Next knownTo(double otherSd, DesignTarget target) {
            double wider = otherSd / sd;
            return new Next(
                    law,
                    noise,
                    value,
                    otherSd,
                    choices.stream()
                            .map(choice ->
                                    choice(law, target, choice.run, choice.sdBefore * wider, choice.sdAfter * wider))
                            .toList());
        }

        /** Whether going on pays, for people. */
        public String sentence() {
            if (choices.isEmpty()) {
                return "Nothing that the budget has room for would tell more.";
            }
            Choice first = choices.getFirst();
            if (Double.isNaN(first.saves())) {
                return String.format(
                        Locale.ROOT,
                        "The standard deviation falls by %.0f %%; what that is worth in FLOPs can be said of the optimum alone.",
                        100 * (1 - choices.getLast().sdAfter() / sd));
            }
            long pay = choices.stream().takeWhile(Choice::pays).count();
            if (pay == 0) {
                return String.format(
                        Locale.ROOT,
                        "Stop here: the next run costs %.3g FLOPs, and knowing N* better saves about %.3g at the target.",
                        first.run().C(),
                        first.saves());
            }
            if (pay == choices.size()) {
                return "Going on pays: %s more FLOPs at the target than it costs."
                        .formatted(pay == 1 ? "this run saves" : "each of these runs saves");
            }
            return "Going on pays for %s of these runs; the next would cost more FLOPs than it saves at the target."
                    .formatted(pay == 1 ? "the first" : "the first " + pay);
        }
    }

    /**
     * @param candidates any of which may be repeated
     * @return refused if there are too few runs for a law; {@link CandidateRuns#beginning} says which to begin with
     */
    public static FitOutcome<Next> next(
            List<FitPoint> points, DesignTarget target, CandidateRuns candidates, Means means) {
        return next(points, target, candidates.all(), true, means);
    }

    /**
     * @param candidates each to be chosen once at most, such as runs that could be trained as they are
     * @return refused if there are too few runs for a law
     */
    public static FitOutcome<Next> next(
            List<FitPoint> points, DesignTarget target, List<CandidateRuns.Run> candidates, Means means) {
        return next(points, target, candidates, false, means);
    }

    private static FitOutcome<Next> next(
            List<FitPoint> points,
            DesignTarget target,
            List<CandidateRuns.Run> candidates,
            boolean again,
            Means means) {
        return fit(points, means.noise()).flatMap(found -> {
            Knowledge knowledge = new Knowledge(List.of(found.law), found.noise, target);
            points.forEach(p -> knowledge.add(p.N(), p.D(), p.weight()));
            double sd = Math.sqrt(knowledge.variance());
            List<Choice> choices = choose(knowledge, candidates, again, means).stream()
                    .map(picked ->
                            choice(found.law, target, picked.run, Math.sqrt(picked.before), Math.sqrt(picked.after)))
                    .toList();
            return new FitOutcome.Converged<>(new Next(found.law, found.noise, target.value(found.law), sd, choices));
        });
    }

    private static Choice choice(
            ChinchillaLaw law, DesignTarget target, CandidateRuns.Run run, double sdBefore, double sdAfter) {
        double saves = target instanceof DesignTarget.LogOptimum optimum
                ? optimum.waste(law, sdBefore * sdBefore) - optimum.waste(law, sdAfter * sdAfter)
                : Double.NaN;
        return new Choice(run, sdBefore, sdAfter, saves);
    }

    /**
     * What a fit's own bootstrap says of a design, which takes exponents for known to a tenth before there is any run, as those of published laws are. Where the bootstrap knows
     * the target less well, the design is held to that: it would stop too early otherwise.
     *
     * @return the design, held to the bootstrap's standard deviation where that is larger; refused where the points do not settle a law by themselves
     */
    public static FitOutcome<Next> heldTo(List<FitPoint> points, DesignTarget target, Next next) {
        return ownSd(points, target)
                .flatMap(own -> new FitOutcome.Converged<>(own > next.sd() ? next.knownTo(own, target) : next));
    }

    /**
     * How well the fit of some runs knows a target by its own bootstrap.
     *
     * @return a standard deviation; refused where the points do not settle a law by themselves
     */
    static FitOutcome<Double> ownSd(List<FitPoint> points, DesignTarget target) {
        return ParametricFit.fit(points, ParametricOptions.defaults()).flatMap(fit -> {
            double at = target.value(fit.law());
            double own = RobustScale.of(fit.resamples().rows().stream()
                    .mapToDouble(t -> target.value(new ChinchillaLaw(t[0], t[1], t[2], t[3], t[4])) - at)
                    .toArray());
            return new FitOutcome.Converged<>(Double.isFinite(own) ? own : 0);
        });
    }

    /**
     * @param before variance of the target without the run
     * @param after with it
     */
    record Picked(CandidateRuns.Run run, double before, double after) {}

    /** One run after the other, each the best for its cost; what is known ends up with all of them. */
    static List<Picked> choose(Knowledge knowledge, List<CandidateRuns.Run> candidates, boolean again, Means means) {
        List<CandidateRuns.Run> left = new ArrayList<>(candidates);
        List<Picked> picked = new ArrayList<>();
        double remaining = means.remaining();
        while (picked.size() < means.wave()) {
            CandidateRuns.Run best = best(left, knowledge, remaining, means.overhead());
            if (best == null) {
                break;
            }
            double before = knowledge.variance();
            knowledge.add(best.N(), best.D(), 1);
            picked.add(new Picked(best, before, knowledge.variance()));
            remaining -= best.C();
            if (!again) {
                left.remove(best);
            }
        }
        return picked;
    }

    private static CandidateRuns.@Nullable Run best(
            List<CandidateRuns.Run> runs, Knowledge knowledge, double remaining, double overhead) {
        double[] gains = knowledge.gains(runs);
        CandidateRuns.Run best = null;
        double most = 0;
        for (int i = 0; i < gains.length; i++) {
            CandidateRuns.Run run = runs.get(i);
            if (run.C() <= remaining * (1 + 1e-9)) {
                double gain = gains[i] / (run.C() + overhead);
                if (gain > most) {
                    most = gain;
                    best = run;
                }
            }
        }
        return best;
    }

    /** @param noise standard deviation of log loss */
    record Fitted(ChinchillaLaw law, double noise) {}

    /** Huber's delta goes with the noise: near to least squares, which are the sharpest for a run's noise, and yet one run that went wrong does not carry the rest. */
    static FitOutcome<Fitted> fit(List<FitPoint> points, OptionalDouble noise) {
        if (noise.isPresent()) {
            double known = noise.getAsDouble();
            return law(points, 3 * known).flatMap(law -> new FitOutcome.Converged<>(new Fitted(law, known)));
        }
        return law(points, ParametricOptions.defaults().huberDelta())
                .flatMap(first -> law(points, 1.5 * deviation(points, first)))
                .flatMap(law -> new FitOutcome.Converged<>(new Fitted(law, deviation(points, law))));
    }

    private static FitOutcome<ChinchillaLaw> law(List<FitPoint> points, double delta) {
        return ParametricFit.minimum(points, ParametricOptions.defaults().withHuberDelta(delta), 1)
                .flatMap(found -> new FitOutcome.Converged<>(found.law()));
    }

    /** By the median absolute residual, freed of what five coefficients take up. */
    private static double deviation(List<FitPoint> points, ChinchillaLaw law) {
        double[] residuals = points.stream()
                .mapToDouble(p -> Math.log(law.loss(p.N(), p.D()) / p.loss()))
                .toArray();
        int n = residuals.length;
        return Math.max(LEAST_NOISE, RobustScale.of(residuals) * Math.sqrt((double) n / (n - COEFFICIENTS)));
    }

    /** The law that a finished design gives. */
    public static FitOutcome<ChinchillaLaw> conclude(List<FitPoint> points, OptionalDouble noise) {
        return fit(points, noise).flatMap(found -> new FitOutcome.Converged<>(found.law));
    }
}
