package dev.isoflop.cli.chaos;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * Carries out a script. What is done to runners overlaps; what is done to platform and database comes one after the other, since
 * each waits until they work again.
 *
 * <p>Concurrency: {@link #run} returns when everything it did is over and mended. Whatever a disturbance throws is told and ends
 * that disturbance only.
 */
final class Disturber {

    private final LabPlatform platform;
    private final List<LabRunner> runners;
    private final Consumer<String> say;
    private final long begun = System.nanoTime();
    private final AtomicInteger done = new AtomicInteger();
    private final AtomicInteger failed = new AtomicInteger();
    private volatile boolean ending;
    private volatile boolean allEnded;

    Disturber(LabPlatform platform, List<LabRunner> runners, Consumer<String> say) {
        this.platform = platform;
        this.runners = runners;
        this.say = say;
    }

    /** Disturbances that were carried out. */
    int done() {
        return done.get();
    }

    /** Disturbances after which something did not come back. */
    int failed() {
        return failed.get();
    }

    /** @param over asked about every second, as long as the answer may take; true ends it early */
    void run(List<Script.Entry> script, long millis, BooleanSupplier over) throws InterruptedException {
        try (ExecutorService each = Executors.newVirtualThreadPerTaskExecutor();
                ExecutorService central = Executors.newSingleThreadExecutor();
                ExecutorService watch = Executors.newSingleThreadExecutor()) {
            watch.execute(() -> supervise(over));
            for (Script.Entry entry : script) {
                while (elapsed() < entry.atMillis() && !allEnded) {
                    Thread.sleep(Math.clamp(entry.atMillis() - elapsed(), 1, 200));
                }
                if (allEnded) {
                    break;
                }
                (entry.what().isCentral() ? central : each).execute(() -> carryOut(entry.what(), millis));
            }
            while (elapsed() < millis && !allEnded) {
                Thread.sleep(100);
            }
            runners.forEach(r -> r.link().heal());
            central.shutdown();
            each.shutdown();
            if (!central.awaitTermination(5, TimeUnit.MINUTES) || !each.awaitTermination(5, TimeUnit.MINUTES)) {
                failed.incrementAndGet();
                say.accept("a disturbance does not end");
            }
            ending = true;
        }
    }

    private long elapsed() {
        return (System.nanoTime() - begun) / 1_000_000;
    }

    /** On a thread of its own: while the database is away, the platform takes half a minute to say so. */
    private void supervise(BooleanSupplier over) {
        while (!ending) {
            allEnded = over.getAsBoolean();
            for (LabRunner runner : runners) {
                try {
                    runner.supervise();
                } catch (IOException e) {
                    say.accept(e.toString());
                }
            }
            try {
                Thread.sleep(1_000);
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    private void carryOut(Disturbance what, long millis) {
        if (elapsed() > millis) {
            return; // it waited for others for too long
        }
        say.accept(String.format(Locale.ROOT, "%6.1f s  %s", elapsed() / 1e3, what.words()));
        try {
            apply(what);
            done.incrementAndGet();
        } catch (IOException | RuntimeException e) {
            failed.incrementAndGet();
            say.accept("after \"" + what.words() + "\": " + e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void apply(Disturbance what) throws IOException, InterruptedException {
        switch (what) {
            case Disturbance.KillRunner d -> runners.get(d.runner()).kill(d.downMillis());
            case Disturbance.StopRunner d -> runners.get(d.runner()).stop(d.downMillis());
            case Disturbance.FreezeRunner d -> runners.get(d.runner()).freeze(d.millis());
            case Disturbance.Line d -> runners.get(d.runner()).link().fault(d.fault(), d.millis());
            case Disturbance.JumpClock d -> runners.get(d.runner()).jumpClock(d.byMillis());
            case Disturbance.FillRunnerDisk d ->
                runners.get(d.runner()).disk().ifPresent(disk -> fill(disk, d.millis()));
            case Disturbance.KillPlatform d -> platform.kill(d.downMillis());
            case Disturbance.RestartPlatform d -> platform.restart(d.downMillis());
            case Disturbance.EndDatabase d -> {
                platform.end(d.how());
                platform.supervise();
            }
            case Disturbance.FillPlatformDisk d -> platform.artifacts().ifPresent(disk -> fill(disk, d.millis()));
        }
    }

    private static void fill(SmallDisk disk, int millis) {
        try {
            disk.fill();
            try {
                Thread.sleep(millis);
            } finally {
                disk.free();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
