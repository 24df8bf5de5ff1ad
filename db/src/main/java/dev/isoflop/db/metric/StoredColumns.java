package dev.isoflop.db.metric;

import org.jspecify.annotations.Nullable;

/**
 * How points lie in a row of {@code metric_tail} or {@code metric_chunk}, and back.
 *
 * <p>A chunk holds at most {@value #CHUNK_POINTS} points, and its times lie within 2³¹ ms (24 days) of its first: where
 * they do not, another chunk begins.
 */
final class StoredColumns {

    /** Points per chunk. */
    static final int CHUNK_POINTS = 1_000;
    /** Points per block of aggregates inside a chunk. */
    static final int BLOCK_POINTS = 100;
    /** Numbers per block: finite values, step, time and value of the last finite one, min, max. */
    static final int BLOCK_NUMBERS = 6;

    static final String TAIL =
            "metric_tail (run_id, metric_id, attempt_no, step_min, step_max, n, stride, steps, time_base, times, vals)";
    static final String CHUNK = "metric_chunk (run_id, metric_id, attempt_no, step_min, step_max, n, nonfinite, vmin,"
            + " vmax, vlast, blocks, stride, steps, time_base, times, vals)";
    /** What {@link #read} reads, in its order. */
    static final String POINTS = "n, step_min, stride, steps, time_base, times, vals";

    private StoredColumns() {}

    static void writeTail(CopyInRows rows, long runId, int metricId, int attempt, PointColumns points) {
        for (int from = 0; from < points.size(); ) {
            int to = end(points, from, CHUNK_POINTS);
            key(rows.row(11), runId, metricId, attempt, points, from, to);
            columns(rows, points, from, to);
            from = to;
        }
    }

    static void writeChunks(CopyInRows rows, long runId, int metricId, int attempt, PointColumns points) {
        for (int from = 0; from < points.size(); ) {
            int to = end(points, from, CHUNK_POINTS);
            key(rows.row(16), runId, metricId, attempt, points, from, to);
            aggregates(rows, points, from, to);
            columns(rows, points, from, to);
            from = to;
        }
    }

    /** Appends the points of one row whose {@link #POINTS} come next. */
    static void read(CopyOutRows row, PointColumns into) {
        int n = row.int4();
        long stepMin = row.int8();
        Long stride = row.int8OrAbsent();
        long @Nullable [] steps = row.int8s();
        long timeBase = row.int8();
        int[] offsets = row.int4s();
        double[] values = row.float8s();
        for (int i = 0; i < n; i++) {
            long step = steps != null ? steps[i] : stepMin + i * (stride == null ? 0 : stride);
            into.add(step, timeBase + offsets[i], values[i]);
        }
    }

    private static int end(PointColumns points, int from, int limit) {
        int to = from + 1;
        int last = Math.min(points.size(), from + limit);
        while (to < last && fitsInt(points.time(to) - points.time(from))) {
            to++;
        }
        return to;
    }

    private static boolean fitsInt(long value) {
        return value == (int) value;
    }

    private static void key(
            CopyInRows rows, long runId, int metricId, int attempt, PointColumns points, int from, int to) {
        rows.int8(runId).int4(metricId).int4(attempt);
        rows.int8(points.step(from)).int8(points.step(to - 1)).int4(to - from);
    }

    private static void aggregates(CopyInRows rows, PointColumns points, int from, int to) {
        int count = (to - from + BLOCK_POINTS - 1) / BLOCK_POINTS;
        double[] blocks = new double[count * BLOCK_NUMBERS];
        double min = Double.NaN;
        double max = Double.NaN;
        double last = Double.NaN;
        int nonfinite = 0;
        for (int block = 0; block < count; block++) {
            Bucket bucket = new Bucket();
            int end = Math.min(to, from + (block + 1) * BLOCK_POINTS);
            for (int i = from + block * BLOCK_POINTS; i < end; i++) {
                if (Double.isFinite(points.value(i))) {
                    bucket.add(points.step(i), points.time(i), points.value(i));
                } else {
                    nonfinite++;
                }
            }
            bucket.write(blocks, block * BLOCK_NUMBERS);
            if (!bucket.isEmpty()) {
                min = Double.isNaN(min) ? bucket.min() : Math.min(min, bucket.min());
                max = Double.isNaN(max) ? bucket.max() : Math.max(max, bucket.max());
                last = bucket.last();
            }
        }
        rows.int4(nonfinite).float8OrAbsent(min).float8OrAbsent(max).float8OrAbsent(last);
        rows.float8s(blocks, blocks.length);
    }

    private static void columns(CopyInRows rows, PointColumns points, int from, int to) {
        int n = to - from;
        long stride = n > 1 ? points.step(from + 1) - points.step(from) : 1;
        boolean regular = true;
        int[] offsets = new int[n];
        double[] values = new double[n];
        long base = points.time(from);
        for (int i = 0; i < n; i++) {
            regular &= points.step(from + i) == points.step(from) + i * stride;
            offsets[i] = (int) (points.time(from + i) - base);
            values[i] = points.value(from + i);
        }
        if (regular) {
            rows.int8(stride).absent();
        } else {
            long[] steps = new long[n];
            for (int i = 0; i < n; i++) {
                steps[i] = points.step(from + i);
            }
            rows.absent().int8s(steps, n);
        }
        rows.int8(base).int4s(offsets, n).float8s(values, n);
    }
}
