package dev.isoflop.scaling.design;

import dev.isoflop.scaling.fit.FitOutcome;
import dev.isoflop.scaling.law.ChinchillaLaw;
import dev.isoflop.scaling.law.FitPoint;
import dev.isoflop.scaling.plan.PlannedCell;
import dev.isoflop.scaling.plan.SweepPlan;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Stream;

/**
 * A whole sweep by design, chosen at once: of all runs that could be trained those that together tell the target best for what they cost. A sequential design is sharper, since
 * it learns the law on the way; this one can be queued tonight.
 *
 * <p>The variance is to first order about laws that are assumed ({@link AssumedLaws}) as long as there are no runs, and about their fitted law once there are.
 */
public final class OptimalSweep {

    /** A run costs beside its FLOPs this many times its share of the budget, which makes for about as many runs as are asked for. */
    private static final double OVERHEAD = 3;

    private final List<ChinchillaLaw> laws;
    private final double noise;
    private final List<FitPoint> soFar;

    private OptimalSweep(List<ChinchillaLaw> laws, double noise, List<FitPoint> soFar) {
        this.laws = laws;
        this.noise = noise;
        this.soFar = soFar;
    }

    /**
     * Without any run.
     *
     * @param laws any of which may be the true one, at least one
     * @param noise standard deviation of a run's log loss
     */
    public static OptimalSweep assuming(List<ChinchillaLaw> laws, double noise) {
        if (laws.isEmpty()) {
            throw new IllegalArgumentException("a design needs a law to go by");
        }
        return new OptimalSweep(List.copyOf(laws), noise, List.of());
    }

    /**
     * @param soFar runs that have ended; none for {@link AssumedLaws}
     * @return refused if there are some and too few for a law
     */
    public static FitOutcome<OptimalSweep> after(List<FitPoint> soFar) {
        return soFar.isEmpty()
                ? new FitOutcome.Converged<>(assuming(AssumedLaws.PUBLISHED, AssumedLaws.NOISE))
                : SequentialDesign.fit(soFar, OptionalDouble.empty())
                        .flatMap(found -> new FitOutcome.Converged<>(
                                new OptimalSweep(List.of(found.law()), found.noise(), List.copyOf(soFar))));
    }

    /**
     * The same for runs of some size, since small ones scatter more: for what a plan promises. Runs are chosen as in the trials (docs/benchmarks/design.md), without it. What was measured
     * on runs that have ended stays.
     *
     * @param flops of the largest
     */
    public OptimalSweep forRunsOf(double flops) {
        return soFar.isEmpty() ? assuming(laws, AssumedLaws.noise(flops)) : this;
    }

    /** Runs that have ended. */
    public List<FitPoint> soFar() {
        return soFar;
    }

    /** Of those; empty while laws are assumed. */
    public Optional<ChinchillaLaw> law() {
        return soFar.isEmpty() ? Optional.empty() : Optional.of(laws.getFirst());
    }

    /**
     * @param target to be known well
     * @param candidates that could be trained
     * @param flops to spend on all, 6ND
     * @param runs at most
     * @return those chosen, in the candidates' order; what they leave out for its limits is passed on
     */
    public SweepPlan choose(DesignTarget target, SweepPlan candidates, double flops, int runs) {
        Map<CandidateRuns.Run, PlannedCell> cells = CandidateRuns.Run.of(candidates);
        SequentialDesign.Means means =
                new SequentialDesign.Means(runs, flops, OVERHEAD * flops / runs, OptionalDouble.empty());
        List<PlannedCell> chosen =
                SequentialDesign.choose(knowledge(target), List.copyOf(cells.keySet()), false, means).stream()
                        .flatMap(picked -> Stream.ofNullable(cells.get(picked.run())))
                        .sorted(Comparator.comparingDouble(PlannedCell::budget).thenComparingLong(PlannedCell::N))
                        .toList();
        return new SweepPlan(candidates.convention(), chosen, candidates.dropped());
    }

    /**
     * Standard deviation of the target once a plan's runs have ended, beside those there are. Where their own fit knows the target less well than is reckoned, that is taken to
     * fall by the same share, as {@link SequentialDesign#heldTo} does.
     */
    public double sdAfter(DesignTarget target, SweepPlan plan) {
        Knowledge knowledge = knowledge(target);
        double now = Math.sqrt(knowledge.variance());
        plan.cells().forEach(cell -> knowledge.add(cell.N(), cell.D(), 1));
        double after = Math.sqrt(knowledge.variance());
        double own = soFar.isEmpty()
                ? 0
                : SequentialDesign.ownSd(soFar, target).asOptional().orElse(0.0);
        return after * Math.max(1, own / now);
    }

    private Knowledge knowledge(DesignTarget target) {
        Knowledge knowledge = new Knowledge(laws, noise, target);
        soFar.forEach(p -> knowledge.add(p.N(), p.D(), p.weight()));
        return knowledge;
    }
}
