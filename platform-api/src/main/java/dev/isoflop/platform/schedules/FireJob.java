package dev.isoflop.platform.schedules;

import dev.isoflop.db.schedule.FireStore;
import org.quartz.Job;
import org.quartz.JobDataMap;
import org.quartz.JobExecutionContext;

/**
 * All that happens on a thread of Quartz: one row is inserted, unless it is there already. Everything else is the
 * reconciler's, so a thread of Quartz is never busy for long and a trigger never blocked.
 *
 * <p>Crash: a fire that is lost between Quartz and this row is found by the reconciler, which knows the times too.
 */
final class FireJob implements Job {

    static final String SCHEDULE = "schedule";
    static final String CRON = "cron";
    static final String ZONE = "zone";

    private final FireStore fires;

    FireJob(FireStore fires) {
        this.fires = fires;
    }

    @Override
    public void execute(JobExecutionContext context) {
        JobDataMap data = context.getTrigger().getJobDataMap();
        fires.due(
                Long.parseLong(data.getString(SCHEDULE)),
                QuartzDates.due(context),
                data.getString(CRON),
                data.getString(ZONE));
    }
}
