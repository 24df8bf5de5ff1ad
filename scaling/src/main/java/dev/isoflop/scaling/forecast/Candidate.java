package dev.isoflop.scaling.forecast;

import dev.isoflop.scaling.fit.Criterion;
import dev.isoflop.scaling.fit.FitOutcome;
import dev.isoflop.scaling.fit.LawFit;
import dev.isoflop.scaling.fit.ParametricFit;
import dev.isoflop.scaling.fit.ParametricOptions;
import dev.isoflop.scaling.law.ChinchillaLaw;
import dev.isoflop.scaling.law.FitPoint;
import dev.isoflop.scaling.law.Law;
import dev.isoflop.scaling.law.LawPoints;
import dev.isoflop.scaling.law.form.Chinchilla;
import dev.isoflop.scaling.law.form.ComputeEnvelope;
import dev.isoflop.scaling.law.form.Forms;
import dev.isoflop.scaling.law.form.Kaplan;
import dev.isoflop.scaling.law.form.OverTraining;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A way to fit what there is and say what larger runs will reach.
 *
 * @param law the form
 * @param emphasis how points count
 */
public record Candidate(Law law, Emphasis emphasis) {

    /** Candidates followed where the law has been fitted to a part of the points, and where it has not. */
    private static final int FEW_STARTS = 2;

    private static final int MOST_STARTS = 8;

    /** How points count. */
    public enum Emphasis {
        /** By their own weights. */
        ALIKE,
        /** By their own weights and their compute. */
        BY_COMPUTE
    }

    /**
     * A candidate, fitted.
     *
     * @param values of the law's coefficients
     */
    public record Fitted(Candidate candidate, double[] values) {

        /** Logarithm of the loss that it gives a point. */
        public double logLoss(FitPoint p) {
            List<Law.Input> inputs = candidate.law.inputs();
            double[] x = new double[inputs.size()];
            for (int k = 0; k < x.length; k++) {
                x[k] = p.input(inputs.get(k));
            }
            return Math.log(candidate.law.loss(values, x));
        }
    }

    /** Of N and D alone: Chinchilla's, Kaplan's and Gadre et al.'s laws with points alike and by compute, and an envelope by compute. */
    public static List<Candidate> ofSizeAndData() {
        List<Candidate> all = new ArrayList<>();
        for (Law law : List.of(new Chinchilla(), new Kaplan(), new OverTraining())) {
            all.add(new Candidate(law, Emphasis.ALIKE));
            all.add(new Candidate(law, Emphasis.BY_COMPUTE));
        }
        all.add(new Candidate(ComputeEnvelope.free(), Emphasis.BY_COMPUTE));
        return List.copyOf(all);
    }

    /** {@link #ofSizeAndData} and every other form whose inputs all points have, both ways. */
    public static List<Candidate> among(List<FitPoint> points) {
        List<Candidate> all = new ArrayList<>(ofSizeAndData());
        Set<Law.Input> usual = Set.of(Law.Input.N, Law.Input.D, Law.Input.C);
        for (Law law : Forms.all()) {
            boolean further = law.inputs().stream().anyMatch(input -> !usual.contains(input));
            if (further
                    && points.stream()
                            .allMatch(p -> law.inputs().stream()
                                    .allMatch(input ->
                                            usual.contains(input) || p.further().containsKey(input)))) {
                all.add(new Candidate(law, Emphasis.ALIKE));
                all.add(new Candidate(law, Emphasis.BY_COMPUTE));
            }
        }
        return List.copyOf(all);
    }

    /** Such as {@code kaplan by compute}. */
    public String name() {
        return switch (emphasis) {
            case ALIKE -> law.name();
            case BY_COMPUTE -> law.name() + " by compute";
        };
    }

    /** The points as they count in this candidate's fit. */
    public List<FitPoint> emphasised(List<FitPoint> points) {
        return switch (emphasis) {
            case ALIKE -> points;
            case BY_COMPUTE -> ComputeWeights.weighted(points);
        };
    }

    /**
     * By Huber's loss of log loss.
     *
     * @param known the same candidate fitted to a part of the points; null if there is none
     */
    FitOutcome<Fitted> fit(List<FitPoint> points, double delta, @Nullable Fitted known, int threads) {
        List<FitPoint> counted = emphasised(points);
        if (law instanceof Chinchilla) {
            return ParametricFit.minimum(counted, ParametricOptions.defaults().withHuberDelta(delta), threads)
                    .flatMap(found -> new FitOutcome.Converged<>(new Fitted(this, values(found.law()))));
        }
        return LawFit.minimum(
                        law,
                        LawPoints.of(counted),
                        new Criterion.HuberLog(delta),
                        known == null ? List.of() : List.of(known.values),
                        known == null ? MOST_STARTS : FEW_STARTS,
                        threads)
                .flatMap(found -> new FitOutcome.Converged<>(new Fitted(this, found.values())));
    }

    /** In the order of {@link Chinchilla}'s coefficients. */
    static double[] values(ChinchillaLaw law) {
        return new double[] {law.E(), law.A(), law.B(), law.alpha(), law.beta()};
    }
}
