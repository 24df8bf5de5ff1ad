package dev.isoflop.runner.report;

import dev.isoflop.protocol.runner.RunProfile;
import dev.isoflop.runner.platform.PlatformException;
import dev.isoflop.runner.platform.Retry;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Carries what an attempt says of where its time goes to the platform. It is no part of the result: a platform that refuses it, because it
 * is older than profiles for example, costs the run nothing but its profile.
 *
 * <p>Concurrency: any thread may report and never waits; a virtual thread sends. Crash: what was not sent is lost.
 */
public final class ProfileReporter {

    private static final Logger log = LoggerFactory.getLogger(ProfileReporter.class);

    private static final int PATIENCE_SECONDS = 10;

    private final String what;
    private final Consumer<RunProfile> sender;
    private final Retry retry;
    private final BooleanSupplier giveUp;
    private final Runnable onStale;
    private volatile @Nullable FutureTask<Void> sending;
    private volatile boolean over;

    /** @param giveUp asked before every try; true ends the repetition */
    public ProfileReporter(
            String what, Consumer<RunProfile> sender, Retry retry, BooleanSupplier giveUp, Runnable onStale) {
        this.what = what;
        this.sender = sender;
        this.retry = retry;
        this.giveUp = giveUp;
        this.onStale = onStale;
    }

    public void report(RunProfile profile) {
        FutureTask<Void> task = new FutureTask<>(() -> send(profile), null);
        sending = task;
        Thread.ofVirtual().name("profile " + what).start(task);
    }

    private void send(RunProfile profile) {
        try {
            retry.untilAcknowledged(
                    "profile of " + what, () -> over || giveUp.getAsBoolean(), () -> sender.accept(profile));
        } catch (PlatformException e) {
            if (e.isStaleAttempt()) {
                onStale.run();
            } else {
                log.warn("{}: the platform takes no profile: {}", what, e.getMessage());
            }
        }
    }

    /**
     * Waits until what was reported has been sent or given up, since behind the end of the attempt it would be refused; but not for ever,
     * since the end matters more.
     */
    public void awaitSent() throws InterruptedException {
        FutureTask<Void> task = sending;
        if (task == null) {
            return;
        }
        try {
            task.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            log.warn("{}: the profile is given up", what);
        } catch (ExecutionException e) {
            log.warn("{}: the profile could not be sent", what, e.getCause());
        } finally {
            over = true;
        }
    }
}
