package dev.isoflop.scaling.hyper;

import dev.isoflop.scaling.law.FitPoint;
import dev.isoflop.scaling.law.Jet;
import dev.isoflop.scaling.law.Law;
import dev.isoflop.scaling.law.Law.Coefficient;
import dev.isoflop.scaling.law.LawPoints;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * The paraboloid in ln rate and ln batch around a best that moves with N and D: ((s x + t y)^2 + (w y)^2) / 2 of x = ln(rate / (R N^rN D^rD)) and
 * y = ln(batch / (T D^tD)). Written as squares, so that it has a minimum whatever the coefficients.
 */
final class Basin {

    static final String FORMULA =
            "((s x + t y)^2 + (w y)^2) / 2, x = ln(rate / (R N^rN D^rD)), y = ln(batch / (T D^tD))";

    static final List<Coefficient> COEFFICIENTS = List.of(
            Coefficient.scale("R"),
            Coefficient.between("rN", -3, 3),
            Coefficient.between("rD", -3, 3),
            Coefficient.scale("T"),
            Coefficient.between("tD", -3, 3),
            Coefficient.scale("s"),
            Coefficient.between("t", -10, 10),
            Coefficient.scale("w"));

    static final List<Law.Input> INPUTS = List.of(Law.Input.N, Law.Input.D, Law.Input.RATE, Law.Input.BATCH);

    private Basin() {}

    /**
     * How far above the best, as a share of it.
     *
     * @param c of which the basin's begin at {@code first}
     * @param x N, D, rate and batch
     */
    static Jet above(Jet[] c, int first, double[] x) {
        double lnN = Math.log(x[0]);
        double lnD = Math.log(x[1]);
        Jet rate = c[first].log()
                .plus(c[first + 1].times(lnN))
                .plus(c[first + 2].times(lnD))
                .negated()
                .plus(Math.log(x[2]));
        Jet batch = c[first + 3].log().plus(c[first + 4].times(lnD)).negated().plus(Math.log(x[3]));
        Jet along = c[first + 5].times(rate).plus(c[first + 6].times(batch));
        Jet across = c[first + 7].times(batch);
        return along.times(along).plus(across.times(across)).times(.5);
    }

    /** The best learning rate. */
    static HyperLaw rate(double[] c, int first) {
        return new HyperLaw(c[first], c[first + 1], c[first + 2]);
    }

    /** The best batch. */
    static HyperLaw batch(double[] c, int first) {
        return new HyperLaw(c[first + 3], 0, c[first + 4]);
    }

    /** Where to look from: lines through the vertices of single (N, D), and their mean curvature. */
    static double[] start(List<LocalOptima.Optimum> optima) {
        double[] rate = line(List.of(Law.Input.N, Law.Input.D), optima, LocalOptima.Optimum::rate);
        double[] batch = line(List.of(Law.Input.D), optima, LocalOptima.Optimum::batch);
        double rr = mean(optima, o -> o.curvature().rate() / o.loss());
        double rb = mean(optima, o -> o.curvature().cross() / o.loss());
        double bb = mean(optima, o -> o.curvature().batch() / o.loss());
        double s = Math.sqrt(rr);
        double t = rb / s;
        double w = Math.sqrt(Math.max(bb - t * t, 1e-3 * bb));
        return new double[] {Math.exp(rate[0]), rate[1], rate[2], Math.exp(batch[0]), batch[1], s, t, w};
    }

    private static double[] line(
            List<Law.Input> of, List<LocalOptima.Optimum> optima, ToDoubleFunction<LocalOptima.Optimum> value) {
        LawPoints points = LawPoints.of(optima.stream()
                .map(o -> FitPoint.of(o.N(), o.D(), value.applyAsDouble(o)))
                .toList());
        return new HyperForm(of).candidates(points).getFirst();
    }

    private static double mean(List<LocalOptima.Optimum> optima, ToDoubleFunction<LocalOptima.Optimum> value) {
        return optima.stream().mapToDouble(value).average().orElseThrow();
    }
}
