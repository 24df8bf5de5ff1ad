package dev.isoflop.lm.cpu;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Threads that run the tasks of one parallel operation after another with little between them.
 *
 * <p>Concurrency: {@link #run} is called by one thread at a time (the owner), which works too. A single atomic word holds the number of
 * the operation, its task count and the next task, so a worker that comes late can never take a task of an operation it has not seen:
 * what it decodes is either a task of the current operation, whose fields the owner keeps until all its tasks are done, or nothing.
 * Which worker runs which task is not determined; operations must write disjoint outputs per task. Workers spin for a short while after
 * the last task and then park. They are daemon threads and end with {@link #close}.
 */
final class WorkerPool implements AutoCloseable {

    /** One parallel operation. */
    interface Work {
        /**
         * Runs one task.
         *
         * @param task in {@code [0, tasks)}
         * @param worker in {@code [0, threads)}: which scratch memory is free for it
         */
        void run(int task, int worker);
    }

    private static final int INDEX_BITS = 20;
    private static final int MAX_TASKS = (1 << INDEX_BITS) - 1;
    private static final long SPIN_NANOS = 50_000;

    private final int threads;
    private final Thread[] workers;
    private final boolean[] parked;
    private final AtomicLong ticket = new AtomicLong();
    private final AtomicInteger completed = new AtomicInteger();
    private volatile @Nullable Work work;
    private volatile @Nullable Throwable failure;
    private volatile boolean closed;
    private long generation;

    /** @param threads workers in all, the caller of {@link #run} included */
    WorkerPool(int threads) {
        if (threads < 1) {
            throw new IllegalArgumentException("threads = " + threads + " must be at least 1");
        }
        this.threads = threads;
        this.workers = new Thread[threads - 1];
        this.parked = new boolean[threads - 1];
        for (int i = 0; i < workers.length; i++) {
            int index = i;
            workers[i] =
                    Thread.ofPlatform().daemon().name("isoflop-lm-" + (i + 1)).unstarted(() -> serve(index));
        }
        for (Thread worker : workers) {
            worker.start();
        }
    }

    int threads() {
        return threads;
    }

    /** Runs all tasks and returns when they are done; the first exception of a task is thrown here. */
    void run(Work next, int tasks) {
        if (threads == 1 || tasks <= 1) {
            for (int i = 0; i < tasks; i++) {
                next.run(i, 0);
            }
            return;
        }
        if (tasks > MAX_TASKS - 4096) {
            throw new IllegalArgumentException("too many tasks in one operation: " + tasks);
        }
        completed.set(0);
        work = next;
        generation++;
        ticket.set(generation << (2 * INDEX_BITS) | (long) tasks << INDEX_BITS);
        for (int i = 0; i < workers.length; i++) {
            if ((boolean) PARKED.getVolatile(parked, i)) {
                LockSupport.unpark(workers[i]);
            }
        }
        drain(0);
        int spins = 0;
        while (completed.get() < tasks) {
            if (++spins > 2_000) {
                Thread.yield();
            } else {
                Thread.onSpinWait();
            }
        }
        Throwable thrown = failure;
        if (thrown != null) {
            failure = null;
            throw new IllegalStateException("a parallel operation failed", thrown);
        }
    }

    /** Takes tasks of the current operation until none is left; returns whether it did any. */
    private boolean drain(int worker) {
        boolean any = false;
        while (true) {
            long current = ticket.get();
            if (index(current) >= count(current)) {
                return any;
            }
            long taken = ticket.getAndIncrement();
            int task = index(taken);
            if (task >= count(taken)) {
                return any;
            }
            any = true;
            try {
                Work mine = work;
                if (mine != null) {
                    mine.run(task, worker);
                }
            } catch (Throwable t) {
                failure = t;
            } finally {
                completed.getAndIncrement();
            }
        }
    }

    private static int index(long ticket) {
        return (int) ticket & MAX_TASKS;
    }

    private static int count(long ticket) {
        return (int) (ticket >>> INDEX_BITS) & MAX_TASKS;
    }

    private void serve(int index) {
        long idleSince = System.nanoTime();
        while (!closed) {
            if (drain(index + 1)) {
                idleSince = System.nanoTime();
            } else if (System.nanoTime() - idleSince < SPIN_NANOS) {
                Thread.onSpinWait();
            } else {
                PARKED.setVolatile(parked, index, true);
                long current = ticket.get();
                if (index(current) >= count(current) && !closed) {
                    LockSupport.park(this);
                }
                PARKED.setVolatile(parked, index, false);
                idleSince = System.nanoTime();
            }
        }
    }

    private static final java.lang.invoke.VarHandle PARKED =
            java.lang.invoke.MethodHandles.arrayElementVarHandle(boolean[].class);

    @Override
    public void close() {
        closed = true;
        for (Thread worker : workers) {
            LockSupport.unpark(worker);
        }
        boolean interrupted = false;
        for (Thread worker : workers) {
            try {
                worker.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
