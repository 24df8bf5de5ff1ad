package dev.isoflop.scaling.forecast;

import dev.isoflop.scaling.fit.FitOutcome;
import dev.isoflop.scaling.fit.RefusalReason;
import dev.isoflop.scaling.law.Budgets;
import dev.isoflop.scaling.law.FitPoint;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * How forms would have done: each is fitted to what lies below several compute cut-offs and forecasts what lies above (rolling origin evaluation, Tashman 2000). Cut-offs are
 * Cmax / 3, / 10, / 30, / 100 and so on, as long as {@value #LEAST_POINTS} points of {@value #LEAST_BUDGETS} budgets remain. Every fit begins at the one of the cut-off before it,
 * never at one that has seen more.
 *
 * <p>Each cut-off counts as one, however many points lie above it: their errors go together. What is more than {@value #HORIZON} times above a cut-off is shown and does not
 * count.
 *
 * @param candidates in the order they were given
 * @param rungs from the lowest cut-off up
 */
public record Rollouts(List<Candidate> candidates, List<Rung> rungs) {

    public static final double HORIZON = 10;
    /** What Chinchilla's law needs, and half as many again. */
    private static final int LEAST_POINTS = 12;

    private static final int LEAST_BUDGETS = 3;
    /** Budgets are met to a step or so. */
    private static final double SLACK = 1 + 1e-4;

    private static final double[] BANDS = {3.2, HORIZON * SLACK, 32, Double.POSITIVE_INFINITY};

    /**
     * One cut-off.
     *
     * @param cut FLOPs of the largest run that is fitted
     * @param fitted number of points at or below it
     * @param held points above it, by C
     * @param errors log loss forecast less measured, a row a candidate and a number a held point; NaN where the candidate was not fitted
     * @param milliseconds that each candidate's fit took
     */
    public record Rung(double cut, int fitted, List<FitPoint> held, double[][] errors, double[] milliseconds) {

        double ratio(int point) {
            return held.get(point).C() / cut;
        }

        /** Whether a point is near enough to count. */
        boolean counts(int point) {
            return ratio(point) <= HORIZON * SLACK;
        }
    }

    /**
     * Errors of a candidate at some distances, of log loss.
     *
     * @param from smallest ratio of a run to its cut-off
     * @param to largest
     * @param points held out, each once a cut-off
     * @param meanAbsolute error
     * @param rms root mean square error
     */
    public record Band(double from, double to, int points, double meanAbsolute, double rms) {}

    /**
     * @param delta Huber's, of log loss
     * @param threads changes nothing but the time
     */
    public static FitOutcome<Rollouts> of(
            List<FitPoint> points, List<Candidate> candidates, double delta, int threads) {
        List<List<FitPoint>> below = cuts(points);
        if (below.isEmpty()) {
            return new FitOutcome.Refused<>(
                    RefusalReason.TOO_FEW_POINTS,
                    String.format(
                            Locale.ROOT,
                            "Forms are told apart by larger runs held out, which takes at least %d runs of %d budgets at a third of the largest or less, and larger ones to forecast.",
                            LEAST_POINTS,
                            LEAST_BUDGETS),
                    Map.of("points", (double) points.size(), "needed", (double) LEAST_POINTS));
        }
        List<Rung> rungs = new ArrayList<>();
        Candidate.@Nullable Fitted[] last = new Candidate.@Nullable Fitted[candidates.size()];
        for (List<FitPoint> fitted : below) {
            double cut = fitted.getLast().C();
            List<FitPoint> held =
                    sorted(points).filter(p -> p.C() > cut * SLACK).toList();
            double[][] errors = new double[candidates.size()][held.size()];
            double[] milliseconds = new double[candidates.size()];
            for (int k = 0; k < errors.length; k++) {
                long start = System.nanoTime();
                Candidate.Fitted found = candidates
                        .get(k)
                        .fit(fitted, delta, last[k], threads)
                        .asOptional()
                        .orElse(null);
                for (int i = 0; i < held.size(); i++) {
                    errors[k][i] = found == null
                            ? Double.NaN
                            : found.logLoss(held.get(i)) - Math.log(held.get(i).loss());
                }
                last[k] = found == null ? last[k] : found;
                milliseconds[k] = (System.nanoTime() - start) / 1e6;
            }
            rungs.add(new Rung(cut, fitted.size(), held, errors, milliseconds));
        }
        Rollouts rollouts = new Rollouts(List.copyOf(candidates), List.copyOf(rungs));
        return rollouts.complete().findAny().isPresent()
                ? new FitOutcome.Converged<>(rollouts)
                : new FitOutcome.Refused<>(
                        RefusalReason.NOT_CONVERGED,
                        "No form could be fitted at every cut-off. Are N, D and the loss in the units that they should be?",
                        Map.of("cutOffs", (double) rungs.size()));
    }

    private static java.util.stream.Stream<FitPoint> sorted(List<FitPoint> points) {
        return points.stream().sorted(Comparator.comparingDouble(FitPoint::C));
    }

    /** What is fitted at each cut-off, fewest first. */
    private static List<List<FitPoint>> cuts(List<FitPoint> points) {
        List<FitPoint> all = sorted(points).toList();
        List<List<FitPoint>> out = new ArrayList<>();
        double largest = all.isEmpty() ? 0 : all.getLast().C();
        int before = all.size();
        for (int k = 1; ; k++) {
            double ratio = (k % 2 == 1 ? 3 : 1) * Math.pow(10, k / 2);
            List<FitPoint> fitted =
                    all.stream().filter(p -> p.C() <= largest / ratio * SLACK).toList();
            if (fitted.size() < LEAST_POINTS || Budgets.of(fitted).size() < LEAST_BUDGETS) {
                return out;
            }
            double cut = fitted.getLast().C();
            // a gap between budgets makes two cut-offs one, or leaves nothing near enough to count
            if (fitted.size() < before && all.get(fitted.size()).C() <= cut * HORIZON) {
                out.addFirst(fitted);
            }
            before = fitted.size();
        }
    }

    /** Whether a candidate was fitted at every cut-off and gave every point a number: what can be compared. */
    public boolean isComplete(int candidate) {
        return rungs.stream().allMatch(r -> Arrays.stream(r.errors[candidate]).allMatch(Double::isFinite));
    }

    /** Root mean square error of log loss: mean over cut-offs of the mean squares of points up to {@value #HORIZON} times above them. NaN if it was not fitted at some. */
    public double rms(int candidate) {
        if (!isComplete(candidate)) {
            return Double.NaN;
        }
        double[] alone = new double[candidates.size()];
        alone[candidate] = 1;
        return Math.sqrt(meanSquare(alone));
    }

    /** The candidate with the least {@link #rms}; the first of equals. */
    public int best() {
        return complete().boxed().min(Comparator.comparingDouble(this::rms)).orElseThrow();
    }

    /**
     * Weights with the least mean square error of the weighted mean of log loss, plus {@code count} times the error of {@code prior} times the squares of what they differ from
     * it by, relative to the number of cut-offs: as if so many cut-offs had been seen that say nothing against the prior.
     *
     * @param prior weights by candidate; what incomplete candidates have there is shared among the others
     * @param count cut-offs' worth of belief in the prior, above 0
     * @return by candidate; incomplete ones have 0
     */
    public double[] stacked(double[] prior, double count) {
        int[] who = complete().toArray();
        double total = Arrays.stream(who).mapToDouble(i -> prior[i]).sum();
        double[] p = Arrays.stream(who).mapToDouble(i -> prior[i] / total).toArray();
        double[] whole = new double[candidates.size()];
        for (int i = 0; i < who.length; i++) {
            whole[who[i]] = p[i];
        }
        double ridge = count / rungs.size() * Math.max(meanSquare(whole), 1e-12);
        double[][] q = new double[who.length][who.length];
        double[] c = new double[who.length];
        for (int i = 0; i < who.length; i++) {
            for (int j = 0; j < who.length; j++) {
                q[i][j] = product(who[i], who[j]) + (i == j ? ridge : 0);
            }
            c[i] = ridge * p[i];
        }
        double[] found = SimplexWeights.minimum(q, c);
        double[] out = new double[candidates.size()];
        for (int i = 0; i < who.length; i++) {
            out[who[i]] = found[i];
        }
        return out;
    }

    /** The same weight for each complete candidate. */
    public double[] equal() {
        double[] out = new double[candidates.size()];
        int[] who = complete().toArray();
        for (int i : who) {
            out[i] = 1.0 / who.length;
        }
        return out;
    }

    /** Of a weighted mean of log loss. */
    public double meanSquare(double[] weights) {
        double sum = 0;
        for (int i = 0; i < weights.length; i++) {
            for (int j = 0; j < weights.length; j++) {
                sum += weights[i] == 0 || weights[j] == 0 ? 0 : weights[i] * weights[j] * product(i, j);
            }
        }
        return sum;
    }

    /** By distance; bands without points are left out. */
    public List<Band> bands(int candidate) {
        List<Band> out = new ArrayList<>();
        double from = 1;
        for (double to : BANDS) {
            int points = 0;
            double size = 0;
            double squares = 0;
            double furthest = 0;
            for (Rung rung : rungs) {
                for (int i = 0; i < rung.held.size(); i++) {
                    if (rung.ratio(i) > from && rung.ratio(i) <= to) {
                        points++;
                        size += Math.abs(rung.errors[candidate][i]);
                        squares += rung.errors[candidate][i] * rung.errors[candidate][i];
                        furthest = Math.max(furthest, rung.ratio(i));
                    }
                }
            }
            if (points > 0) {
                out.add(new Band(from, furthest, points, size / points, Math.sqrt(squares / points)));
            }
            from = to;
        }
        return out;
    }

    /** That all fits took of a candidate. */
    public double milliseconds(int candidate) {
        return rungs.stream().mapToDouble(r -> r.milliseconds[candidate]).sum();
    }

    private IntStream complete() {
        return IntStream.range(0, candidates.size()).filter(this::isComplete);
    }

    /** Of one candidate at one cut-off, over the points that count. */
    public double meanSquareAt(int rung, int candidate) {
        return product(rungs.get(rung), candidate, candidate);
    }

    /** Mean over cut-offs of the mean product of two candidates' errors, over the points that count. */
    private double product(int i, int j) {
        return rungs.stream().mapToDouble(rung -> product(rung, i, j)).average().orElseThrow();
    }

    private static double product(Rung rung, int i, int j) {
        return IntStream.range(0, rung.held.size())
                .filter(rung::counts)
                .mapToDouble(p -> rung.errors[i][p] * rung.errors[j][p])
                .average()
                .orElseThrow();
    }
}
