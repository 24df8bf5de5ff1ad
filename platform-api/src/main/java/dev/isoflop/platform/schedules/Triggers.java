package dev.isoflop.platform.schedules;

import dev.isoflop.db.schedule.ScheduleStore;
import java.time.Instant;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.quartz.CronScheduleBuilder;
import org.quartz.JobBuilder;
import org.quartz.JobDetail;
import org.quartz.JobKey;
import org.quartz.ObjectAlreadyExistsException;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.quartz.Trigger;
import org.quartz.TriggerBuilder;
import org.quartz.TriggerKey;
import org.quartz.impl.matchers.GroupMatcher;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.quartz.autoconfigure.QuartzTransactionManager;
import org.springframework.stereotype.Component;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.TransactionDefinition;
import org.springframework.transaction.support.TransactionTemplate;

/**
 * Makes Quartz's triggers those of the schedules: after every change, and again and again, since the two are not written in
 * one transaction and a trigger can be left standing still by a database that failed at the wrong moment.
 *
 * <p>Concurrency: several platforms may do this at once; Quartz's lock in the database keeps them apart.
 */
@Component
class Triggers {

    private static final Logger log = LoggerFactory.getLogger(Triggers.class);
    private static final String GROUP = "schedules";
    private static final JobKey JOB = new JobKey("fire", GROUP);

    private final Scheduler scheduler;
    private final ScheduleStore store;
    private final ScheduleSettings settings;
    /** Quartz leaves commit and rollback of such changes to Spring. */
    private final TransactionTemplate quartz;

    Triggers(
            Scheduler scheduler,
            ScheduleStore store,
            ScheduleSettings settings,
            @QuartzTransactionManager PlatformTransactionManager transactions) {
        this.scheduler = scheduler;
        this.store = store;
        this.settings = settings;
        this.quartz = new TransactionTemplate(transactions);
        this.quartz.setPropagationBehavior(TransactionDefinition.PROPAGATION_REQUIRES_NEW);
    }

    /** As {@link #sync}; what goes wrong is made good by the reconciler, which comes by every few seconds. */
    void syncSafely() {
        try {
            sync();
        } catch (RuntimeException e) {
            log.warn("Could not bring Quartz's triggers up to date; trying again soon", e);
        }
    }

    /** Adds, replaces and removes triggers, and replaces those that stand still. */
    void sync() {
        Instant now = store.now();
        Set<TriggerKey> wanted = new HashSet<>();
        for (ScheduleStore.Row schedule : store.active()) {
            wanted.add(key(schedule));
            inQuartz(() -> ensure(schedule, now));
        }
        inQuartz(() -> {
            for (TriggerKey key : scheduler.getTriggerKeys(GroupMatcher.triggerGroupEquals(GROUP))) {
                if (!wanted.contains(key)) {
                    scheduler.unscheduleJob(key);
                }
            }
        });
    }

    private void ensure(ScheduleStore.Row schedule, Instant now) throws SchedulerException {
        TriggerKey key = key(schedule);
        @Nullable Trigger there = scheduler.getTrigger(key);
        if (there == null) {
            @Nullable Trigger made = trigger(schedule, now);
            if (made == null) {
                return;
            }
            if (!scheduler.checkExists(JOB)) {
                scheduler.addJob(job(), true);
            }
            scheduler.scheduleJob(made);
        } else if (!fits(there, schedule) || standsStill(there, now)) {
            @Nullable Trigger made = trigger(schedule, now);
            if (made == null) {
                scheduler.unscheduleJob(key);
            } else {
                scheduler.rescheduleJob(key, made);
            }
        }
    }

    private static boolean fits(Trigger trigger, ScheduleStore.Row schedule) {
        return schedule.definition().cron().equals(trigger.getJobDataMap().getString(FireJob.CRON))
                && schedule.definition().zone().equals(trigger.getJobDataMap().getString(FireJob.ZONE));
    }

    private boolean standsStill(Trigger trigger, Instant now) throws SchedulerException {
        Instant next = QuartzDates.next(trigger);
        boolean still = scheduler.getTriggerState(trigger.getKey()) == Trigger.TriggerState.ERROR
                || next != null && next.isBefore(now.minus(settings.grace()));
        // while Quartz is not started, or just about to look after what it missed, none moves
        if (still && scheduler.isStarted()) {
            log.warn("The trigger of schedule {} stands still at {}; replacing it", trigger.getKey(), next);
            return true;
        }
        return false;
    }

    private static JobDetail job() {
        return JobBuilder.newJob(FireJob.class)
                .withIdentity(JOB)
                .storeDurably()
                .withDescription("Inserts the row of a fire")
                .build();
    }

    /** Absent when the expression has no time left, as one of a single year has after that. */
    private static @Nullable Trigger trigger(ScheduleStore.Row schedule, Instant now) {
        ScheduleStore.Definition definition = schedule.definition();
        FireTimes times;
        try {
            times = FireTimes.parse(definition.cron(), definition.zone(), now);
        } catch (FireTimes.InvalidTimingException e) {
            return null;
        }
        return TriggerBuilder.newTrigger()
                .withIdentity(key(schedule))
                .forJob(JOB)
                .usingJobData(FireJob.SCHEDULE, Long.toString(schedule.id()))
                .usingJobData(FireJob.CRON, definition.cron())
                .usingJobData(FireJob.ZONE, definition.zone())
                // what was missed is the reconciler's, by the schedule's own policy
                .withSchedule(CronScheduleBuilder.cronSchedule(times.expression())
                        .inTimeZone(times.expression().getTimeZone())
                        .withMisfireHandlingInstructionDoNothing())
                .build();
    }

    private static TriggerKey key(ScheduleStore.Row schedule) {
        return new TriggerKey(Long.toString(schedule.id()), GROUP);
    }

    private interface Change {
        void make() throws SchedulerException;
    }

    private void inQuartz(Change change) {
        quartz.executeWithoutResult(status -> {
            try {
                change.make();
            } catch (ObjectAlreadyExistsException e) {
                log.debug("Another platform was first", e);
            } catch (SchedulerException e) {
                throw new IllegalStateException("Quartz refused a change: " + e.getMessage(), e);
            }
        });
    }
}
