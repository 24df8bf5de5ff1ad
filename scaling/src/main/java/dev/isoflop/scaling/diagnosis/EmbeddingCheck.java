package dev.isoflop.scaling.diagnosis;

import dev.isoflop.scaling.law.ChinchillaLaw;
import dev.isoflop.scaling.law.FitPoint;
import dev.isoflop.scaling.table.Column;
import dev.isoflop.scaling.table.Notes;
import dev.isoflop.scaling.table.PointTable;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What it does to the law whether N counts the embeddings. They are most of a small model and little of a large one, so the two are curved against each other; where it was measured, on
 * one published family, a was .83 with them and .93 without, and E went from 1.40 to 0.
 */
final class EmbeddingCheck {

    /** Of the lowest loss: a floor below this is none. */
    private static final double NO_FLOOR = 0.01;
    /** Changes below these are not worth a note. */
    private static final double SAME_EXPONENT = 0.02;

    private static final double SAME_LOSS = 0.005;
    private static final double FURTHER = 10;

    private EmbeddingCheck() {}

    /**
     * Another way to count.
     *
     * @param chosenHas whether the N that was fitted counts embeddings
     * @param from where the other N is from
     * @param points with the other N; D and C are the same
     */
    private record Other(boolean chosenHas, String from, List<FitPoint> points) {}

    static Optional<Finding> of(PointTable table, Refits refits, @Nullable Double target) {
        Optional<Other> other = other(table);
        Optional<ChinchillaLaw> fitted = refits.law();
        if (other.isEmpty() || fitted.isEmpty()) {
            return Optional.empty();
        }
        Optional<ChinchillaLaw> recounted = refits.minimum(other.get().points).map(m -> m.law());
        if (recounted.isEmpty()) {
            return Optional.empty();
        }
        boolean chosenHas = other.get().chosenHas;
        ChinchillaLaw with = chosenHas ? fitted.get() : recounted.get();
        ChinchillaLaw without = chosenHas ? recounted.get() : fitted.get();
        double lowest =
                table.points().stream().mapToDouble(FitPoint::loss).min().orElseThrow();
        double C = target == null
                ? FURTHER
                        * table.points().stream().mapToDouble(FitPoint::C).max().orElseThrow()
                : target;
        double lossWith = with.optimum(C).loss();
        double lossWithout = without.optimum(C).loss();
        // where neither has a floor, the points have none, however N is counted
        boolean alarm = !chosenHas && without.E() < NO_FLOOR * lowest && with.E() >= NO_FLOOR * lowest;
        if (!alarm
                && Math.abs(with.a() - without.a()) < SAME_EXPONENT
                && Math.abs(Math.log(lossWith / lossWithout)) < SAME_LOSS) {
            return Optional.empty();
        }
        Map<String, Double> numbers = new TreeMap<>();
        numbers.put("a", with.a());
        numbers.put("aWithout", without.a());
        numbers.put("E", with.E());
        numbers.put("EWithout", without.E());
        numbers.put("C", C);
        numbers.put("loss", lossWith);
        numbers.put("lossWithout", lossWithout);
        return Optional.of(Finding.of(
                "embeddings",
                numbers,
                "N %s embeddings here, and by %s it matters: with them a = %.3f, E = %.3f and the least loss at %.3g FLOPs is %.3f nats; without, a = %.3f, E = %.3f and %.3f nats. %s",
                chosenHas ? "counts" : "does not count",
                other.get().from,
                with.a(),
                with.E(),
                C,
                lossWith,
                without.a(),
                without.E(),
                lossWithout,
                alarm
                        ? "The floor went to 0, as it does where small models without their embeddings seem smaller than they are: take N with embeddings."
                        : "Say which one is meant wherever N* or a is quoted, and plan by the same."));
    }

    private static Optional<Other> other(PointTable table) {
        Notes notes = table.notes();
        String header = table.columns().get(Column.N);
        boolean chosenHas = header == null || !Column.N_NON_EMBEDDING.names().contains(plain(header));
        Column wanted = chosenHas ? Column.N_NON_EMBEDDING : Column.N_TOTAL;
        String column = notes.columns().get(wanted);
        double[] n = new double[table.points().size()];
        boolean bySize = column == null;
        for (int i = 0; i < n.length; i++) {
            n[i] = notes.number(wanted, i);
            if (bySize) {
                // one matrix: tied, or the head counted with the rest
                double embeddings = notes.number(Column.VOCABULARY, i) * notes.number(Column.WIDTH, i);
                n[i] = table.points().get(i).N() + (chosenHas ? -embeddings : embeddings);
            }
            if (!(n[i] > 0)) {
                return Optional.empty();
            }
        }
        List<FitPoint> points = new ArrayList<>();
        boolean same = true;
        for (int i = 0; i < n.length; i++) {
            FitPoint p = table.points().get(i);
            same &= Math.abs(Math.log(n[i] / p.N())) < 1e-6;
            points.add(new FitPoint(n[i], p.D(), p.C(), p.loss(), p.seed(), p.group(), p.weight(), p.further()));
        }
        return same
                ? Optional.empty()
                : Optional.of(new Other(
                        chosenHas,
                        bySize ? "vocabulary times width, one matrix" : "the column '" + column + "'",
                        points));
    }

    private static String plain(String header) {
        return header.strip().toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "_");
    }
}
