package dev.isoflop.db.run;

import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.DisposableBean;
import org.springframework.context.ApplicationEventPublisher;
import org.springframework.stereotype.Component;
import org.springframework.transaction.support.TransactionSynchronization;
import org.springframework.transaction.support.TransactionSynchronizationManager;

/**
 * Hands committed transitions to the application's listeners.
 *
 * <p>Concurrency: one thread publishes, so listeners see one event at a time and in commit order as far as one process
 * can know it. It runs outside the committing transaction, because a listener that asked for a second connection while
 * the first is still held could starve a small pool.
 *
 * <p>Crash: events that were committed and not yet published are lost to listeners; their rows are not. Readers that
 * must not miss any (the live stream, automatic fits) catch up from the tables.
 */
@Component
public final class TransitionPublisher implements DisposableBean {

    private static final Logger log = LoggerFactory.getLogger(TransitionPublisher.class);

    private final ApplicationEventPublisher events;
    private final ExecutorService thread;

    TransitionPublisher(ApplicationEventPublisher events) {
        this.events = events;
        this.thread = Executors.newSingleThreadExecutor(
                Thread.ofPlatform().name("transition-publisher").daemon().factory());
    }

    /** Publishes after the surrounding transaction has committed; drops the events if it rolls back. */
    public void publishAfterCommit(List<RunTransitioned> transitions) {
        if (transitions.isEmpty()) {
            return;
        }
        List<RunTransitioned> committed = List.copyOf(transitions);
        TransactionSynchronizationManager.registerSynchronization(new TransactionSynchronization() {
            @Override
            public void afterCommit() {
                submit(committed);
            }
        });
    }

    private void submit(List<RunTransitioned> transitions) {
        try {
            thread.execute(() -> transitions.forEach(this::publish));
        } catch (RejectedExecutionException e) {
            log.debug("Shutting down: {} transitions stay unpublished", transitions.size(), e);
        }
    }

    private void publish(RunTransitioned transition) {
        try {
            events.publishEvent(transition);
        } catch (RuntimeException e) {
            log.error("A listener failed on {}", transition, e);
        }
    }

    @Override
    public void destroy() throws InterruptedException {
        thread.shutdown();
        if (!thread.awaitTermination(5, TimeUnit.SECONDS)) {
            thread.shutdownNow();
        }
    }
}
