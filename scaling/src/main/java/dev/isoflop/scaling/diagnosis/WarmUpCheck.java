package dev.isoflop.scaling.diagnosis;

import dev.isoflop.scaling.fit.ParametricFit;
import dev.isoflop.scaling.law.FitPoint;
import dev.isoflop.scaling.table.Column;
import dev.isoflop.scaling.table.Notes;
import dev.isoflop.scaling.table.PointTable;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * Runs that were still warming up for much of their training: a warm-up of fixed length takes a larger share of shorter runs, and bends the law (Porian et al. 2024 find it to be a tenth
 * of a between Kaplan's and Chinchilla's).
 *
 * <p>Where the table does not say, short runs are looked at: losses divided by 1 + k e^(-D / D0), for some k and D0, must fit much better than as they are. Too large a batch
 * for short runs does the same.
 */
final class WarmUpCheck {

    private static final double MOST = 0.2;

    private static final double[] EXCESS = {.01, .02, .04, .08, .16, .32};
    /** D0 by the least D of the table. */
    private static final double[] DECAY = {1, 4, 16};
    /** Share of the objective that the excess must explain; of 25 published families two reach it, and surfaces without excess reach .04. */
    private static final double GAIN = 0.25;

    private static final int LEAST = 20;
    /** Excess of log loss that counts as one. */
    private static final double SEEN = 0.005;

    private WarmUpCheck() {}

    static Optional<Finding> of(PointTable table, Refits refits) {
        double[] share = IntStream.range(0, table.points().size())
                .mapToDouble(i -> share(table, i))
                .toArray();
        return IntStream.range(0, share.length).anyMatch(i -> Double.isFinite(share[i]))
                ? said(share, refits)
                : seen(table.points(), refits);
    }

    private static double share(PointTable table, int i) {
        Notes notes = table.notes();
        double tokens =
                notes.number(Column.WARMUP_TOKENS, i) / table.points().get(i).D();
        double steps = notes.number(Column.WARMUP_STEPS, i) / notes.number(Column.STEPS, i);
        return Double.isFinite(tokens) ? tokens : Double.isFinite(steps) ? steps : notes.number(Column.WARMUP_SHARE, i);
    }

    private static Optional<Finding> said(double[] share, Refits refits) {
        List<Integer> which = IntStream.range(0, share.length)
                .filter(i -> share[i] > MOST)
                .boxed()
                .toList();
        if (which.isEmpty()) {
            return Optional.empty();
        }
        double largest = which.stream().mapToDouble(i -> share[i]).max().orElseThrow();
        Refits.Effect effect = refits.without(which);
        Map<String, Double> numbers = new TreeMap<>();
        numbers.put("points", (double) which.size());
        numbers.put("largest", largest);
        numbers.put("threshold", MOST);
        effect.into(numbers);
        return Optional.of(Finding.of(
                        "warm-up",
                        numbers,
                        "%d %s warming up for more than %.0f %% of the training, at most %.0f %%: their loss is above what their tokens could reach; without them %s. Train short runs with a warm-up that is a share of their length, or leave them out.",
                        which.size(),
                        which.size() == 1 ? "run was" : "runs were",
                        100 * MOST,
                        100 * largest,
                        effect.change())
                .about(which));
    }

    private static Optional<Finding> seen(List<FitPoint> points, Refits refits) {
        Optional<ParametricFit.Minimum> plain = refits.minimum(points);
        if (points.size() < LEAST || plain.isEmpty()) {
            return Optional.empty();
        }
        double least = points.stream().mapToDouble(FitPoint::D).min().orElseThrow();
        double best = plain.get().objective();
        double excess = 0;
        double decay = 1;
        for (double d : DECAY) {
            for (double k : EXCESS) {
                double scale = d * least;
                Optional<ParametricFit.Minimum> found = refits.minimum(points.stream()
                        .map(p -> p.withLoss(p.loss() / (1 + k * Math.exp(-p.D() / scale))))
                        .toList());
                if (found.isPresent() && found.get().objective() < best) {
                    best = found.get().objective();
                    excess = k;
                    decay = scale;
                }
            }
        }
        double gain = 1 - best / plain.get().objective();
        double k = excess;
        double scale = decay;
        List<Integer> which = IntStream.range(0, points.size())
                .filter(i -> k * Math.exp(-points.get(i).D() / scale) > SEEN)
                .boxed()
                .toList();
        // what is fitted to the last digit has nothing to explain
        if (gain < GAIN || which.isEmpty() || plain.get().objective() < 1e-12) {
            return Optional.empty();
        }
        Refits.Effect effect = refits.without(which);
        Map<String, Double> numbers = new TreeMap<>();
        numbers.put("points", (double) which.size());
        numbers.put("excess", k);
        numbers.put("decay", scale);
        numbers.put("gain", gain);
        effect.into(numbers);
        return Optional.of(Finding.of(
                        "short-runs",
                        numbers,
                        "Short runs lie above the law, by up to %.0f %% and less with every %.2g tokens, which explains %.0f %% of the misfit (said from %.0f %%). A warm-up too long for them does that, or a batch too large; without them %s. With a column of warm-up (warmup_tokens, or warmup_steps and steps) that can be told.",
                        100 * k,
                        scale,
                        100 * gain,
                        100 * GAIN,
                        effect.change())
                .about(which));
    }
}
