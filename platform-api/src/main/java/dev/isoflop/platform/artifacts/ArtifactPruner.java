package dev.isoflop.platform.artifacts;

import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.DisposableBean;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.context.event.EventListener;
import org.springframework.stereotype.Component;

/** Prunes files every ten minutes, on a thread of its own. Interrupted, it goes on where it was at the next round. */
@Component
class ArtifactPruner implements DisposableBean {

    private static final Logger log = LoggerFactory.getLogger(ArtifactPruner.class);

    private final ArtifactFiles files;
    private final ScheduledExecutorService thread = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().name("artifact-pruner").daemon().factory());

    ArtifactPruner(ArtifactFiles files) {
        this.files = files;
    }

    @EventListener(ApplicationReadyEvent.class)
    void start() {
        var unused = thread.scheduleWithFixedDelay(this::pruneSafely, 10, 10, TimeUnit.MINUTES);
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
