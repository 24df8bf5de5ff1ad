package dev.isoflop.scaling.hyper;

import dev.isoflop.scaling.law.FitPoint;
import dev.isoflop.scaling.law.Jet;
import dev.isoflop.scaling.law.LawPoints;
import dev.isoflop.scaling.law.form.Chinchilla;
import dev.isoflop.scaling.law.form.Form;
import dev.isoflop.scaling.law.form.Grid;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * Loss, learning rate and batch in one surface: a Chinchilla law of the best, and a paraboloid in ln rate and ln batch around a best that moves by power laws,
 * of one shape relative to the loss. The power laws are Li et al.'s (2025, equation 1), the paraboloid is the second-order expansion of whatever the loss is there, so the
 * runs given should be near their best.
 */
public final class RateBatchForm extends Form {

    private static final Chinchilla BEST = new Chinchilla();
    /** Surfaces of the best that are tried. */
    private static final int TRIED = 6;

    public RateBatchForm() {
        super(
                "rate-batch",
                "L = (E + A N^-alpha + B D^-beta) (1 + ((s x + t y)^2 + (w y)^2) / 2), x = ln(rate / (R N^rN D^rD)), y = ln(batch / (T D^tD))",
                List.of(Input.N, Input.D, Input.RATE, Input.BATCH),
                Stream.concat(BEST.coefficients().stream(), Basin.COEFFICIENTS.stream())
                        .toList());
    }

    @Override
    public Jet loss(Jet[] c, double[] x) {
        Jet best = BEST.loss(c, x);
        return best.times(Basin.above(c, 5, x).plus(1));
    }

    @Override
    public List<double[]> candidates(LawPoints points) {
        double[][] x = points.rows(this);
        List<TunedRun> runs = new ArrayList<>();
        for (int i = 0; i < x.length; i++) {
            runs.add(new TunedRun(x[i][0], x[i][1], x[i][2], x[i][3], points.loss(i)));
        }
        List<LocalOptima.Optimum> optima = LocalOptima.of(runs, Double.POSITIVE_INFINITY).optima().stream()
                .filter(o -> o.loss() > 0)
                .toList();
        if (optima.isEmpty()) {
            return fallback(runs, points);
        }
        double[] basin = Basin.start(optima);
        LawPoints losses = LawPoints.of(
                optima.stream().map(o -> FitPoint.of(o.N(), o.D(), o.loss())).toList());
        List<double[]> out = new ArrayList<>();
        for (double[] best : nearest(losses)) {
            double[] start = Arrays.copyOf(best, best.length + basin.length);
            System.arraycopy(basin, 0, start, best.length, basin.length);
            out.add(start);
        }
        return out;
    }

    /** Where no (N, D) has a paraboloid of its own: the mean as the best, whose loss is the law's. */
    private static List<double[]> fallback(List<TunedRun> runs, LawPoints points) {
        double rate =
                runs.stream().mapToDouble(r -> Math.log(r.rate())).average().orElse(0);
        double batch =
                runs.stream().mapToDouble(r -> Math.log(r.batch())).average().orElse(0);
        List<double[]> out = new ArrayList<>();
        for (double[] best : nearest(points)) {
            for (double s : Grid.logarithmic(.03, 3, 3)) {
                out.add(new double[] {
                    best[0], best[1], best[2], best[3], best[4], Math.exp(rate), 0, 0, Math.exp(batch), 0, s, 0, s
                });
            }
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
