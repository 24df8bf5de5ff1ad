package dev.isoflop.scaling.fit;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;
import java.util.function.Supplier;

/**
 * Runs a body for 0..n-1 on some threads.
 *
 * <p>Concurrency: each thread makes its own body (with its own workspace) from the supplier and takes blocks of indices
 * from one counter. A body writes only to its index's slot, so the outcome does not depend on the number of threads. A
 * failure in any body is thrown to the caller once all threads have ended; nothing outlives the call.
 */
final class Parallel {

    private static final int BLOCK = 8;

    private Parallel() {}

    static int availableThreads() {
        return Runtime.getRuntime().availableProcessors();
    }

    static void range(int n, int threads, Supplier<IntConsumer> bodies) {
        AtomicInteger next = new AtomicInteger();
        Runnable worker = () -> {
            IntConsumer body = bodies.get();
            for (int start = next.getAndAdd(BLOCK); start < n; start = next.getAndAdd(BLOCK)) {
                for (int i = start; i < Math.min(n, start + BLOCK); i++) {
                    body.accept(i);
                }
            }
        };
        if (threads <= 1 || n <= BLOCK) {
            worker.run();
            return;
        }
        try (var pool = Executors.newFixedThreadPool(threads)) {
            List<Future<?>> running = new ArrayList<>();
            for (int t = 0; t < threads; t++) {
                running.add(pool.submit(worker));
            }
            for (Future<?> each : running) {
                each.get();
            }
        } catch (ExecutionException e) {
            throw new IllegalStateException("a resample failed", e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while resampling", e);
        }
    }
}
