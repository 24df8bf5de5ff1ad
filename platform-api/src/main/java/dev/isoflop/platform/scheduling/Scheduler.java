package dev.isoflop.platform.scheduling;

import dev.isoflop.db.run.RunEntity;
import dev.isoflop.db.run.RunStore;
import dev.isoflop.db.run.RunTransitions;
import dev.isoflop.db.scheduling.QueueStore;
import dev.isoflop.db.scheduling.QueueStore.Line;
import dev.isoflop.db.scheduling.ReservationStore;
import dev.isoflop.db.scheduling.ReservationStore.Held;
import dev.isoflop.db.scheduling.ReservationStore.Host;
import dev.isoflop.db.scheduling.ReservationStore.Waiting;
import dev.isoflop.db.scheduling.UsageStore;
import dev.isoflop.protocol.api.RunState;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.scheduling.annotation.Scheduled;
import org.springframework.stereotype.Component;
import org.springframework.transaction.TransactionException;
import org.springframework.transaction.support.TransactionTemplate;

/**
 * Looks at the queues every {@code isoflop.scheduling.interval}: adds what has ended to the accounts, and makes room for runs that
 * have waited and fit nowhere.
 *
 * <p>Concurrency: of several platforms on one database one at a time looks. A victim is looked at again once it is locked, so one
 * that has ended in the meantime is left alone.
 *
 * <p>Crash: nothing is kept in memory. Who was asked to stop, and for whom, stands with the run; who is being emptied is a row that
 * runs out.
 */
@Component
public class Scheduler {

    private static final Logger log = LoggerFactory.getLogger(Scheduler.class);

    /** Any number that nobody else locks by. */
    private static final long ONE_AT_A_TIME = 0x15_0F_10_9L;

    /** How long a runner that nobody is asked to leave is emptied before that is decided anew. */
    private static final Duration EMPTYING = Duration.ofMinutes(1);

    private final QueueStore queue;
    private final ReservationStore reservations;
    private final UsageStore usage;
    private final Shares shares;
    private final RunStore runs;
    private final RunTransitions transitions;
    private final TransactionTemplate transactions;
    private final JdbcClient jdbc;
    private final SchedulingSettings settings;

    Scheduler(
            QueueStore queue,
            ReservationStore reservations,
            UsageStore usage,
            Shares shares,
            RunStore runs,
            RunTransitions transitions,
            TransactionTemplate transactions,
            JdbcClient jdbc,
            SchedulingSettings settings) {
        this.queue = queue;
        this.reservations = reservations;
        this.usage = usage;
        this.shares = shares;
        this.runs = runs;
        this.transitions = transitions;
        this.transactions = transactions;
        this.jdbc = jdbc;
        this.settings = settings;
    }

    @Scheduled(fixedDelayString = "${isoflop.scheduling.interval:2s}")
    void lookSafely() {
        try {
            look();
        } catch (DataAccessException | TransactionException e) {
            log.warn("Could not look at the queues; trying again in {}: {}", settings.interval(), e.getMessage());
        }
    }

    /** One round. */
    public void look() {
        usage.fold(settings.halfLife());
        shares.forget();
        reservations.prune();
        reservations.pools().forEach(this::makeRoom);
    }

    /** For the first run of the pool, in the order of the queue, that fits nowhere. One at a time: the next round sees what became of it. */
    private void makeRoom(String pool) {
        transactions.executeWithoutResult(status -> {
            if (!jdbc.sql("select pg_try_advisory_xact_lock(?)")
                    .param(ONE_AT_A_TIME)
                    .query(Boolean.class)
                    .single()) {
                return;
            }
            List<Host> hosts = reservations.hosts(pool, settings.runnersHeard());
            if (hosts.isEmpty()) {
                return;
            }
            for (Line line : queue.lines(pool, 1)) {
                for (Waiting run :
                        reservations.waiting(pool, line.experiment(), line.priority(), settings.patience())) {
                    if (Room.fitsNow(run, hosts)) {
                        continue;
                    }
                    Optional<Room> room = Room.of(run, hosts, settings.preemption());
                    if (room.isPresent()) {
                        make(room.get(), run);
                        return;
                    }
                }
            }
        });
    }

    private void make(Room room, Waiting run) {
        reservations.reserve(
                room.runner(),
                run.run(),
                room.victims().isEmpty() ? EMPTYING : settings.deadline().plus(EMPTYING));
        room.victims().stream()
                .sorted(Comparator.comparingLong(Held::run))
                .forEach(victim -> runs.lock(victim.run())
                        .filter(r ->
                                r.isHeldBy(victim.attempt()) && r.state() == RunState.RUNNING && !r.isAskedToStop())
                        .ifPresent(r -> askToMakeRoom(r, run)));
    }

    private void askToMakeRoom(RunEntity victim, Waiting run) {
        log.info(
                "Run {} (priority {}) makes room for run {} (priority {}): it is to checkpoint and stop within {}",
                victim.id(),
                victim.priority(),
                run.run(),
                run.priority(),
                settings.deadline());
        transitions.askToMakeRoom(victim, run.run(), settings.deadline());
    }
}
