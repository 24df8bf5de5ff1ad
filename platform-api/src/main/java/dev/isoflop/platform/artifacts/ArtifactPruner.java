package dev.isoflop.platform.artifacts;

import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.DisposableBean;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.context.event.EventListener;
import org.springframework.stereotype.Component;

/**
 * Prunes files every ten minutes, and makes room when an upload has found none, on a thread of its own. Interrupted, it goes on where it was at the next
 * round.
 */
@Component
class ArtifactPruner implements DisposableBean {

    private static final Logger log = LoggerFactory.getLogger(ArtifactPruner.class);

    /** Everybody whose upload finds no room asks, and again until there is some. */
    private static final long ROOM_EVERY_NANOS = TimeUnit.SECONDS.toNanos(2);

    private final ArtifactFiles files;
    private final AtomicLong nextRoomNanos = new AtomicLong(System.nanoTime());
    private final ScheduledExecutorService thread = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().name("artifact-pruner").daemon().factory());

    ArtifactPruner(ArtifactFiles files) {
        this.files = files;
    }

    @EventListener(ApplicationReadyEvent.class)
    void start() {
        var unused = thread.scheduleWithFixedDelay(this::pruneSafely, 10, 10, TimeUnit.MINUTES);
    }

    /** Room is wanted: whoever was refused asks again, and finds what has been made by then. */
    void makeRoom() {
        long now = System.nanoTime();
        long next = nextRoomNanos.get();
        if (now - next >= 0 && nextRoomNanos.compareAndSet(next, now + ROOM_EVERY_NANOS)) {
            thread.execute(this::makeRoomSafely);
        }
    }

    private void makeRoomSafely() {
        try {
            files.makeRoom();
        } catch (RuntimeException e) {
            log.warn("Could not make room for artifacts; trying again when the next upload finds none", e);
        }
    }

    private void pruneSafely() {
        try {
            files.prune();
        } catch (RuntimeException e) {
            log.warn("Could not prune artifacts; trying again in ten minutes", e);
        }
    }

    @Override
    public void destroy() throws InterruptedException {
        thread.shutdownNow();
        if (!thread.awaitTermination(5, TimeUnit.SECONDS)) {
            log.warn("The pruner is still busy at shutdown");
        }
    }
}
