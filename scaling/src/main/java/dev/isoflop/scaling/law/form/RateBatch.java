package dev.isoflop.scaling.law.form;

import dev.isoflop.scaling.law.FitPoint;
import dev.isoflop.scaling.law.Jet;
import dev.isoflop.scaling.law.LawPoints;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * Loss, learning rate and batch in one surface: a Chinchilla law of the best (Hoffmann et al. 2022, equation 2) and a {@link Basin} around it, of one shape relative to the loss.
 * The runs given should be within 2 or 3 percent of the best of their (N, D): farther out the basin is no paraboloid; within 1 percent it is no deeper than what the law of the
 * best is wrong by, which it then bends to make up for (on Li et al.'s grid rN and rD end at their bounds). {@code hyper.HyperSurface} has a level of its own for each (N, D)
 * instead, and no such lower limit.
 */
public final class RateBatch extends Form {

    private static final Chinchilla BEST = new Chinchilla();
    /** Surfaces of the best that are tried. */
    private static final int TRIED = 6;

    public RateBatch() {
        super(
                "rate-batch",
                "L = (E + A N^-alpha + B D^-beta) (1 + " + Basin.FORMULA + ")",
                Basin.INPUTS,
                Stream.concat(BEST.coefficients().stream(), Basin.COEFFICIENTS.stream())
                        .toList());
    }

    @Override
    public Jet loss(Jet[] c, double[] x) {
        Jet above = Basin.above(c, BEST.coefficients().size(), x);
        return BEST.loss(c, x).times(above.plus(1));
    }

    @Override
    public List<double[]> candidates(LawPoints points) {
        Basin.Start start = Basin.start(points.rows(this), points.losses());
        LawPoints best = start.best().isEmpty()
                ? points
                : LawPoints.of(start.best().stream()
                        .map(b -> FitPoint.of(b[0], b[1], b[2]))
                        .toList());
        List<double[]> out = new ArrayList<>();
        for (double[] law : nearest(best)) {
            double[] candidate = Arrays.copyOf(law, law.length + start.basin().length);
            System.arraycopy(start.basin(), 0, candidate, law.length, start.basin().length);
            out.add(candidate);
        }
        return out;
    }

    private static List<double[]> nearest(LawPoints losses) {
        double[][] x = losses.rows(BEST);
        return BEST.candidates(losses).stream()
                .sorted(Comparator.comparingDouble(c -> {
                    double squares = 0;
                    for (int i = 0; i < x.length; i++) {
                        double r = Math.log(BEST.loss(c, x[i]) / losses.loss(i));
                        squares += r * r;
                    }
                    return squares;
                }))
                .limit(TRIED)
                .toList();
    }
}
