package dev.isoflop.scaling.hyper;

import dev.isoflop.scaling.law.Paraboloid;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * The best learning rate and batch of each (N, D): the vertex of a paraboloid in (ln rate, ln batch), by least squares through the runs near the best one.
 *
 * @param optima one for each (N, D) whose paraboloid has a minimum
 * @param refused the others, with the reason
 */
public record LocalOptima(List<Optimum> optima, List<Refused> refused) {

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
        cells.forEach((cell, all) -> vertex(cell, near(all, within), optima, refused));
        return new LocalOptima(List.copyOf(optima), List.copyOf(refused));
    }

    static Map<TunedRun.Cell, List<TunedRun>> cells(List<TunedRun> runs) {
        Map<TunedRun.Cell, List<TunedRun>> cells = new TreeMap<>();
        for (TunedRun run : runs) {
            cells.computeIfAbsent(run.cell(), c -> new ArrayList<>()).add(run);
        }
        return cells;
    }

    /** Runs of one cell whose loss is at most that share above the least. */
    static List<TunedRun> near(List<TunedRun> cell, double within) {
        double best = cell.stream().mapToDouble(TunedRun::loss).min().orElseThrow();
        return cell.stream().filter(r -> r.loss() <= best * (1 + within)).toList();
    }

    private static void vertex(TunedRun.Cell cell, List<TunedRun> near, List<Optimum> optima, List<Refused> refused) {
        Paraboloid found = Paraboloid.through(
                near.stream().mapToDouble(r -> Math.log(r.rate())).toArray(),
                near.stream().mapToDouble(r -> Math.log(r.batch())).toArray(),
                near.stream().mapToDouble(TunedRun::loss).toArray());
        switch (found.outcome()) {
            case MINIMUM ->
                optima.add(new Optimum(
                        cell.N(),
                        cell.D(),
                        Math.exp(found.x()),
                        Math.exp(found.y()),
                        found.value(),
                        near.size(),
                        found.inside(),
                        new Curvature(found.xx(), found.xy(), found.yy())));
            case TOO_FEW ->
                refused.add(new Refused(
                        cell.N(),
                        cell.D(),
                        String.format(
                                Locale.ROOT,
                                "%d runs near the best; a paraboloid needs %d",
                                near.size(),
                                Paraboloid.COEFFICIENTS + 1)));
            case ON_A_LINE ->
                refused.add(new Refused(cell.N(), cell.D(), "the runs near the best lie on a line in rate and batch"));
            case NO_MINIMUM ->
                refused.add(new Refused(cell.N(), cell.D(), "the loss has no minimum near the best run"));
        }
    }
}
