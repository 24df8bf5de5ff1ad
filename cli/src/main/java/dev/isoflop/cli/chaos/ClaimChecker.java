package dev.isoflop.cli.chaos;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Decides whether what was observed of the claims is linearizable: whether every request can be given one moment between its
 * being sent and its answer such that, in that order, each run is held by at most one attempt at a time, attempts are numbered
 * upwards, and nothing is accepted of an attempt that does not hold its run.
 *
 * <p>Attempt numbers fix the order in which a run is held, so no search is needed (in general there is: Wing and Gong 1993). With
 * b<sub>k</sub> the moment attempt k was granted and c<sub>k</sub> the moment it lost or ended its hold, the order is b₁ ≤ c₁ ≤ b₂ ≤
 * c₂ ≤ …; each request bounds one of these from below or above, and the bounds can all be kept if and only if they are when each moment
 * is taken as early as possible:
 *
 * <ul>
 *   <li>b<sub>k</sub> is not before the first request that was answered with the grant was sent, and not after any answer that shows it;
 *   <li>what is accepted of k was sent before c<sub>k</sub> and answered after b<sub>k</sub>;
 *   <li>what is refused as stale was answered after c<sub>k</sub>;
 *   <li>c<sub>k</sub> is not after the first acknowledgement of k's end, nor, if k ended by that report, before the report was sent.
 * </ul>
 *
 * <p>That a hold was lost by silence is not observed; c<sub>k</sub> is then bounded by the others alone.
 */
final class ClaimChecker {

    private static final class Epoch {
        long grantedFrom = Long.MIN_VALUE;
        long grantedTo = Long.MAX_VALUE;
        long closedFrom = Long.MIN_VALUE;
        long closedTo = Long.MAX_VALUE;
        long finishSent = Long.MAX_VALUE;
        boolean finished;

        @Nullable
        String who;
    }

    private ClaimChecker() {}

    /** What is wrong, one sentence each; empty if the history is linearizable. */
    static List<String> violations(List<Op> history) {
        Map<Long, TreeMap<Integer, Epoch>> runs = new TreeMap<>();
        List<String> wrong = new ArrayList<>();
        Map<String, Long> firstSent = firstSentOfClaims(history);
        for (Op op : history) {
            Epoch epoch = runs.computeIfAbsent(op.run(), r -> new TreeMap<>())
                    .computeIfAbsent(op.attempt(), a -> new Epoch());
            switch (op.kind()) {
                case GRANT -> {
                    if (epoch.who != null && !epoch.who.equals(op.who())) {
                        wrong.add("run %d attempt %d was granted twice, to %s and to %s"
                                .formatted(op.run(), op.attempt(), epoch.who, op.who()));
                    }
                    epoch.who = op.who();
                    epoch.grantedFrom = Math.max(epoch.grantedFrom, firstSent.getOrDefault(op.who(), op.sentNanos()));
                    epoch.grantedTo = Math.min(epoch.grantedTo, op.answeredNanos());
                }
                case HELD, WRITE -> {
                    switch (op.answer()) {
                        case ACCEPTED -> {
                            epoch.closedFrom = Math.max(epoch.closedFrom, op.sentNanos());
                            epoch.grantedTo = Math.min(epoch.grantedTo, op.answeredNanos());
                        }
                        case STALE -> epoch.closedTo = Math.min(epoch.closedTo, op.answeredNanos());
                        case UNKNOWN -> {}
                    }
                }
                case FINISH -> {
                    epoch.finishSent = Math.min(epoch.finishSent, op.sentNanos());
                    switch (op.answer()) {
                        case ACCEPTED -> {
                            epoch.finished = true;
                            epoch.grantedTo = Math.min(epoch.grantedTo, op.answeredNanos());
                            epoch.closedTo = Math.min(epoch.closedTo, op.answeredNanos());
                        }
                        case STALE -> epoch.closedTo = Math.min(epoch.closedTo, op.answeredNanos());
                        case UNKNOWN -> {}
                    }
                }
            }
        }
        runs.forEach((run, epochs) -> check(run, epochs, wrong));
        return wrong;
    }

    private static Map<String, Long> firstSentOfClaims(List<Op> history) {
        Map<String, Long> first = new HashMap<>();
        for (Op op : history) {
            if (op.kind() == Op.Kind.GRANT) {
                first.merge(op.who(), op.sentNanos(), Math::min);
            }
        }
        return first;
    }

    private static void check(long run, TreeMap<Integer, Epoch> epochs, List<String> wrong) {
        long now = Long.MIN_VALUE;
        int before = 0;
        for (Map.Entry<Integer, Epoch> entry : epochs.entrySet()) {
            int attempt = entry.getKey();
            Epoch epoch = entry.getValue();
            if (attempt <= 0) {
                wrong.add("run %d has an attempt %d".formatted(run, attempt));
            }
            now = Math.max(now, epoch.grantedFrom);
            if (now > epoch.grantedTo) {
                wrong.add("run %d attempt %d acted or was granted %.1f ms before attempt %d had ended"
                        .formatted(run, attempt, (now - epoch.grantedTo) * 1e-6, before));
                now = epoch.grantedTo; // told once; the rest is judged as if it had been right
            }
            now = Math.max(now, epoch.closedFrom);
            if (epoch.finished) {
                now = Math.max(now, epoch.finishSent);
            }
            if (now > epoch.closedTo) {
                wrong.add("something of run %d attempt %d was accepted %.1f ms after its hold had ended"
                        .formatted(run, attempt, (now - epoch.closedTo) * 1e-6));
                now = epoch.closedTo;
            }
            before = attempt;
        }
    }
}
