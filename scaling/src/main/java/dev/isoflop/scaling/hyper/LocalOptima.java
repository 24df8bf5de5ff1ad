package dev.isoflop.scaling.hyper;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.ArrayRealVector;
import org.apache.commons.math3.linear.DecompositionSolver;
import org.apache.commons.math3.linear.QRDecomposition;

/**
 * The best learning rate and batch of each (N, D): the vertex of a paraboloid in (ln rate, ln batch), by least squares through the runs near the best one.
 *
 * @param optima one for each (N, D) whose paraboloid has a minimum
 * @param refused the others, with the reason
 */
public record LocalOptima(List<Optimum> optima, List<Refused> refused) {

    /** Coefficients of a paraboloid in two variables. */
    private static final int COEFFICIENTS = 6;

    /**
     * @param N parameters
     * @param D training tokens
     * @param rate peak learning rate at the vertex
     * @param batch tokens a step at the vertex
     * @param loss at the vertex
     * @param runs that it was fitted to
     * @param inside whether the vertex is within the range of those runs, in rate and in batch
     * @param curvature around it
     */
    public record Optimum(
            double N,
            double D,
            double rate,
            double batch,
            double loss,
            int runs,
            boolean inside,
            Curvature curvature) {}

    /**
     * Second derivatives of the loss, nats: the loss is half of them above its least one step of a factor e away.
     *
     * @param rate by ln rate
     * @param cross by ln rate and ln batch
     * @param batch by ln batch
     */
    public record Curvature(double rate, double cross, double batch) {}

    public record Refused(double N, double D, String reason) {}

    /**
     * @param within share above the least loss of its (N, D) up to which a run counts as near: .02 as a rule, since a wider paraboloid fits what is no parabola
     */
    public static LocalOptima of(List<TunedRun> runs, double within) {
        if (!(within > 0)) {
            throw new IllegalArgumentException("within must be positive, was " + within);
        }
        Map<TunedRun.Cell, List<TunedRun>> cells = cells(runs);
        List<Optimum> optima = new ArrayList<>();
        List<Refused> refused = new ArrayList<>();
        cells.forEach((cell, all) -> {
            double best = all.stream().mapToDouble(TunedRun::loss).min().orElseThrow();
            List<TunedRun> near =
                    all.stream().filter(r -> r.loss() <= best * (1 + within)).toList();
            vertex(cell, near, optima, refused);
        });
        return new LocalOptima(List.copyOf(optima), List.copyOf(refused));
    }

    static Map<TunedRun.Cell, List<TunedRun>> cells(List<TunedRun> runs) {
        Map<TunedRun.Cell, List<TunedRun>> cells = new TreeMap<>();
        for (TunedRun run : runs) {
            cells.computeIfAbsent(run.cell(), c -> new ArrayList<>()).add(run);
        }
        return cells;
    }

    private static void vertex(TunedRun.Cell cell, List<TunedRun> near, List<Optimum> optima, List<Refused> refused) {
        int n = near.size();
        if (n <= COEFFICIENTS) {
            refused.add(new Refused(
                    cell.N(),
                    cell.D(),
                    String.format(Locale.ROOT, "%d runs near the best; a paraboloid needs %d", n, COEFFICIENTS + 1)));
            return;
        }
        double centreX =
                near.stream().mapToDouble(r -> Math.log(r.rate())).average().orElseThrow();
        double centreY =
                near.stream().mapToDouble(r -> Math.log(r.batch())).average().orElseThrow();
        double[][] rows = new double[n][];
        double[] loss = new double[n];
        double[] low = {Double.POSITIVE_INFINITY, Double.POSITIVE_INFINITY};
        double[] high = {Double.NEGATIVE_INFINITY, Double.NEGATIVE_INFINITY};
        for (int i = 0; i < n; i++) {
            double x = Math.log(near.get(i).rate()) - centreX;
            double y = Math.log(near.get(i).batch()) - centreY;
            rows[i] = new double[] {1, x, y, x * x / 2, x * y, y * y / 2};
            loss[i] = near.get(i).loss();
            low[0] = Math.min(low[0], x);
            high[0] = Math.max(high[0], x);
            low[1] = Math.min(low[1], y);
            high[1] = Math.max(high[1], y);
        }
        DecompositionSolver solver = new QRDecomposition(new Array2DRowRealMatrix(rows, false), 1e-10).getSolver();
        if (!solver.isNonSingular()) {
            refused.add(new Refused(cell.N(), cell.D(), "the runs near the best lie on a line in rate and batch"));
            return;
        }
        double[] c = solver.solve(new ArrayRealVector(loss, false)).toArray();
        double determinant = c[3] * c[5] - c[4] * c[4];
        if (!(c[3] > 0) || !(determinant > 0)) {
            refused.add(new Refused(cell.N(), cell.D(), "the loss has no minimum near the best run"));
            return;
        }
        double x = -(c[5] * c[1] - c[4] * c[2]) / determinant;
        double y = -(c[3] * c[2] - c[4] * c[1]) / determinant;
        optima.add(new Optimum(
                cell.N(),
                cell.D(),
                Math.exp(x + centreX),
                Math.exp(y + centreY),
                c[0] + (c[1] * x + c[2] * y) / 2,
                n,
                x >= low[0] && x <= high[0] && y >= low[1] && y <= high[1],
                new Curvature(c[3], c[4], c[5])));
    }
}
