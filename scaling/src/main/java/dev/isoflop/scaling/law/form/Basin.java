package dev.isoflop.scaling.law.form;

import dev.isoflop.scaling.law.Jet;
import dev.isoflop.scaling.law.Law.Coefficient;
import dev.isoflop.scaling.law.Law.Input;
import dev.isoflop.scaling.law.LogLine;
import dev.isoflop.scaling.law.Paraboloid;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;

/**
 * The paraboloid in ln rate and ln batch around a best that moves with N and D: ((s x + t y)^2 + (w y)^2) / 2 of x = ln(rate / (R N^rN D^rD)) and
 * y = ln(batch / (T D^tD)), the power laws being Li et al.'s (2025, equation 1). Written as squares, so that it has a minimum whatever the coefficients; the second-order
 * expansion of whatever the loss is near its best.
 */
public final class Basin {

    /** As text. */
    public static final String FORMULA =
            "((s x + t y)^2 + (w y)^2) / 2, x = ln(rate / (R N^rN D^rD)), y = ln(batch / (T D^tD))";

    /** R, rN, rD, T, tD, s, t, w. */
    public static final List<Coefficient> COEFFICIENTS = List.of(
            Coefficient.scale("R"),
            Coefficient.between("rN", -3, 3),
            Coefficient.between("rD", -3, 3),
            Coefficient.scale("T"),
            Coefficient.between("tD", -3, 3),
            Coefficient.scale("s"),
            Coefficient.between("t", -10, 10),
            Coefficient.scale("w"));

    /** What laws with a basin need of a point. */
    public static final List<Input> INPUTS = List.of(Input.N, Input.D, Input.RATE, Input.BATCH);

    private Basin() {}

    /**
     * How far above the best, as a share of it.
     *
     * @param c of which the basin's begin at {@code first}
     * @param x N, D, rate and batch
     */
    public static Jet above(Jet[] c, int first, double[] x) {
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

    /**
     * Where to look from.
     *
     * @param basin coefficients
     * @param best of each (N, D): N, D and the loss at the vertex of its own paraboloid; empty if none has one
     */
    public record Start(double[] basin, List<double[]> best) {}

    /**
     * Lines through the vertices of single (N, D), and the mean of their curvature. Where there are none: the middle of the points, and a basin of any shape.
     *
     * @param x rows of {@link #INPUTS}
     * @param loss by row
     */
    public static Start start(double[][] x, double[] loss) {
        Map<String, List<Integer>> cells = new TreeMap<>();
        for (int i = 0; i < loss.length; i++) {
            cells.computeIfAbsent(x[i][0] + " " + x[i][1], c -> new ArrayList<>())
                    .add(i);
        }
        List<Paraboloid> found = new ArrayList<>();
        List<double[]> best = new ArrayList<>();
        for (List<Integer> cell : cells.values()) {
            Paraboloid own = Paraboloid.through(
                    of(cell, i -> Math.log(x[i][2])), of(cell, i -> Math.log(x[i][3])), of(cell, i -> loss[i]));
            if (own.outcome() == Paraboloid.Outcome.MINIMUM && own.value() > 0) {
                found.add(own);
                best.add(new double[] {x[cell.getFirst()][0], x[cell.getFirst()][1], own.value()});
            }
        }
        if (found.isEmpty()) {
            double rate = Arrays.stream(x)
                    .mapToDouble(row -> Math.log(row[2]))
                    .average()
                    .orElse(0);
            double batch = Arrays.stream(x)
                    .mapToDouble(row -> Math.log(row[3]))
                    .average()
                    .orElse(0);
            return new Start(new double[] {Math.exp(rate), 0, 0, Math.exp(batch), 0, .1, 0, .1}, best);
        }
        double[] ones = Grid.ones(found.size());
        double rateMean = mean(found, Paraboloid::x);
        double batchMean = mean(found, Paraboloid::y);
        double[] rate = LogLine.through(
                        best.stream().map(b -> new double[] {b[0], b[1]}).toArray(double[][]::new),
                        found.stream().mapToDouble(p -> Math.exp(p.x())).toArray(),
                        ones)
                .orElse(new double[] {rateMean, 0, 0});
        double[] batch = LogLine.through(
                        best.stream().map(b -> new double[] {b[1]}).toArray(double[][]::new),
                        found.stream().mapToDouble(p -> Math.exp(p.y())).toArray(),
                        ones)
                .orElse(new double[] {batchMean, 0});
        // relative to the loss, as the basin is
        double rr = 0;
        double rb = 0;
        double bb = 0;
        for (Paraboloid each : found) {
            rr += each.xx() / each.value() / found.size();
            rb += each.xy() / each.value() / found.size();
            bb += each.yy() / each.value() / found.size();
        }
        double s = Math.sqrt(rr);
        double t = rb / s;
        double w = Math.sqrt(Math.max(bb - t * t, 1e-3 * bb));
        return new Start(
                new double[] {Math.exp(rate[0]), rate[1], rate[2], Math.exp(batch[0]), batch[1], s, t, w}, best);
    }

    private static double[] of(List<Integer> cell, ToDoubleFunction<Integer> value) {
        return cell.stream().mapToDouble(value).toArray();
    }

    private static double mean(List<Paraboloid> of, ToDoubleFunction<Paraboloid> value) {
        return of.stream().mapToDouble(value).average().orElseThrow();
    }
}
