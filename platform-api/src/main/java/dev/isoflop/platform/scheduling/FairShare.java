package dev.isoflop.platform.scheduling;

import dev.isoflop.db.scheduling.QueueStore.Line;
import dev.isoflop.db.scheduling.QueueStore.Usage;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import org.jspecify.annotations.Nullable;

/**
 * Deals slots out. The highest priority goes first, whoever's it is. Among experiments with runs of the same priority each slot
 * goes to the one that has had the least device time for its weight, what it holds and is dealt now counted ahead at what its
 * attempts usually take; so experiments that start together alternate, and one whose runs are long gets fewer of them. Runs of
 * no experiment, which prepare datasets, go before all others of their priority. Ties go to the older experiment.
 */
final class FairShare {

    /** Device seconds an attempt is taken to need while none of its experiment has ended. */
    static final double UNKNOWN_SECONDS = 60;

    private FairShare() {}

    /** Slots for one line. */
    record Dealt(Line line, int slots) {}

    /**
     * @param usage by experiment; those that had nothing may be absent
     * @return lines that get a slot, in the order they are served
     */
    static List<Dealt> deal(List<Line> lines, Map<Long, Usage> usage, int slots) {
        Map<Long, Double> had = new HashMap<>();
        List<Dealt> dealt = new ArrayList<>();
        int left = slots;
        List<Integer> priorities = lines.stream()
                .map(Line::priority)
                .distinct()
                .sorted(Comparator.reverseOrder())
                .toList();
        for (int priority : priorities) {
            if (left == 0) {
                break;
            }
            List<Line> level =
                    lines.stream().filter(line -> line.priority() == priority).toList();
            List<Dealt> of = level(level, usage, had, left);
            dealt.addAll(of);
            left -= of.stream().mapToInt(Dealt::slots).sum();
        }
        return dealt;
    }

    private static final class Share {
        final Line line;
        final double typical;
        double seconds;
        int slots;

        Share(Line line, double typical, double seconds) {
            this.line = line;
            this.typical = typical;
            this.seconds = seconds;
        }

        double key() {
            return line.experiment() == 0 ? Double.NEGATIVE_INFINITY : seconds / line.weight();
        }
    }

    private static List<Dealt> level(List<Line> level, Map<Long, Usage> usage, Map<Long, Double> had, int slots) {
        PriorityQueue<Share> queue = new PriorityQueue<>(
                Comparator.comparingDouble(Share::key).thenComparingLong(share -> share.line.experiment()));
        // kept in the order of their first slot: the one with the least comes first
        List<Share> served = new ArrayList<>();
        for (Line line : level) {
            double typical = typical(usage.get(line.experiment()));
            queue.add(new Share(
                    line, typical, had.computeIfAbsent(line.experiment(), e -> expected(usage.get(e), typical))));
        }
        for (int left = slots; left > 0 && !queue.isEmpty(); left--) {
            Share share = queue.remove();
            if (share.slots++ == 0) {
                served.add(share);
            }
            share.seconds += share.typical;
            had.put(share.line.experiment(), share.seconds);
            if (share.slots < share.line.runs()) {
                queue.add(share);
            }
        }
        return served.stream().map(share -> new Dealt(share.line, share.slots)).toList();
    }

    /** All lines in the order they would be served, if each took no more than its next slot. */
    static List<Line> order(List<Line> lines, Map<Long, Usage> usage) {
        return lines.stream()
                .sorted(Comparator.comparingInt(Line::priority)
                        .reversed()
                        .thenComparingDouble(line -> {
                            Usage had = usage.get(line.experiment());
                            return line.experiment() == 0
                                    ? Double.NEGATIVE_INFINITY
                                    : expected(had, typical(had)) / line.weight();
                        })
                        .thenComparingLong(Line::experiment))
                .toList();
    }

    /** Device seconds that an attempt of the experiment usually takes. */
    static double typical(@Nullable Usage usage) {
        // an attempt of long ago still says what they take, but one that hardly counts any more says little
        return usage == null || usage.attempts() < 1e-3 ? UNKNOWN_SECONDS : usage.seconds() / usage.attempts();
    }

    /** What it has had, and will have once what it holds has ended. */
    static double expected(@Nullable Usage usage, double typical) {
        return usage == null ? 0 : usage.seconds() + Math.max(usage.heldSeconds(), usage.held() * typical);
    }
}
