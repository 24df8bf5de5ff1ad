package dev.isoflop.db.run;

import java.util.List;
import java.util.concurrent.CompletableFuture;
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
 * <p>Concurrency: one thread publishes, so listeners see one event at a time. A transaction takes its place just before it
 * commits, and the publisher waits there until it has: whoever writes an event after seeing another's commit comes after
 * it, however late the other's thread is to say so. Publishing runs outside the committing transaction, because a listener
 * that asked for a second connection while the first is still held could starve a small pool.
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
        List<RunTransitioned> events = List.copyOf(transitions);
        CompletableFuture<Boolean> committed = new CompletableFuture<>();
        TransactionSynchronizationManager.registerSynchronization(new TransactionSynchronization() {
            @Override
            public void beforeCommit(boolean readOnly) {
                takePlace(events, committed);
            }

            @Override
            public void afterCompletion(int status) {
                committed.complete(status == STATUS_COMMITTED);
            }
        });
    }

    private void takePlace(List<RunTransitioned> events, CompletableFuture<Boolean> committed) {
        try {
            thread.execute(() -> {
                if (committed.join()) {
                    events.forEach(this::publish);
                }
            });
        } catch (RejectedExecutionException e) {
            log.debug("Shutting down: {} transitions stay unpublished", events.size(), e);
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
