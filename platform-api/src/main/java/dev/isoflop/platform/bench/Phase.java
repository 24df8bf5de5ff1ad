package dev.isoflop.platform.bench;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * So many clients, each on a virtual thread, that do the same for some seconds, each asking again as soon as it has its answer or after a
 * pause. Latencies are kept one by one, by what was asked.
 */
final class Phase {

    private final int clients;
    private final double seconds;
    private final double pauseSeconds;
    private final Meter meter;
    private final Map<String, Latencies> latencies = new ConcurrentHashMap<>();
    private final LongAdder errors = new LongAdder();
    private final AtomicReference<@Nullable String> firstError = new AtomicReference<>();
    private volatile boolean over;
    private double took;
    private Cpu cpu = new Cpu(0, 0, 0);

    /** @param pauseSeconds mean time from one round of a client to the next begins, drawn between none and twice that; 0: no pause */
    Phase(int clients, double seconds, double pauseSeconds, Meter meter) {
        this.clients = clients;
        this.seconds = seconds;
        this.pauseSeconds = pauseSeconds;
        this.meter = meter;
    }

    /** Reads how much processor time has been taken so far. */
    @FunctionalInterface
    interface Meter {
        Cpu read();
    }

    /** Seconds of processor time, of which the machine has as many a second as processors. */
    record Cpu(double load, double platform, double database) {

        Cpu minus(Cpu before) {
            return new Cpu(load - before.load, platform - before.platform, database - before.database);
        }
    }

    /** What a client does again and again. */
    @FunctionalInterface
    interface Round {
        /** @return whether there is more to do */
        boolean play(int client) throws Exception;
    }

    /** Times of one kind of request, in nanoseconds. */
    private static final class Latencies {
        private long[] nanos = new long[1 << 12];
        private int size;

        synchronized void add(long took) {
            if (size == nanos.length) {
                nanos = Arrays.copyOf(nanos, 2 * size);
            }
            nanos[size++] = took;
        }

        synchronized long[] sorted() {
            long[] all = Arrays.copyOf(nanos, size);
            Arrays.sort(all);
            return all;
        }
    }

    /**
     * One kind of request in one phase.
     *
     * @param millis50 median time of an answer
     * @param millis99 99th percentile
     */
    record Figure(long count, double perSecond, double millis50, double millis99, double millisMax) {

        Map<String, Object> json() {
            Map<String, Object> json = new LinkedHashMap<>();
            json.put("count", count);
            json.put("perSecond", perSecond);
            json.put("p50Millis", millis50);
            json.put("p99Millis", millis99);
            json.put("maxMillis", millisMax);
            return json;
        }
    }

    /** Runs to the end. An exception of a round is counted, and the client goes on. */
    Phase run(Round round) throws InterruptedException {
        start(round).await();
        return this;
    }

    /** Begins; whoever calls ends it by {@link Running#close} or waits for it. */
    Running start(Round round) {
        CountDownLatch done = new CountDownLatch(clients);
        Cpu before = meter.read();
        long start = System.nanoTime();
        long end = start + (long) (seconds * 1e9);
        for (int c = 0; c < clients; c++) {
            int client = c;
            Thread.ofVirtual().start(() -> {
                try {
                    play(client, round, end);
                } finally {
                    done.countDown();
                }
            });
        }
        return new Running(done, start, before);
    }

    private void play(int client, Round round, long end) {
        if (pauseSeconds > 0 && !sleep(ThreadLocalRandom.current().nextDouble(pauseSeconds))) {
            return;
        }
        while (!over && System.nanoTime() < end) {
            long began = System.nanoTime();
            try {
                if (!round.play(client)) {
                    return;
                }
            } catch (Exception e) {
                errors.increment();
                firstError.compareAndSet(null, e.toString());
            }
            double rest = ThreadLocalRandom.current().nextDouble(2 * pauseSeconds + 1e-12)
                    - (System.nanoTime() - began) / 1e9;
            if (pauseSeconds > 0 && rest > 0 && !sleep(rest)) {
                return;
            }
        }
    }

    private static boolean sleep(double seconds) {
        try {
            Thread.sleep((long) (seconds * 1e3));
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** A phase that goes on. */
    final class Running implements AutoCloseable {
        private final CountDownLatch done;
        private final long start;
        private final Cpu before;

        private Running(CountDownLatch done, long start, Cpu before) {
            this.done = done;
            this.start = start;
            this.before = before;
        }

        private void await() throws InterruptedException {
            done.await();
            took = (System.nanoTime() - start) / 1e9;
            cpu = meter.read().minus(before);
        }

        /** Lets every client finish its round. */
        @Override
        public void close() throws InterruptedException {
            over = true;
            await();
        }
    }

    /** Does it and keeps how long it took, unless it failed. */
    <T> T timed(String what, Callable<T> request) throws Exception {
        long start = System.nanoTime();
        T answer = request.call();
        latencies.computeIfAbsent(what, w -> new Latencies()).add(System.nanoTime() - start);
        return answer;
    }

    /** Processor time taken while it went on, by everybody who took part. */
    Cpu cpu() {
        return cpu;
    }

    double seconds() {
        return took;
    }

    long errors() {
        return errors.sum();
    }

    /** What the first exception said, if there was one. */
    @Nullable
    String firstError() {
        return firstError.get();
    }

    /** Kinds of requests by name. */
    Map<String, Figure> figures() {
        Map<String, Figure> figures = new TreeMap<>();
        latencies.forEach((what, times) -> figures.put(what, figure(times.sorted())));
        return figures;
    }

    Figure figure(String what) {
        Latencies times = latencies.get(what);
        return figure(times == null ? new long[0] : times.sorted());
    }

    private Figure figure(long[] sorted) {
        return new Figure(
                sorted.length,
                took > 0 ? sorted.length / took : 0,
                quantile(sorted, 0.5),
                quantile(sorted, 0.99),
                quantile(sorted, 1));
    }

    /** By nearest rank: the least time that this part of the answers did not exceed. */
    private static double quantile(long[] sorted, double part) {
        return sorted.length == 0 ? 0 : sorted[Math.max(0, (int) Math.ceil(part * sorted.length) - 1)] / 1e6;
    }
}
