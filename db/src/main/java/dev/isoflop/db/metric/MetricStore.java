package dev.isoflop.db.metric;

import dev.isoflop.protocol.runner.MetricBatch;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.ConnectionCallback;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;

/**
 * Writes points.
 *
 * <p>A batch is one transaction: the fence, the batch's number, the points through COPY, the heads, the attempt's next
 * number and the run's progress. Short columns go to {@code metric_tail}; once a series has {@value
 * StoredColumns#CHUNK_POINTS} points there, or comes with {@value #DIRECT_POINTS} at once, tail and batch become chunks
 * in the same transaction, so no point is ever in both or in neither. Steps go up within an attempt; a batch that goes
 * back over steps its attempt has written replaces those points (the later word counts).
 *
 * <p>The first batch of an attempt opens its segment: points of earlier attempts after the step it resumed from stop
 * counting, and the heads that had counted them are computed again.
 *
 * <p>Concurrency and crashes: writers of one attempt are serialised by the lock on its row, and by the fence, which runs
 * inside the transaction before anything is written. A crash loses whole batches that were never acknowledged, and the
 * runner sends those again; a batch whose acknowledgement was lost is told by its number and stored once.
 */
public final class MetricStore {

    /** From this many points on, a column in a batch is written as a chunk at once. */
    static final int DIRECT_POINTS = 250;

    private final JdbcTemplate jdbc;
    private final TransactionTemplate transaction;
    private final MetricNames names;

    public MetricStore(DataSource dataSource, PlatformTransactionManager transactions) {
        jdbc = new JdbcTemplate(dataSource);
        transaction = new TransactionTemplate(transactions);
        names = new MetricNames(jdbc);
    }

    /** Throws when the attempt has lost the right to write; called inside the transaction, before any write. */
    @FunctionalInterface
    public interface Fence {
        void check();
    }

    /**
     * Stores a batch, all or nothing.
     *
     * @param fence takes the run's lock and refuses stale attempts by an exception, which is passed on
     */
    public AppendOutcome append(long runId, int attempt, MetricBatch batch, Fence fence) {
        AppendOutcome.Invalid fault = BatchCheck.fault(batch);
        if (fault != null) {
            return fault;
        }
        List<MetricBatch.Series> series =
                batch.series().stream().filter(s -> s.steps().length > 0).toList();
        Map<String, Integer> ids =
                names.intern(series.stream().map(MetricBatch.Series::metric).toList());
        AppendOutcome outcome = transaction.execute(status -> {
            fence.check();
            return appendLocked(runId, attempt, batch.seq(), series, ids);
        });
        return outcome == null ? new AppendOutcome.UnknownAttempt() : outcome;
    }

    /** Folds the tails of a run that has ended into chunks. Safe to repeat. */
    public void seal(long runId) {
        // nobody writes to it any more: without a tail there is nothing to fold, and no lock to take
        if (jdbc.queryForList("select 1 from metric_tail where run_id = ? limit 1", runId)
                .isEmpty()) {
            return;
        }
        transaction.executeWithoutResult(status -> {
            jdbc.query("select 1 from run where id = ? for update", row -> {}, runId);
            jdbc.execute((ConnectionCallback<@Nullable Void>) connection -> {
                fold(connection, runId);
                return null;
            });
            jdbc.update("update metric_head set tail_n = 0 where run_id = ? and tail_n > 0", runId);
        });
    }

    private record AttemptRow(long nextSeq, long fromStep) {}

    private AppendOutcome appendLocked(
            long runId, int attempt, long seq, List<MetricBatch.Series> series, Map<String, Integer> ids) {
        AttemptRow row = lockAttempt(runId, attempt);
        if (row == null) {
            return new AppendOutcome.UnknownAttempt();
        }
        if (seq < row.nextSeq) {
            return new AppendOutcome.Repeated(row.nextSeq);
        }
        if (seq > row.nextSeq) {
            return new AppendOutcome.Gap(row.nextSeq);
        }
        for (MetricBatch.Series s : series) {
            if (s.steps()[0] <= row.fromStep) {
                return new AppendOutcome.Invalid(
                        "/series",
                        "attempt " + attempt + " resumed from step " + row.fromStep + " and writes later steps only, '"
                                + s.metric() + "' has step " + s.steps()[0]);
            }
        }
        Heads heads = new Heads(jdbc, runId);
        // Counted before the segment opens: names that a resume is about to shadow still have their points.
        Map<Integer, Heads.Head> current = heads.load(ids.values());
        int added = series.size() - current.size();
        if (added > 0 && heads.count() + added > BatchCheck.MAX_NAMES) {
            return new AppendOutcome.Invalid(
                    "/series",
                    "a run has at most " + BatchCheck.MAX_NAMES
                            + " series: put what varies (a layer, a document) into fewer names");
        }
        if (seq == 0 && heads.openSegment(attempt, row.fromStep)) {
            current = heads.load(ids.values());
        }
        AppendOutcome.Progress progress = write(runId, attempt, series, ids, heads, current);
        jdbc.update(
                "update attempt set next_metric_seq = ? where run_id = ? and attempt_no = ?", seq + 1, runId, attempt);
        int points = 0;
        for (MetricBatch.Series s : series) {
            points += s.steps().length;
        }
        return new AppendOutcome.Appended(seq + 1, points, progress);
    }

    private @Nullable AttemptRow lockAttempt(long runId, int attempt) {
        List<AttemptRow> rows = jdbc.query(
                "select next_metric_seq, resumed_from_step from attempt where run_id = ? and attempt_no = ? for update",
                // Step 0 is before the first update: an attempt from there has nothing of earlier ones to keep.
                (r, i) -> new AttemptRow(r.getLong(1), r.getLong(2) == 0 ? -1 : r.getLong(2)),
                runId,
                attempt);
        return rows.isEmpty() ? null : rows.getFirst();
    }

    private AppendOutcome.Progress write(
            long runId,
            int attempt,
            List<MetricBatch.Series> series,
            Map<String, Integer> ids,
            Heads heads,
            Map<Integer, Heads.Head> current) {
        Map<Integer, PointColumns> chunks = new HashMap<>();
        CopyInRows tailRows = new CopyInRows();
        List<Integer> withTail = new ArrayList<>();
        Map<Integer, Long> rewritten = new HashMap<>();
        List<Heads.Head> changed = new ArrayList<>();

        for (MetricBatch.Series s : series) {
            int id = ids.getOrDefault(s.metric(), 0);
            Heads.Head before = current.get(id);
            PointColumns points = new PointColumns(0);
            points.addAll(s.steps(), s.timesMillis(), s.values());
            boolean continues = before != null && before.attempt() == attempt;
            int tail = continues && before != null ? before.tailPoints() : 0;
            if (continues && before != null && points.step(0) <= before.lastStep()) {
                rewritten.put(id, points.step(0));
                chunks.put(id, points);
                continue;
            }
            boolean asChunk = points.size() >= DIRECT_POINTS || tail + points.size() >= StoredColumns.CHUNK_POINTS;
            if (asChunk) {
                chunks.put(id, points);
                if (tail > 0) {
                    withTail.add(id);
                }
            } else {
                StoredColumns.writeTail(tailRows, runId, id, attempt, points);
            }
            changed.add(Heads.after(before, id, attempt, points, asChunk ? 0 : tail + points.size()));
        }
        jdbc.execute((ConnectionCallback<@Nullable Void>) connection -> {
            takeTails(connection, runId, attempt, withTail, chunks);
            for (Map.Entry<Integer, Long> series2 : rewritten.entrySet()) {
                takeFrom(connection, runId, attempt, series2.getKey(), series2.getValue(), chunks);
            }
            CopyInRows chunkRows = new CopyInRows();
            chunks.forEach((id, points) -> StoredColumns.writeChunks(chunkRows, runId, id, attempt, points));
            chunkRows.copyTo(connection, StoredColumns.CHUNK);
            tailRows.copyTo(connection, StoredColumns.TAIL);
            return null;
        });
        heads.store(changed);
        if (!rewritten.isEmpty()) {
            heads.recompute(rewritten.keySet());
        }
        return progress(runId, series);
    }

    /** Moves the tails of the given series in front of the points about to be written. */
    private static void takeTails(
            Connection connection, long runId, int attempt, List<Integer> ids, Map<Integer, PointColumns> into)
            throws SQLException {
        if (ids.isEmpty()) {
            return;
        }
        Map<Integer, PointColumns> taken = new HashMap<>();
        CopyOutRows rows = CopyOutRows.of(
                connection,
                ("with gone as (delete from metric_tail where run_id = %d and attempt_no = %d and metric_id = any('{%s}')"
                                + " returning *) select metric_id, %s from gone order by metric_id, step_min")
                        .formatted(runId, attempt, Heads.join(ids), StoredColumns.POINTS));
        while (rows.next()) {
            int id = rows.int4();
            StoredColumns.read(rows, taken.computeIfAbsent(id, x -> new PointColumns(1_024)));
        }
        taken.forEach((id, points) -> into.merge(id, points, (batch, tail) -> PointColumns.merge(tail, batch)));
    }

    /** Takes back all of a series from a step on, and merges what the batch says over it. */
    private static void takeFrom(
            Connection connection, long runId, int attempt, int id, long step, Map<Integer, PointColumns> into)
            throws SQLException {
        PointColumns stored = new PointColumns(1_024);
        for (String table : List.of("metric_chunk", "metric_tail")) {
            // Whole rows that reach past the step, and all of the tail: chunks and tail never interleave.
            CopyOutRows rows = CopyOutRows.of(
                    connection,
                    ("with gone as (delete from %s where run_id = %d and metric_id = %d and attempt_no = %d%s returning *)"
                                    + " select %s from gone order by step_min")
                            .formatted(
                                    table,
                                    runId,
                                    id,
                                    attempt,
                                    table.equals("metric_chunk") ? " and step_max >= " + step : "",
                                    StoredColumns.POINTS));
            while (rows.next()) {
                StoredColumns.read(rows, stored);
            }
        }
        into.computeIfPresent(id, (x, batch) -> PointColumns.merge(stored, batch));
    }

    private static void fold(Connection connection, long runId) throws SQLException {
        CopyOutRows rows = CopyOutRows.of(
                connection,
                ("with gone as (delete from metric_tail where run_id = %d returning *)"
                                + " select metric_id, attempt_no, %s from gone order by metric_id, attempt_no, step_min")
                        .formatted(runId, StoredColumns.POINTS));
        CopyInRows chunks = new CopyInRows();
        int metric = -1;
        int attempt = -1;
        PointColumns points = new PointColumns(0);
        while (rows.next()) {
            int nextMetric = rows.int4();
            int nextAttempt = rows.int4();
            if (nextMetric != metric || nextAttempt != attempt) {
                StoredColumns.writeChunks(chunks, runId, metric, attempt, points);
                points = new PointColumns(1_024);
                metric = nextMetric;
                attempt = nextAttempt;
            }
            StoredColumns.read(rows, points);
        }
        StoredColumns.writeChunks(chunks, runId, metric, attempt, points);
        chunks.copyTo(connection, StoredColumns.CHUNK);
    }

    private AppendOutcome.Progress progress(long runId, List<MetricBatch.Series> series) {
        Long step = null;
        Double loss = null;
        Double speed = null;
        for (MetricBatch.Series s : series) {
            long last = s.steps()[s.steps().length - 1];
            step = step == null ? last : Math.max(step, last);
            switch (s.metric()) {
                case "train/loss" -> loss = lastFinite(s.values());
                case "train/tokens_per_second" -> speed = lastFinite(s.values());
                default -> {}
            }
        }
        if (step != null) {
            jdbc.update(
                    "update run set step = ?, train_loss = coalesce(?, train_loss),"
                            + " tokens_per_second = coalesce(?, tokens_per_second) where id = ?",
                    step,
                    loss,
                    speed,
                    runId);
        }
        return new AppendOutcome.Progress(step, loss, speed);
    }

    private static @Nullable Double lastFinite(double[] values) {
        for (int i = values.length - 1; i >= 0; i--) {
            if (Double.isFinite(values[i])) {
                return values[i];
            }
        }
        return null;
    }
}
