package dev.isoflop.platform.fits;

import dev.isoflop.db.run.RunTransitioned;
import dev.isoflop.platform.shared.problem.ProblemException;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.DisposableBean;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.context.event.EventListener;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

/**
 * Fits a sweep when its last run has ended.
 *
 * <p>Concurrency: one thread of its own, so neither a request nor the publisher of transitions waits for a bootstrap.
 * However often the end of a sweep is noticed, equal inputs are one stored fit.
 *
 * <p>Crash: transitions that nobody heard are made up for at the next start, from the tables.
 */
@Component
class AutoFit implements DisposableBean {

    private static final Logger log = LoggerFactory.getLogger(AutoFit.class);

    /** Sweeps that have ended with something to fit. */
    private static final String ENDED = """
            select s.id from sweep s
             where not exists (select 1 from run r where r.sweep_id = s.id
                                  and r.state not in ('succeeded', 'failed', 'cancelled'))
               and exists (select 1 from run r where r.sweep_id = s.id and r.kind = 'pretrain'
                              and r.state = 'succeeded')""";

    /** Whose last run has ended after the last fit: one that never was fitted, or one that has grown since. */
    private static final String UNFITTED = """
             and not exists (select 1 from fit f where f.sweep_id = s.id
                                and f.created_at >= (select max(r.finished_at) from run r where r.sweep_id = s.id))""";

    private final JdbcClient jdbc;
    private final FitService fits;
    private final ExecutorService thread = Executors.newSingleThreadExecutor(
            Thread.ofPlatform().name("auto-fit").daemon().factory());

    AutoFit(JdbcClient jdbc, FitService fits) {
        this.jdbc = jdbc;
        this.fits = fits;
    }

    @EventListener
    void onTransition(RunTransitioned event) {
        Long sweepId = event.sweepId();
        if (sweepId != null && event.to().isTerminal()) {
            submit(() -> ended(" and s.id = ?", sweepId).forEach(this::fit));
        }
    }

    @EventListener(ApplicationReadyEvent.class)
    void onStart() {
        submit(() -> ended(UNFITTED).forEach(this::fit));
    }

    private List<Long> ended(String and, Object... parameters) {
        return jdbc.sql(ENDED + and)
                .params(List.of(parameters))
                .query((row, i) -> row.getLong(1))
                .list();
    }

    private void fit(long sweepId) {
        try {
            FitService.Made made = fits.fit(sweepId, FitRequests.DEFAULTS);
            log.info(
                    "Fitted sweep {}: {}",
                    sweepId,
                    made.fits().stream().map(f -> f.method() + " " + f.status()).toList());
        } catch (ProblemException e) {
            log.warn("Sweep {} has ended and cannot be fitted: {}", sweepId, e.detail());
        } catch (RuntimeException e) {
            log.error("Sweep {} has ended and its fit failed", sweepId, e);
        }
    }

    private void submit(Runnable work) {
        try {
            thread.execute(() -> {
                try {
                    work.run();
                } catch (RuntimeException e) {
                    log.error("Looking for ended sweeps failed", e);
                }
            });
        } catch (RejectedExecutionException e) {
            log.debug("Shutting down: the next start fits what has ended", e);
        }
    }

    @Override
    public void destroy() {
        thread.shutdownNow();
    }
}
