package dev.isoflop.scaling.diagnosis;

import dev.isoflop.scaling.law.FitPoint;
import dev.isoflop.scaling.table.Column;
import dev.isoflop.scaling.table.Notes;
import dev.isoflop.scaling.table.PointTable;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/**
 * Rows whose learning rate had not decayed when they were measured, among rows whose had: checkpoints of a constant rate, or of a schedule that was made for more tokens. The loss falls
 * steeply at the end of a schedule, so such rows are not on the surface of the others (Hoffmann et al. 2022, appendix B: a cosine must end at the budget).
 */
final class DecayCheck {

    /** Of the peak: Hoffmann et al. end at a tenth. */
    private static final double DECAYED_TO = 0.25;
    /** Of the schedule's tokens. */
    private static final double ENDED = 0.95;

    private static final Set<String> CONSTANT = Set.of("constant", "const", "constant_with_warmup", "none", "stable");
    private static final Set<String> DECAYING = Set.of(
            "cosine",
            "linear",
            "cosine_with_warmup",
            "linear_decay",
            "wsd",
            "decay",
            "decayed",
            "1_sqrt",
            "polynomial");

    private enum State {
        DECAYED,
        CONSTANT,
        CUT_SHORT,
        NOT_SAID
    }

    private DecayCheck() {}

    static Optional<Finding> of(PointTable table, Refits refits) {
        State[] states = IntStream.range(0, table.points().size())
                .mapToObj(i -> state(table.notes(), table.points().get(i), i))
                .toArray(State[]::new);
        List<Integer> cut = which(states, i -> states[i] == State.CUT_SHORT);
        List<Integer> not = which(states, i -> states[i] == State.CUT_SHORT || states[i] == State.CONSTANT);
        int decayed = which(states, i -> states[i] == State.DECAYED).size();
        Map<String, Double> numbers = new TreeMap<>();
        numbers.put("points", (double) not.size());
        numbers.put("decayed", (double) decayed);
        numbers.put("cutShort", (double) cut.size());
        if (!not.isEmpty() && decayed > 0) {
            Refits.Effect effect = refits.without(not);
            effect.into(numbers);
            return Optional.of(Finding.of(
                            "decay",
                            numbers,
                            "%d of %d rows were measured before their learning rate had decayed (to %.0f %% of its peak, or the end of its schedule), %d of them within a schedule made for more tokens; without them %s. A loss before the decay is above that of a run planned for as many tokens: fit those of one kind.",
                            not.size(),
                            not.size() + decayed,
                            100 * DECAYED_TO,
                            cut.size(),
                            effect.change())
                    .about(not));
        }
        if (!cut.isEmpty()) {
            return Optional.of(Finding.of(
                            "decay",
                            numbers,
                            "%d rows are checkpoints of schedules made for more tokens, and none is of one that had ended: a cosine must end at the budget. The law will be that of interrupted runs, whose losses are above those of runs planned for as many tokens; a run trained to the end of its schedule will be better than forecast.",
                            cut.size())
                    .about(cut));
        }
        return Optional.empty();
    }

    private static State state(Notes notes, FitPoint point, int i) {
        double left = notes.number(Column.LR_FINAL, i) / notes.number(Column.RATE, i);
        double planned = notes.number(Column.SCHEDULE_TOKENS, i);
        String schedule =
                notes.text(Column.SCHEDULE, i).toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "_");
        boolean constant = CONSTANT.contains(schedule);
        if (!constant && planned > 0 && point.D() < ENDED * planned) {
            return State.CUT_SHORT;
        }
        if (Double.isFinite(left)) {
            return left <= DECAYED_TO ? State.DECAYED : constant || left >= 1 ? State.CONSTANT : State.CUT_SHORT;
        }
        if (constant) {
            return State.CONSTANT;
        }
        return planned > 0 || DECAYING.contains(schedule) ? State.DECAYED : State.NOT_SAID;
    }

    private static List<Integer> which(State[] states, IntPredicate wanted) {
        return IntStream.range(0, states.length).filter(wanted).boxed().toList();
    }
}
