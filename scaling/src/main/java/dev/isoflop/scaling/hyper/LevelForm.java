package dev.isoflop.scaling.hyper;

import dev.isoflop.scaling.law.Jet;
import dev.isoflop.scaling.law.LawPoints;
import dev.isoflop.scaling.law.form.Basin;
import dev.isoflop.scaling.law.form.Form;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * A {@link Basin} on a level of its own for each (N, D). A law of the best loss, which is tenths of a percent wrong somewhere, would bend the basin: the excess that is looked
 * for is no larger.
 */
final class LevelForm extends Form {

    private static final int BASIN = Basin.COEFFICIENTS.size();

    /** Where the level of each is among the coefficients. */
    private final Map<TunedRun.Cell, Integer> index;

    LevelForm(Collection<TunedRun.Cell> cells) {
        this(new ArrayList<>(new TreeSet<>(cells)));
    }

    private LevelForm(List<TunedRun.Cell> cells) {
        super("basin", "L = L(N, D) (1 + " + Basin.FORMULA + ")", Basin.INPUTS, coefficients(cells));
        index = new HashMap<>();
        for (int i = 0; i < cells.size(); i++) {
            index.put(cells.get(i), BASIN + i);
        }
    }

    private static List<Coefficient> coefficients(List<TunedRun.Cell> cells) {
        List<Coefficient> all = new ArrayList<>(Basin.COEFFICIENTS);
        cells.forEach(cell -> all.add(Coefficient.scale("L(" + cell.N() + ", " + cell.D() + ")")));
        return all;
    }

    private int level(double[] x) {
        Integer at = index.get(new TunedRun.Cell(x[0], x[1]));
        if (at == null) {
            throw new IllegalArgumentException("no run was fitted of N = " + x[0] + ", D = " + x[1]);
        }
        return at;
    }

    @Override
    public Jet loss(Jet[] c, double[] x) {
        return c[level(x)].times(Basin.above(c, 0, x).plus(1));
    }

    @Override
    public List<double[]> candidates(LawPoints points) {
        double[][] x = points.rows(this);
        Basin.Start found = Basin.start(x, points.losses());
        if (found.best().isEmpty()) {
            return List.of();
        }
        double[] start = new double[BASIN + index.size()];
        Arrays.fill(start, Double.POSITIVE_INFINITY);
        for (int i = 0; i < x.length; i++) {
            start[level(x[i])] = Math.min(start[level(x[i])], points.loss(i));
        }
        System.arraycopy(found.basin(), 0, start, 0, BASIN);
        found.best().forEach(best -> start[level(best)] = best[2]);
        return List.of(start);
    }
}
