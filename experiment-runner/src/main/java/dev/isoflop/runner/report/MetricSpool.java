package dev.isoflop.runner.report;

import dev.isoflop.protocol.runner.MetricBatch;
import dev.isoflop.runner.platform.PlatformClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.json.JsonMapper;

/**
 * Points in the order they were recorded, cut into numbered batches. A batch once cut never changes, so that repeating
 * it after a lost reply is harmless. A few batches are kept in memory; beyond those they go to disk. Nothing is ever refused or
 * dropped: at its bound the spool says so ({@link #isOverBound}), and who records has to pause. Batches that a full disk does not
 * take stay in memory, up to a bound of their own.
 *
 * <p>Concurrency: every method takes the object's lock; no method waits. Disk is touched only while the platform is
 * behind by more than {@link #IN_MEMORY} batches.
 *
 * <p>Crash: what lies in the spool is lost with the process, on purpose. A later attempt resumes from a checkpoint, and
 * a checkpoint is committed only after every point up to it has been acknowledged. (One that was never committed has a
 * {@link PointJournal} beside it.)
 */
final class MetricSpool {

    /** Most points of one batch, as the protocol has it. */
    static final int BATCH_POINTS = 5_000;

    static final int IN_MEMORY = 4;

    /** Most points that stay in memory because the disk does not take them: some tens of megabytes. */
    static final int MOST_UNSPILLED = 1_000_000;

    private static final Logger log = LoggerFactory.getLogger(MetricSpool.class);
    private static final JsonMapper JSON = PlatformClient.mapper();

    private final Path directory;
    private final long maxBytes;
    private final Map<String, Column> open = new LinkedHashMap<>();
    private final ArrayDeque<Entry> sealed = new ArrayDeque<>();
    private int openPoints;
    private long nextSeq;
    private long spilledBytes;
    private int unspilled;
    private long recorded;
    private long acknowledged;

    /**
     * @param directory where batches go that do not fit in memory; made on first use
     * @param maxBytes most bytes kept there
     */
    MetricSpool(Path directory, long maxBytes) {
        this.directory = directory;
        this.maxBytes = maxBytes;
    }

    synchronized void record(String metric, long step, double value, long timeMillis) {
        open.computeIfAbsent(metric, m -> new Column()).add(step, value, timeMillis);
        recorded++;
        if (++openPoints == BATCH_POINTS) {
            seal();
        }
    }

    /** The oldest batch not yet acknowledged, cutting one from what is there if need be; null if there is nothing. */
    synchronized @Nullable MetricBatch oldest() throws IOException {
        if (sealed.isEmpty() && openPoints > 0) {
            seal();
        }
        Entry entry = sealed.peek();
        if (entry == null) {
            return null;
        }
        if (entry.series == null) {
            entry.series = JSON.readValue(Files.readAllBytes(file(entry)), MetricBatch.class)
                    .series();
        }
        return new MetricBatch(entry.seq, entry.series);
    }

    /** Forgets every batch the platform has, given the sequence number it expects next. */
    synchronized void acknowledge(long platformExpects) throws IOException {
        for (Entry e = sealed.peek(); e != null && e.seq < platformExpects; e = sealed.peek()) {
            sealed.remove();
            acknowledged += e.points;
            if (e.bytes > 0) {
                spilledBytes -= e.bytes;
                Files.deleteIfExists(file(e));
            } else if (e.refused) {
                unspilled -= e.points;
            }
        }
    }

    /**
     * Follows the platform's numbering after a gap: what it has is forgotten, and the oldest batch it lacks takes the
     * number it waits for.
     */
    synchronized void follow(long platformExpects) throws IOException {
        acknowledge(platformExpects);
        long seq = platformExpects;
        for (Entry e : sealed) {
            e.seq = seq++;
        }
        nextSeq = seq;
    }

    /** Points recorded so far. */
    synchronized long recorded() {
        return recorded;
    }

    /** Points the platform has acknowledged so far; they are the first ones recorded. */
    synchronized long acknowledged() {
        return acknowledged;
    }

    synchronized boolean isFull() {
        return openPoints == BATCH_POINTS || !sealed.isEmpty();
    }

    /** Whether so much waits that no more should be recorded until the platform has taken some of it. */
    synchronized boolean isOverBound() {
        return spilledBytes > maxBytes || unspilled > MOST_UNSPILLED;
    }

    private void seal() {
        List<MetricBatch.Series> series = new ArrayList<>(open.size());
        open.forEach((metric, column) -> series.add(column.toSeries(metric)));
        Entry entry = new Entry(nextSeq++, openPoints, List.copyOf(series));
        open.clear();
        openPoints = 0;
        sealed.add(entry);
        if (sealed.size() > IN_MEMORY) {
            spill(entry, series);
        }
    }

    private void spill(Entry entry, List<MetricBatch.Series> series) {
        Path file = file(entry);
        try {
            byte[] body = JSON.writeValueAsBytes(new MetricBatch(entry.seq, series));
            Files.createDirectories(directory);
            Files.write(file, body);
            entry.bytes = body.length;
            entry.series = null;
            spilledBytes += body.length;
        } catch (IOException e) {
            log.warn("metrics stay in memory, the disk does not take them: {}", e.toString());
            entry.refused = true;
            unspilled += entry.points;
            try {
                Files.deleteIfExists(file);
            } catch (IOException again) {
                log.debug("{} stays: {}", file, again.toString());
            }
        }
    }

    private Path file(Entry entry) {
        return directory.resolve("batch-" + entry.id + ".json");
    }

    private static final class Entry {
        /** Names the file: stays while {@link #seq} may follow the platform. */
        final long id;

        final int points;
        long seq;
        long bytes;

        /** By the disk. */
        boolean refused;

        @Nullable
        List<MetricBatch.Series> series;

        Entry(long seq, int points, List<MetricBatch.Series> series) {
            this.id = seq;
            this.seq = seq;
            this.points = points;
            this.series = series;
        }
    }

    private static final class Column {
        private long[] steps = new long[64];
        private double[] values = new double[64];
        private long[] times = new long[64];
        private int n;

        void add(long step, double value, long time) {
            if (n == steps.length) {
                steps = Arrays.copyOf(steps, 2 * n);
                values = Arrays.copyOf(values, 2 * n);
                times = Arrays.copyOf(times, 2 * n);
            }
            steps[n] = step;
            values[n] = value;
            times[n++] = time;
        }

        MetricBatch.Series toSeries(String metric) {
            return new MetricBatch.Series(
                    metric, Arrays.copyOf(steps, n), Arrays.copyOf(values, n), Arrays.copyOf(times, n));
        }
    }
}
