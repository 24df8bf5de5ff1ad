package dev.isoflop.platform.schedules;

import dev.isoflop.db.schedule.FireStore;
import dev.isoflop.db.schedule.ScheduleStore;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.DisposableBean;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.context.event.EventListener;
import org.springframework.stereotype.Component;

/**
 * Every {@code isoflop.schedules.interval}: accounts for the fire times, turns pending fires into sweeps, and now and then
 * brings Quartz's triggers up to date.
 *
 * <p>Concurrency: one thread. Several platforms on one database may do it at once, see {@link Accounts},
 * {@link FireLauncher} and {@link Triggers}. Only the database's clock decides.
 *
 * <p>Crash: nothing is kept in memory.
 */
@Component
class Reconciler implements DisposableBean {

    private static final Logger log = LoggerFactory.getLogger(Reconciler.class);
    private static final Duration SYNC_EVERY = Duration.ofSeconds(15);
    private static final Duration PRUNE_EVERY = Duration.ofHours(1);
    /** How long fires that came to nothing can be read about. */
    static final Duration FIRES_KEPT = Duration.ofDays(90);

    private final ScheduleStore schedules;
    private final FireStore fires;
    private final Accounts accounts;
    private final FireLauncher launcher;
    private final Triggers triggers;
    private final ScheduleSettings settings;
    private final ScheduledExecutorService thread;
    private long nextSyncNanos = System.nanoTime();
    private long nextPruneNanos = System.nanoTime();

    Reconciler(
            ScheduleStore schedules,
            FireStore fires,
            Accounts accounts,
            FireLauncher launcher,
            Triggers triggers,
            ScheduleSettings settings) {
        this.schedules = schedules;
        this.fires = fires;
        this.accounts = accounts;
        this.launcher = launcher;
        this.triggers = triggers;
        this.settings = settings;
        this.thread = Executors.newSingleThreadScheduledExecutor(
                Thread.ofPlatform().name("schedules").daemon().factory());
    }

    @EventListener(ApplicationReadyEvent.class)
    void start() {
        long millis = settings.interval().toMillis();
        // the first look after an interval: a test that sets a long one has the clock to itself
        var unused = thread.scheduleWithFixedDelay(this::lookSafely, millis, millis, TimeUnit.MILLISECONDS);
    }

    private void lookSafely() {
        try {
            accounts.look(schedules.now());
            launcher.launch();
            if (System.nanoTime() - nextSyncNanos >= 0) {
                nextSyncNanos = System.nanoTime() + SYNC_EVERY.toNanos();
                triggers.sync();
            }
            if (System.nanoTime() - nextPruneNanos >= 0) {
                nextPruneNanos = System.nanoTime() + PRUNE_EVERY.toNanos();
                fires.prune(FIRES_KEPT);
            }
        } catch (RuntimeException e) {
            log.warn("Could not look at the schedules; trying again in {}", settings.interval(), e);
        }
    }

    @Override
    public void destroy() throws InterruptedException {
        thread.shutdownNow();
        if (!thread.awaitTermination(5, TimeUnit.SECONDS)) {
            log.warn("The schedules' thread is still busy at shutdown");
        }
    }
}
