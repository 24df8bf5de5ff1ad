package dev.isoflop.platform.database;

import dev.isoflop.platform.CannotStartException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The time in which PostgreSQL is being started and nothing of Spring's would stop it: {@code initdb} takes seconds, and an
 * interrupted start forgets the processes it has made.
 *
 * <p>Concurrency: a JVM that is told to end meanwhile ends the processes from a shutdown hook, again and again until the start
 * has given up or, having won the race, has left a server to be stopped.
 */
final class Start implements AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(Start.class);
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private final Path data;
    private final Thread starter = Thread.currentThread();
    private final CountDownLatch over = new CountDownLatch(1);
    private final Thread hook = new Thread(this::stopWhatWasStarted, "stop-database-start");

    /** @param data directory of the server that is about to be started */
    Start(Path data) {
        this.data = data;
        Runtime.getRuntime().addShutdownHook(hook);
    }

    private void stopWhatWasStarted() {
        long end = System.nanoTime() + PATIENCE.toNanos();
        try {
            do {
                starter.interrupt(); // it may be waiting for a server that will not come
                children().forEach(ProcessHandle::destroy);
            } while (!over.await(100, TimeUnit.MILLISECONDS) && System.nanoTime() < end);
            // what the starter made last, between two looks
            children().forEach(ProcessHandle::destroy);
            for (int i = 0; i < 50 && children().findAny().isPresent(); i++) {
                Thread.sleep(100);
            }
            children().forEach(ProcessHandle::destroyForcibly);
            Orphan.stop(data);
        } catch (IOException | CannotStartException e) {
            log.warn("PostgreSQL may be left running: {}", e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static Stream<ProcessHandle> children() {
        return ProcessHandle.current().descendants().filter(ProcessHandle::isAlive);
    }

    /** The start has succeeded or failed. */
    @Override
    public void close() {
        over.countDown();
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            log.debug("ending already: the hook is at work", e);
        }
    }
}
