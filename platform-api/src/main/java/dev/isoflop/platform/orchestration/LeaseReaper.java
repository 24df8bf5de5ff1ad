package dev.isoflop.platform.orchestration;

import dev.isoflop.db.run.LeaseStore;
import dev.isoflop.db.runner.ClaimStore;
import dev.isoflop.db.runner.DeviceSampleStore;
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
import org.springframework.transaction.support.TransactionTemplate;

/**
 * Looks at the leases every {@code isoflop.lease.reaper-interval}: silent runners' runs become suspect, then lost.
 *
 * <p>Concurrency: one thread. Several platforms on one database may reap at once, see {@link LostLeases}.
 *
 * <p>Crash: nothing is kept in memory but since when this process has been listening; a restarted platform listens for a
 * whole lease before it judges. The same holds after it was frozen or cut off from its database.
 */
@Component
class LeaseReaper implements DisposableBean {

    private static final Logger log = LoggerFactory.getLogger(LeaseReaper.class);
    private static final Duration CLAIMS_KEPT = Duration.ofHours(1);
    private static final Duration DEVICE_SAMPLES_KEPT = Duration.ofHours(24);

    private final LeaseStore leases;
    private final LostLeases lost;
    private final ClaimStore claims;
    private final DeviceSampleStore samples;
    private final TransactionTemplate transactions;
    private final LeaseSettings settings;
    private final Watchfulness watchfulness;
    private final ScheduledExecutorService thread;
    private long nextPruneNanos = System.nanoTime();

    LeaseReaper(
            LeaseStore leases,
            LostLeases lost,
            ClaimStore claims,
            DeviceSampleStore samples,
            TransactionTemplate transactions,
            LeaseSettings settings) {
        this.leases = leases;
        this.lost = lost;
        this.claims = claims;
        this.samples = samples;
        this.transactions = transactions;
        this.settings = settings;
        Duration interval = settings.reaperInterval();
        // Being late by less than the time to suspicion cannot have cost a runner more than one heartbeat.
        this.watchfulness = new Watchfulness(settings.ttl(), interval.plus(settings.suspect()));
        this.thread = Executors.newSingleThreadScheduledExecutor(
                Thread.ofPlatform().name("lease-reaper").daemon().factory());
    }

    @EventListener(ApplicationReadyEvent.class)
    void start() {
        long millis = settings.reaperInterval().toMillis();
        var unused = thread.scheduleWithFixedDelay(this::lookSafely, 0, millis, TimeUnit.MILLISECONDS);
    }

    private void lookSafely() {
        try {
            look(System.nanoTime());
        } catch (RuntimeException e) {
            log.warn("Could not look at the leases; trying again in {}", settings.reaperInterval(), e);
        }
    }

    /** One round. */
    void look(long nowNanos) {
        // Asked first: an unreachable database throws here, and the gap disarms the reaper.
        var silent = leases.silentFor(settings.suspect());
        if (watchfulness.look(nowNanos)) {
            judge(silent);
        }
        if (nowNanos - nextPruneNanos >= 0) {
            nextPruneNanos = nowNanos + Duration.ofMinutes(5).toNanos();
            transactions.executeWithoutResult(status -> claims.prune(CLAIMS_KEPT));
            transactions.executeWithoutResult(status -> samples.prune(DEVICE_SAMPLES_KEPT));
        }
    }

    private void judge(java.util.List<LeaseStore.Silent> silent) {
        for (LeaseStore.Silent lease : silent) {
            alone(lease, () -> lost.suspect(lease, settings.suspect()));
        }
        for (LeaseStore.Silent lease : leases.expired(settings.ttl())) {
            log.info("Run {} lost its lease in attempt {}", lease.runId(), lease.attempt());
            alone(lease, () -> lost.expire(lease, settings.ttl()));
        }
    }

    /** One run that cannot be judged does not keep the others from it. */
    private void alone(LeaseStore.Silent lease, Runnable judgement) {
        try {
            judgement.run();
        } catch (RuntimeException e) {
            log.error("Could not judge the lease of run {}", lease.runId(), e);
        }
    }

    @Override
    public void destroy() throws InterruptedException {
        thread.shutdownNow();
        if (!thread.awaitTermination(5, TimeUnit.SECONDS)) {
            log.warn("The reaper is still busy at shutdown");
        }
    }
}
