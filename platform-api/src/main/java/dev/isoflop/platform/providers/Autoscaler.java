package dev.isoflop.platform.providers;

import dev.isoflop.platform.providers.Pools.Pool;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.DisposableBean;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.boot.web.server.context.WebServerApplicationContext;
import org.springframework.context.event.EventListener;
import org.springframework.stereotype.Component;

/**
 * Looks at every pool that has a provider, each {@code isoflop.scaling.interval}.
 *
 * <p>Concurrency: a thread for each pool, so that a provider that hangs holds up its own pool only. There are none where no
 * pool has a provider.
 */
@Component
class Autoscaler implements DisposableBean {

    private static final Logger log = LoggerFactory.getLogger(Autoscaler.class);

    private final Pools pools;
    private final PoolScaler scaler;
    private final PoolsSettings settings;
    private final List<ScheduledExecutorService> threads = new ArrayList<>();

    Autoscaler(Pools pools, PoolScaler scaler, PoolsSettings settings) {
        this.pools = pools;
        this.scaler = scaler;
        this.settings = settings;
    }

    @EventListener
    void start(ApplicationReadyEvent event) {
        if (event.getApplicationContext() instanceof WebServerApplicationContext context
                && context.getWebServer() != null) {
            URI url = URI.create("http://127.0.0.1:" + context.getWebServer().getPort());
            pools.all().forEach(pool -> follow(pool, url));
        }
    }

    private void follow(Pool pool, URI url) {
        List<String> command = RunnerCommand.beside();
        ScheduledExecutorService thread = Executors.newSingleThreadScheduledExecutor(
                Thread.ofPlatform().name("pool-" + pool.name()).daemon().factory());
        threads.add(thread);
        long millis = settings.scaling().interval().toMillis();
        var unused =
                thread.scheduleWithFixedDelay(() -> lookSafely(pool, url, command), 0, millis, TimeUnit.MILLISECONDS);
    }

    private void lookSafely(Pool pool, URI url, List<String> command) {
        try {
            scaler.look(pool, url, command);
        } catch (RuntimeException e) {
            log.warn("Could not look at pool {}; trying again", pool.name(), e);
        }
    }

    /** What is being asked is waited for, so that its answer is noted; it is found again if that takes too long. */
    @Override
    public void destroy() throws InterruptedException {
        threads.forEach(ScheduledExecutorService::shutdown);
        for (ScheduledExecutorService thread : threads) {
            if (!thread.awaitTermination(5, TimeUnit.SECONDS)) {
                thread.shutdownNow();
            }
        }
    }
}
