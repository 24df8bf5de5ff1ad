package dev.isoflop.db.metric;

import java.util.Arrays;

/**
 * Deals finite points, given in order of step, into a fixed number of buckets of nearly equal size by rank. The first
 * point has a bucket to itself, so that a drawn line starts where the series does; its end is exact by construction,
 * since a bucket is drawn at its last point.
 *
 * <p>Blocks are dealt whole, by the rank of their middle: which points share a bucket then depends on how they are
 * stored, but every point is in one bucket and every bucket's last, min and max are those of its points.
 */
final class SeriesReducer {

    private final long total;
    private final int maxPoints;
    private final long[] steps;
    private final long[] times;
    private final double[] last;
    private final double[] min;
    private final double[] max;
    private int size;
    private long rank;
    private long openBucket = -1;
    private Bucket open = new Bucket();

    /**
     * @param total finite points that will come
     * @param maxPoints most buckets, at least 2
     */
    SeriesReducer(long total, int maxPoints) {
        this.total = total;
        this.maxPoints = maxPoints;
        int capacity = (int) Math.min(total, maxPoints);
        steps = new long[capacity];
        times = new long[capacity];
        last = new double[capacity];
        min = new double[capacity];
        max = new double[capacity];
    }

    void add(long step, long time, double value) {
        moveTo(bucketOf(1));
        open.add(step, time, value);
        rank++;
    }

    void addBlock(double[] blocks, int at) {
        long n = (long) blocks[at];
        if (n > 0) {
            moveTo(bucketOf(n));
            open.addBlock(blocks, at);
            rank += n;
        }
    }

    Reduced finish() {
        if (rank != total) {
            throw new IllegalStateException("announced " + total + " points, " + rank + " came");
        }
        close();
        return new Reduced(
                Arrays.copyOf(steps, size),
                Arrays.copyOf(times, size),
                Arrays.copyOf(last, size),
                Arrays.copyOf(min, size),
                Arrays.copyOf(max, size));
    }

    @SuppressWarnings("ArrayRecordComponent") // columns, handed on at once
    record Reduced(long[] steps, long[] times, double[] last, double[] min, double[] max) {}

    private long bucketOf(long n) {
        if (rank == 0 || total <= maxPoints) {
            return rank;
        }
        return 1 + (rank - 1 + (n - 1) / 2) * (maxPoints - 1) / (total - 1);
    }

    private void moveTo(long bucket) {
        if (bucket != openBucket) {
            close();
            openBucket = bucket;
        }
    }

    private void close() {
        if (!open.isEmpty()) {
            steps[size] = open.step();
            times[size] = open.time();
            last[size] = open.last();
            min[size] = open.min();
            max[size] = open.max();
            size++;
            open = new Bucket();
        }
    }
}
