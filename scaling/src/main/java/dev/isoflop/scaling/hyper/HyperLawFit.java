package dev.isoflop.scaling.hyper;

import dev.isoflop.scaling.fit.Criterion;
import dev.isoflop.scaling.fit.Estimate;
import dev.isoflop.scaling.fit.FitOutcome;
import dev.isoflop.scaling.fit.LawFit;
import dev.isoflop.scaling.fit.ParametricOptions.Resampling;
import dev.isoflop.scaling.fit.RefusalReason;
import dev.isoflop.scaling.fit.Resamples;
import dev.isoflop.scaling.law.FitPoint;
import dev.isoflop.scaling.law.Law;
import dev.isoflop.scaling.law.LawPoints;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A {@link HyperLaw} fitted by weighted least squares of logarithms, with intervals from drawing models anew: lengths of one N are no independent evidence of its power.
 */
public final class HyperLawFit {

    private final HyperLaw law;
    private final Resamples resamples;
    private final boolean ofN;
    private final double level;

    private HyperLawFit(HyperLaw law, Resamples resamples, boolean ofN, double level) {
        this.law = law;
        this.resamples = resamples;
        this.ofN = ofN;
        this.level = level;
    }

    /** What the law depends on. */
    public enum Of {
        N_AND_D(Law.Input.N, Law.Input.D),
        D(Law.Input.D);

        private final List<Law.Input> inputs;

        Of(Law.Input... inputs) {
            this.inputs = List.of(inputs);
        }
    }

    /**
     * @param bests whose loss is the best learning rate or batch, with weights and with the group that is drawn together
     * @param of what it depends on
     * @param resampling what is drawn
     * @param draws bootstrap draws; 0 for no intervals
     * @param level of the intervals
     */
    public static FitOutcome<HyperLawFit> of(
            List<FitPoint> bests, Of of, Resampling resampling, int draws, long seed, double level, int threads) {
        for (Law.Input input : of.inputs) {
            if (bests.stream().mapToDouble(p -> p.input(input)).distinct().count() < 2) {
                return new FitOutcome.Refused<>(
                        input == Law.Input.N ? RefusalReason.TOO_FEW_SIZES : RefusalReason.TOO_FEW_TOKEN_COUNTS,
                        "A power of " + input + " needs at least two values of it.",
                        Map.of("points", (double) bests.size()));
            }
        }
        LawPoints points = LawPoints.of(bests);
        Criterion criterion = new Criterion.Square(true);
        HyperForm form = new HyperForm(of.inputs);
        if (points.size() > form.coefficients().size()
                && form.candidates(points).isEmpty()) {
            return new FitOutcome.Refused<>(
                    RefusalReason.UNIDENTIFIABLE,
                    "N and D go together in all points, so their powers cannot be told apart. Vary tokens a parameter.",
                    Map.of("points", (double) bests.size()));
        }
        return LawFit.minimum(form, points, criterion, threads)
                .flatMap(minimum -> new FitOutcome.Converged<>(new HyperLawFit(
                        law(minimum.values(), of == Of.N_AND_D),
                        LawFit.resample(minimum, points, criterion, resampling, draws, seed, threads),
                        of == Of.N_AND_D,
                        level)));
    }

    private static HyperLaw law(double[] c, boolean ofN) {
        return new HyperLaw(Math.exp(c[0]), ofN ? c[1] : 0, c[c.length - 1]);
    }

    /** Points of the best learning rates, those of one N drawn together. */
    public static List<FitPoint> rates(LocalOptima optima) {
        List<FitPoint> points = new ArrayList<>();
        optima.optima()
                .forEach(o -> points.add(FitPoint.of(o.N(), o.D(), o.rate()).withGroup("N = " + o.N())));
        return points;
    }

    /** Points of the best batches, those of one N drawn together. */
    public static List<FitPoint> batches(LocalOptima optima) {
        List<FitPoint> points = new ArrayList<>();
        optima.optima()
                .forEach(o -> points.add(FitPoint.of(o.N(), o.D(), o.batch()).withGroup("N = " + o.N())));
        return points;
    }

    public HyperLaw law() {
        return law;
    }

    public Estimate ofN() {
        return ofN ? resamples.estimate(law.ofN(), level, c -> c[1]) : new Estimate(0, 0, 0);
    }

    public Estimate ofD() {
        return resamples.estimate(law.ofD(), level, c -> c[c.length - 1]);
    }

    /** The best at N and D. */
    public Estimate at(double N, double D) {
        return resamples.estimate(law.at(N, D), level, c -> law(c, ofN).at(N, D));
    }
}
