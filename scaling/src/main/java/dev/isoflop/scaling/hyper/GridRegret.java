package dev.isoflop.scaling.hyper;

import java.util.List;
import java.util.Map;

/**
 * What laws of learning rate and batch would have cost on a grid that was trained: the loss of the run nearest to what they say, in ln rate and ln batch, over the least
 * of its (N, D). No model of the loss is needed; the grid's spacing and the runs' noise are in it.
 *
 * @param mean over all (N, D), share of the least loss
 * @param worst of them
 * @param cells (N, D) compared
 */
public record GridRegret(double mean, double worst, int cells) {

    /** @throws IllegalArgumentException without runs */
    public static GridRegret of(List<TunedRun> runs, HyperLaw rate, HyperLaw batch) {
        if (runs.isEmpty()) {
            throw new IllegalArgumentException("no runs to compare");
        }
        Map<TunedRun.Cell, List<TunedRun>> cells = LocalOptima.cells(runs);
        double sum = 0;
        double worst = 0;
        for (Map.Entry<TunedRun.Cell, List<TunedRun>> each : cells.entrySet()) {
            double x = Math.log(rate.at(each.getKey().N(), each.getKey().D()));
            double y = Math.log(batch.at(each.getKey().N(), each.getKey().D()));
            double best = Double.POSITIVE_INFINITY;
            double chosen = Double.NaN;
            double nearest = Double.POSITIVE_INFINITY;
            for (TunedRun run : each.getValue()) {
                double distance = Math.hypot(Math.log(run.rate()) - x, Math.log(run.batch()) - y);
                if (distance < nearest) {
                    nearest = distance;
                    chosen = run.loss();
                }
                best = Math.min(best, run.loss());
            }
            double regret = chosen / best - 1;
            sum += regret;
            worst = Math.max(worst, regret);
        }
        return new GridRegret(sum / cells.size(), worst, cells.size());
    }
}
