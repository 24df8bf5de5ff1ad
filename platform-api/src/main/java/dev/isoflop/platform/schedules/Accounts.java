package dev.isoflop.platform.schedules;

import dev.isoflop.db.schedule.FireStore;
import dev.isoflop.db.schedule.ScheduleStore;
import dev.isoflop.db.schedule.ScheduleStore.Watch;
import dev.isoflop.protocol.api.ScheduleViews.CatchUp;
import dev.isoflop.protocol.api.ScheduleViews.FireState;
import dev.isoflop.protocol.api.ScheduleViews.Origin;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;
import org.springframework.transaction.support.TransactionTemplate;

/**
 * Sees to it that every fire time has a row. One without is looked for when it is a grace old, since Quartz then does not
 * come any more. While a platform was up all the time, Quartz or the process it ran in has failed: the fire is entered as
 * if it had come. When nobody had looked for longer than the grace, no platform was up: what becomes of the fires of that
 * time is the schedule's catch-up policy.
 *
 * <p>Concurrency: the watch is locked, so one platform does it at a time. A schedule that somebody else has locked is left
 * for the next round.
 *
 * <p>Crash: how far a schedule is accounted for and the rows of its fires are one transaction. When the platforms were last
 * up is in the database too.
 */
@Component
class Accounts {

    private static final Logger log = LoggerFactory.getLogger(Accounts.class);
    /** Rows that say that a fire was missed; of more, only the newest are written. */
    private static final int MISSED_LISTED = 100;

    private final ScheduleStore schedules;
    private final FireStore fires;
    private final TransactionTemplate transactions;
    private final Duration grace;

    Accounts(ScheduleStore schedules, FireStore fires, TransactionTemplate transactions, ScheduleSettings settings) {
        this.schedules = schedules;
        this.fires = fires;
        this.transactions = transactions;
        this.grace = settings.grace();
    }

    /** One round. */
    void look(Instant now) {
        transactions.executeWithoutResult(status -> schedules.watch(now).ifPresent(before -> {
            if (now.isBefore(before.lookedAt())) {
                return; // a clock that was set back; nothing is known of the time until then that is not known already
            }
            Watch watch = watchedUntil(before, now);
            for (ScheduleStore.Row schedule : schedules.active()) {
                schedules.tryLock(schedule.id()).filter(row -> !row.paused()).ifPresent(row -> account(row, watch));
            }
            schedules.watched(watch);
        }));
    }

    private Watch watchedUntil(Watch before, Instant now) {
        if (Duration.between(before.lookedAt(), now).compareTo(grace) <= 0) {
            return new Watch(now, before.downFrom(), before.downTo());
        }
        // a time before it that no schedule has been asked about yet is one with this
        Instant down = before.downTo();
        boolean open = down != null && before.lookedAt().minus(grace).isBefore(down);
        log.info("No platform looked at the schedules between {} and {}", before.lookedAt(), now);
        return new Watch(now, open ? before.downFrom() : before.lookedAt(), now);
    }

    private void account(ScheduleStore.Row schedule, Watch watch) {
        FireTimes times;
        try {
            times = FireTimes.of(
                    schedule.definition().cron(), schedule.definition().zone());
        } catch (FireTimes.InvalidTimingException e) {
            log.error("Schedule {} cannot be read", schedule.definition().name(), e);
            return;
        }
        Instant horizon = watch.lookedAt().minus(grace);
        Instant downFrom = watch.downFrom();
        Instant downTo = watch.downTo();
        if (downFrom != null && downTo != null && horizon.isBefore(downTo) && horizon.isAfter(downFrom)) {
            // what came due while no platform was up is judged together, when Quartz has had its chance at the last of
            // it
            horizon = downFrom;
        }
        if (!horizon.isAfter(schedule.accountedUntil())) {
            return;
        }
        FireTimes.Span span = times.between(schedule.accountedUntil(), horizon);
        Set<Instant> there = fires.times(schedule.id(), schedule.accountedUntil(), horizon);
        List<Instant> without =
                span.times().stream().filter(at -> !there.contains(at)).toList();
        List<Instant> missed =
                without.stream().filter(at -> within(at, downFrom, downTo)).toList();
        for (Instant at : without) {
            if (!within(at, downFrom, downTo)) {
                log.warn(
                        "Schedule {} did not fire at {}; entering that",
                        schedule.definition().name(),
                        at);
                fires.enter(schedule.id(), at, Origin.REPAIR, FireState.PENDING, null);
            }
        }
        if (!missed.isEmpty() && downFrom != null && downTo != null) {
            catchUp(schedule, missed, span.earlierLeftOut(), times.local(downFrom) + " to " + times.local(downTo));
        }
        schedules.accountedUntil(schedule.id(), horizon);
    }

    private static boolean within(Instant at, @Nullable Instant from, @Nullable Instant to) {
        return from != null && to != null && at.isAfter(from) && !at.isAfter(to);
    }

    private void catchUp(ScheduleStore.Row schedule, List<Instant> missed, boolean more, String when) {
        CatchUp policy = schedule.definition().catchUp();
        int submitted = switch (policy) {
            case SKIP -> 0;
            case ONCE -> 1;
            case ALL -> Math.min(schedule.definition().catchUpLimit(), missed.size());
        };
        int lost = missed.size() - submitted;
        int first = Math.max(0, lost - MISSED_LISTED);
        for (int i = first; i < lost; i++) {
            String earlier = i > 0 && i == first || i == 0 && more ? " Earlier ones are not listed." : "";
            fires.enter(
                    schedule.id(),
                    missed.get(i),
                    Origin.CRON,
                    FireState.MISSED,
                    "No platform was up from %s; catch-up is %s.%s".formatted(when, policy, earlier));
        }
        for (Instant at : missed.subList(lost, missed.size())) {
            fires.enter(schedule.id(), at, Origin.CATCH_UP, FireState.PENDING, null);
        }
    }
}
