package dev.isoflop.platform.scheduling;

import dev.isoflop.db.run.RunTransitioned;
import dev.isoflop.db.runner.ClaimStore;
import dev.isoflop.db.runner.ClaimStore.Granted;
import dev.isoflop.db.runner.ClaimStore.Quota;
import dev.isoflop.db.scheduling.QueueStore;
import dev.isoflop.db.scheduling.QueueStore.Line;
import dev.isoflop.db.scheduling.QueueStore.Usage;
import dev.isoflop.protocol.api.RunState;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.springframework.context.event.EventListener;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Propagation;
import org.springframework.transaction.annotation.Transactional;

/**
 * Grants runs by fair share and budget.
 *
 * <p>Reading who has had how much for every claim would cost more than the claim. So what was read serves the claims of the next
 * {@link #KEPT}, corrected by what they were granted; it is read again when something is queued, and always before a claim gets
 * less than it asked for.
 */
@Component
public class Shares {

    private static final Duration KEPT = Duration.ofMillis(250);

    private final QueueStore queue;
    private final ClaimStore claims;
    private final Budgets budgets;
    private final SchedulingSettings settings;
    private final Map<String, Known> known = new ConcurrentHashMap<>();

    Shares(QueueStore queue, ClaimStore claims, Budgets budgets, SchedulingSettings settings) {
        this.queue = queue;
        this.claims = claims;
        this.budgets = budgets;
        this.settings = settings;
    }

    /** What a pool's queue looked like, less what has been granted since. */
    private static final class Known {
        private final long readNanos = System.nanoTime();
        private final Map<Long, Usage> usage;
        private List<Line> lines;

        Known(List<Line> lines, Map<Long, Usage> usage) {
            this.lines = lines;
            this.usage = new HashMap<>(usage);
        }

        boolean isFresh() {
            return System.nanoTime() - readNanos < KEPT.toNanos();
        }

        synchronized List<FairShare.Dealt> deal(int slots) {
            return FairShare.deal(lines, usage, slots);
        }

        /** All that is there, as if each line could use every slot. */
        synchronized List<FairShare.Dealt> all(int slots) {
            return FairShare.order(lines, usage).stream()
                    .map(line -> new FairShare.Dealt(line, slots))
                    .toList();
        }

        synchronized void granted(List<Quota> asked, List<Granted> granted) {
            Map<Long, Long> by =
                    granted.stream().collect(Collectors.groupingBy(Granted::experiment, Collectors.counting()));
            by.forEach((experiment, n) -> usage.merge(
                    experiment,
                    new Usage(0, 0, Math.toIntExact(n), 0),
                    (a, b) -> new Usage(a.seconds(), a.attempts(), a.held() + b.held(), a.heldSeconds())));
            Map<Long, Long> left = new HashMap<>(by);
            List<Line> now = new ArrayList<>(lines.size());
            for (Line line : lines) {
                // taken off the lines in the order they were asked
                long taken = asked.stream()
                                .anyMatch(q -> q.experiment() == line.experiment() && q.priority() == line.priority())
                        ? Math.min(left.getOrDefault(line.experiment(), 0L), line.runs())
                        : 0;
                left.merge(line.experiment(), -taken, Long::sum);
                if (line.runs() == QueueStore.MOST_COUNTED) {
                    now.add(line); // there are more than were counted
                } else if (line.runs() > taken) {
                    now.add(new Line(
                            line.experiment(),
                            line.priority(),
                            line.weight(),
                            line.runs() - (int) taken,
                            line.budgeted()));
                }
            }
            lines = now;
        }
    }

    /**
     * Grants up to that many runs to a runner whose row the caller has locked.
     *
     * @param freeMemoryBytes what they may need together
     */
    @Transactional(propagation = Propagation.MANDATORY)
    public List<Granted> claim(long runner, String pool, int slots, long freeMemoryBytes, Collection<String> kinds) {
        Known before = known.get(pool);
        Known now = before != null && before.isFresh() ? before : read(pool);
        List<Granted> granted =
                new ArrayList<>(grant(now, now.deal(slots), runner, pool, slots, freeMemoryBytes, kinds));
        if (granted.size() == slots) {
            return granted;
        }
        // Somebody else has taken them, they do not fit, or more was queued since: whatever fits, of all that is there.
        Known all = now == before ? read(pool) : now;
        int left = slots - granted.size();
        long memory = freeMemoryBytes
                - granted.stream().mapToLong(Granted::memoryBytes).sum();
        granted.addAll(grant(all, all.all(left), runner, pool, left, memory, kinds));
        return granted;
    }

    private List<Granted> grant(
            Known from,
            List<FairShare.Dealt> dealt,
            long runner,
            String pool,
            int slots,
            long freeMemoryBytes,
            Collection<String> kinds) {
        if (dealt.isEmpty()) {
            return List.of();
        }
        Map<Long, Double> headroom = budgets.headroom(dealt.stream()
                .map(FairShare.Dealt::line)
                .filter(Line::budgeted)
                .map(Line::experiment)
                .distinct()
                .toList());
        List<Quota> quotas = dealt.stream()
                .map(d -> new Quota(
                        d.line().experiment(),
                        d.line().priority(),
                        d.slots(),
                        headroom.getOrDefault(d.line().experiment(), Double.POSITIVE_INFINITY)))
                .toList();
        List<Granted> granted = claims.claim(runner, pool, quotas, slots, freeMemoryBytes, kinds);
        from.granted(quotas, granted);
        return granted;
    }

    private Known read(String pool) {
        List<Line> lines = queue.lines(pool);
        boolean alone = lines.stream().map(Line::experiment).distinct().count() < 2;
        Known now = new Known(lines, alone ? Map.of() : queue.usage(pool, settings.halfLife()));
        known.put(pool, now);
        return now;
    }

    /** The order the queue is served in now, for those who wait: each experiment and priority with what it has had. */
    @Transactional(propagation = Propagation.MANDATORY, readOnly = true)
    public List<Turn> turns(String pool) {
        List<Line> lines = queue.lines(pool);
        Map<Long, Usage> usage = queue.usage(pool, settings.halfLife());
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

    @EventListener
    void queued(RunTransitioned event) {
        if (event.to() == RunState.QUEUED) {
            known.clear();
        }
    }

    /** A budget or a weight has changed. */
    public void changed() {
        known.clear();
    }
}
