package dev.isoflop.lm.tokenizer;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Independent tasks on a few threads.
 *
 * <p>Concurrency: the caller works too, and returns when all tasks are done. Threads live for one call: calls last milliseconds and
 * more. Which thread runs which task is not determined, so tasks write disjoint results. The first failure is thrown to the caller and
 * stops tasks not yet begun.
 */
final class Parallel {

    private Parallel() {}

    static void forEach(int tasks, int threads, IntConsumer task) {
        if (threads < 1) {
            throw new IllegalArgumentException("threads = " + threads + " must be at least 1");
        }
        AtomicInteger next = new AtomicInteger();
        AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
        Runnable work = () -> {
            int i = next.getAndIncrement();
            while (i < tasks && failure.get() == null) {
                try {
                    task.accept(i);
                } catch (Throwable t) {
                    failure.compareAndSet(null, t);
                }
                i = next.getAndIncrement();
            }
        };
        Thread[] helpers = new Thread[Math.max(0, Math.min(threads, tasks) - 1)];
        for (int i = 0; i < helpers.length; i++) {
            helpers[i] = Thread.ofPlatform()
                    .daemon()
                    .name("isoflop-tokenizer-" + (i + 1))
                    .start(work);
        }
        work.run();
        boolean interrupted = false;
        for (Thread helper : helpers) {
            while (helper.isAlive()) {
                try {
                    helper.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        Throwable thrown = failure.get();
        if (thrown instanceof RuntimeException e) {
            throw e;
        }
        if (thrown instanceof Error e) {
            throw e;
        }
    }
}
