package dev.isoflop.scaling.diagnosis;

import dev.isoflop.scaling.fit.RobustScale;
import dev.isoflop.scaling.table.Column;
import dev.isoflop.scaling.table.Notes;
import dev.isoflop.scaling.table.PointTable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.commons.math3.random.MersenneTwister;
import org.apache.commons.math3.random.RandomGenerator;
import org.apache.commons.math3.util.MathArrays;

/**
 * Points that may not share a fit: losses on other text, of other tokens, or of models trained on other data are no points of one surface. A column of hashes is made to
 * tell that and refuses; other columns warn, with what the groups differ by.
 */
final class MixtureCheck {

    private static final List<Column> WARNING =
            List.of(Column.TASK, Column.TOKENIZER, Column.DATASET, Column.EVAL_SET, Column.PRECISION, Column.SEQ_LEN);

    private static final int PERMUTATIONS = 999;
    private static final double SIGNIFICANT = 0.01;
    private static final int SHOWN = 6;
    /** Runs that went wrong must not make a group. */
    private static final double CLIP_SDS = 5;

    private MixtureCheck() {}

    static Optional<Finding> refusal(PointTable table) {
        Map<String, List<Integer>> groups = table.notes().groups(Column.COMPARABILITY);
        return groups.size() < 2
                ? Optional.empty()
                : Optional.of(Finding.of(
                                "not-comparable",
                                Map.of("groups", (double) groups.size()),
                                "Points share a fit only where their hashes agree, and the column '%s' has %d: %s. Fit one of them, or pass --mixed to fit them together all the same.",
                                table.notes().name(Column.COMPARABILITY),
                                groups.size(),
                                list(table, groups))
                        .about(butLargest(groups)));
    }

    static List<Finding> of(PointTable table, Refits refits) {
        List<Finding> findings = new ArrayList<>();
        Notes notes = table.notes();
        double[] residuals = clipped(refits.residuals());
        refusal(table).ifPresent(found -> findings.add(mixed(table, refits, Column.COMPARABILITY, residuals)));
        for (Column column : WARNING) {
            if (notes.groups(column).size() > 1) {
                findings.add(mixed(table, refits, column, residuals));
            }
        }
        return findings;
    }

    private static Finding mixed(PointTable table, Refits refits, Column column, double[] residuals) {
        Map<String, List<Integer>> groups = table.notes().groups(column);
        Map<String, Double> numbers = new TreeMap<>();
        numbers.put("groups", (double) groups.size());
        List<Integer> others = butLargest(groups);
        String effect;
        if (residuals.length == 0) {
            effect = "There are too few points to say what they differ by.";
        } else {
            List<Double> means = groups.values().stream()
                    .map(members -> members.stream()
                            .mapToDouble(i -> residuals[i])
                            .average()
                            .orElseThrow())
                    .toList();
            double apart = means.stream().mapToDouble(m -> m).max().orElseThrow()
                    - means.stream().mapToDouble(m -> m).min().orElseThrow();
            double p = chance(groups.values(), residuals);
            numbers.put("apart", apart);
            numbers.put("p", p);
            if (p <= SIGNIFICANT) {
                Refits.Effect moved = refits.without(others);
                moved.into(numbers);
                effect = String.format(
                        Locale.ROOT,
                        "About one law they lie up to %.2f %% apart in the mean of log loss, which labels at random do in %.1f %% of cases: fit one of them by itself. Where only the largest is kept, %s.",
                        100 * apart,
                        100 * p,
                        moved.change());
            } else {
                effect = String.format(
                        Locale.ROOT,
                        "About one law they lie up to %.2f %% apart in the mean of log loss, which labels at random do in %.0f %% of cases: these points do not tell them apart.",
                        100 * apart,
                        100 * p);
            }
        }
        return Finding.of(
                        "mixed-" + column.name().toLowerCase(Locale.ROOT).replace('_', '-'),
                        numbers,
                        "The column '%s' (%s) has %d values: %s. %s",
                        table.notes().name(column),
                        column.meaning(),
                        groups.size(),
                        list(table, groups),
                        effect)
                .about(others);
    }

    /** Values with their counts and first lines. */
    private static String list(PointTable table, Map<String, List<Integer>> groups) {
        String shown = groups.entrySet().stream()
                .limit(SHOWN)
                .map(each -> String.format(
                        Locale.ROOT,
                        "'%s' %d %s from line %d",
                        each.getKey(),
                        each.getValue().size(),
                        each.getValue().size() == 1 ? "time" : "times",
                        table.lines().get(each.getValue().getFirst())))
                .collect(Collectors.joining(", "));
        return groups.size() > SHOWN ? shown + " and " + (groups.size() - SHOWN) + " more" : shown;
    }

    private static List<Integer> butLargest(Map<String, List<Integer>> groups) {
        List<Integer> largest = List.of();
        for (List<Integer> members : groups.values()) {
            largest = members.size() > largest.size() ? members : largest;
        }
        List<Integer> kept = largest;
        return groups.values().stream()
                .filter(members -> members != kept)
                .flatMap(Collection::stream)
                .sorted()
                .toList();
    }

    private static double[] clipped(double[] residuals) {
        if (residuals.length == 0) {
            return residuals;
        }
        double bound = CLIP_SDS * RobustScale.of(residuals);
        double[] out = residuals.clone();
        Arrays.setAll(out, i -> Math.clamp(residuals[i], -bound, bound));
        return out;
    }

    /** How often labels at random are as far apart, by the squares between groups: a permutation test, with the labels as they are among its draws. */
    private static double chance(Collection<List<Integer>> groups, double[] residuals) {
        int[] label = new int[residuals.length];
        Arrays.fill(label, -1);
        int g = 0;
        for (List<Integer> members : groups) {
            for (int i : members) {
                label[i] = g;
            }
            g++;
        }
        double[] of = new double[(int) Arrays.stream(label).filter(l -> l >= 0).count()];
        int[] labels = new int[of.length];
        int at = 0;
        for (int i = 0; i < label.length; i++) {
            if (label[i] >= 0) {
                of[at] = residuals[i];
                labels[at++] = label[i];
            }
        }
        double measured = between(of, labels, g);
        RandomGenerator random = new MersenneTwister(42);
        int asFar = 1;
        for (int draw = 0; draw < PERMUTATIONS; draw++) {
            MathArrays.shuffle(labels, random);
            asFar += between(of, labels, g) >= measured * (1 - 1e-12) ? 1 : 0;
        }
        return asFar / (PERMUTATIONS + 1.0);
    }

    private static double between(double[] residuals, int[] labels, int groups) {
        double[] sum = new double[groups];
        int[] count = new int[groups];
        for (int i = 0; i < residuals.length; i++) {
            sum[labels[i]] += residuals[i];
            count[labels[i]]++;
        }
        double mean = Arrays.stream(residuals).average().orElse(0);
        double squares = 0;
        for (int g = 0; g < groups; g++) {
            double off = sum[g] / count[g] - mean;
            squares += count[g] * off * off;
        }
        return squares;
    }
}
