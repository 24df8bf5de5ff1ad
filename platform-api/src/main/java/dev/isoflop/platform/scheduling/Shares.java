package dev.isoflop.platform.scheduling;

import dev.isoflop.db.runner.ClaimStore;
import dev.isoflop.db.runner.ClaimStore.Granted;
import dev.isoflop.db.runner.ClaimStore.Picked;
import dev.isoflop.db.runner.ClaimStore.Quota;
import dev.isoflop.db.scheduling.QueueStore;
import dev.isoflop.db.scheduling.QueueStore.Line;
import dev.isoflop.db.scheduling.QueueStore.Usage;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Propagation;
import org.springframework.transaction.annotation.Transactional;

/**
 * Grants runs by priority, fair share and budget.
 *
 * <p>What is queued is read for every claim, or for those that come together, so priorities and budgets are those of this moment. Who has had
 * how much would cost more than the claim itself: what was read of it serves the claims of the next {@link #KEPT}, or {@value #TIMES} times as long as it took, what they are granted counted in.
 */
@Component
public class Shares {

    private static final Duration KEPT = Duration.ofMillis(250);
    private static final int TIMES = 20;
    /** Until then it still serves while another claim is reading. */
    private static final Duration TOO_OLD = Duration.ofSeconds(2);

    private final QueueStore queue;
    private final ClaimStore claims;
    private final Budgets budgets;
    private final SchedulingSettings settings;
    private final ReentrantLock reading = new ReentrantLock();
    private final Map<String, Known> known = new ConcurrentHashMap<>();

    Shares(QueueStore queue, ClaimStore claims, Budgets budgets, SchedulingSettings settings) {
        this.queue = queue;
        this.claims = claims;
        this.budgets = budgets;
        this.settings = settings;
    }

    /** What experiments had had of a pool, and were granted since. */
    private static final class Known {
        private final long readNanos = System.nanoTime();
        private final long keptNanos;
        private final Map<Long, Usage> usage;

        /** @param tookNanos to read it: with very many leases it is kept for longer, so that reading never takes more than a small part */
        Known(Map<Long, Usage> usage, long tookNanos) {
            this.usage = new HashMap<>(usage);
            this.keptNanos = Math.min(TOO_OLD.toNanos(), Math.max(KEPT.toNanos(), TIMES * tookNanos));
        }

        boolean isFresh() {
            return System.nanoTime() - readNanos < keptNanos;
        }

        boolean isTooOld() {
            return System.nanoTime() - readNanos > TOO_OLD.toNanos();
        }

        synchronized Map<Long, Usage> usage() {
            return Map.copyOf(usage);
        }

        /** Counted although the claim may yet roll back: what was read serves a moment only. */
        synchronized void add(List<Picked> picked) {
            for (Picked one : picked) {
                usage.merge(
                        one.experiment(),
                        new Usage(0, 0, 1, 0),
                        (a, b) -> new Usage(a.seconds(), a.attempts(), a.held() + 1, a.heldSeconds()));
            }
        }
    }

    /**
     * Looks at the queue of a pool, to grant what claims of this transaction ask for.
     *
     * @param slots that they ask for together
     */
    @Transactional(propagation = Propagation.MANDATORY)
    public Round round(String pool, int slots) {
        List<Line> lines = queue.lines(pool, slots);
        return new Round(pool, lines, had(pool, lines));
    }

    /**
     * The queue as it was at the beginning of a transaction, less what claims of the transaction are to be granted. First
     * {@link #pick} for each claim, then {@link #grant} for all.
     */
    public final class Round {

        private final String pool;
        private final Known had;
        private final List<Picked> picked = new ArrayList<>();
        private List<Line> lines;

        private Round(String pool, List<Line> lines, Known had) {
            this.pool = pool;
            this.lines = lines;
            this.had = had;
        }

        /**
         * Picks up to that many runs for a runner whose row the caller has locked, and that claims once in a round.
         *
         * @param freeMemoryBytes what they may need together
         */
        public void pick(long runner, int slots, long freeMemoryBytes, Collection<String> kinds) {
            if (lines.isEmpty()) {
                return;
            }
            Map<Long, Usage> usage = had.usage();
            List<Picked> dealt = pick(FairShare.deal(lines, usage, slots), runner, slots, freeMemoryBytes, kinds);
            had.add(dealt);
            int left = slots - dealt.size();
            if (left > 0) {
                // Another claim holds them, or they do not fit: whatever fits, as if each line could use every slot.
                long memory = freeMemoryBytes
                        - dealt.stream().mapToLong(Picked::memoryBytes).sum();
                List<FairShare.Dealt> all = FairShare.order(lines, usage).stream()
                        .map(line -> new FairShare.Dealt(line, left))
                        .toList();
                had.add(pick(all, runner, left, memory, kinds));
            }
        }

        private List<Picked> pick(
                List<FairShare.Dealt> dealt, long runner, int slots, long freeMemoryBytes, Collection<String> kinds) {
            if (dealt.isEmpty()) {
                return List.of();
            }
            Map<Long, Double> headroom = headroom(dealt);
            List<Quota> quotas = dealt.stream()
                    .map(d -> new Quota(
                            d.line().experiment(),
                            d.line().priority(),
                            d.slots(),
                            headroom.getOrDefault(d.line().experiment(), Double.POSITIVE_INFINITY)))
                    .toList();
            List<Picked> fitting = claims.pick(runner, pool, quotas, slots, freeMemoryBytes, kinds, picked);
            picked.addAll(fitting);
            lines = lines.stream()
                    .map(line -> line.less((int)
                            fitting.stream().filter(run -> isOf(run, line)).count()))
                    .filter(line -> line.runs() > 0)
                    .toList();
            return fitting;
        }

        private static boolean isOf(Picked run, Line line) {
            return run.experiment() == line.experiment() && run.priority() == line.priority();
        }

        /** What budgets leave: those that are asked for hold nothing yet that the accounts could show. */
        private Map<Long, Double> headroom(List<FairShare.Dealt> dealt) {
            Map<Long, Double> headroom = budgets.headroom(dealt.stream()
                    .map(FairShare.Dealt::line)
                    .filter(Line::budgeted)
                    .map(Line::experiment)
                    .distinct()
                    .toList());
            picked.forEach(run -> headroom.computeIfPresent(run.experiment(), (x, left) -> left - run.flops()));
            return headroom;
        }

        /** Grants all that was picked. */
        public List<Granted> grant() {
            return claims.grant(picked);
        }
    }

    private Known had(String pool, List<Line> lines) {
        if (lines.stream().map(Line::experiment).distinct().count() < 2) {
            return new Known(Map.of(), 0); // nobody to share with
        }
        Known before = known.get(pool);
        if (before != null && before.isFresh()) {
            return before;
        }
        // One reads while the others take what there is, unless that is too old: together they would read it as often
        // as there are claims.
        boolean mine = before == null || before.isTooOld() ? lock() : reading.tryLock();
        if (!mine) {
            return Objects.requireNonNull(before);
        }
        try {
            Known meanwhile = known.get(pool);
            if (meanwhile != null && meanwhile.isFresh()) {
                return meanwhile;
            }
            long start = System.nanoTime();
            Map<Long, Usage> usage = queue.usage(pool, settings.halfLife());
            Known now = new Known(usage, System.nanoTime() - start);
            known.put(pool, now);
            return now;
        } finally {
            reading.unlock();
        }
    }

    private boolean lock() {
        reading.lock();
        return true;
    }

    /** Reads anew, at the next claim, who has had how much. */
    void forget() {
        known.clear();
    }

    /** The order the queue is served in now, for those who wait: each experiment and priority with what it has had. */
    @Transactional(propagation = Propagation.MANDATORY, readOnly = true)
    public List<Turn> turns(String pool) {
        List<Line> lines = queue.lines(pool, 1);
        Map<Long, Usage> usage = had(pool, lines).usage();
        return FairShare.order(lines, usage).stream()
                .map(line -> {
                    Usage had = usage.get(line.experiment());
                    return new Turn(
                            line.experiment(),
                            line.priority(),
                            FairShare.expected(had, FairShare.typical(had)),
                            line.weight());
                })
                .toList();
    }

    /**
     * @param deviceSeconds it has had and will have once what it holds has ended, old ones counting less
     * @param weight of its share
     */
    public record Turn(long experiment, int priority, double deviceSeconds, double weight) {}
}
