package dev.isoflop.platform.schedules;

import java.time.Instant;
import java.util.Date;
import org.jspecify.annotations.Nullable;
import org.quartz.CronExpression;
import org.quartz.JobExecutionContext;
import org.quartz.Trigger;

/** The one place that knows {@link Date}: Quartz speaks it. */
final class QuartzDates {

    private QuartzDates() {}

    /** When the job that is executed was due, however late it is. */
    static Instant due(JobExecutionContext context) {
        return context.getScheduledFireTime().toInstant();
    }

    /** The first fire time after the instant, absent when there is none. */
    static @Nullable Instant next(CronExpression cron, Instant after) {
        Date next = cron.getNextValidTimeAfter(Date.from(after));
        return next == null ? null : next.toInstant();
    }

    /** When the trigger is due next, absent when never. */
    static @Nullable Instant next(Trigger trigger) {
        Date next = trigger.getNextFireTime();
        return next == null ? null : next.toInstant();
    }
}
