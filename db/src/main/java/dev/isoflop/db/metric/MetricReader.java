package dev.isoflop.db.metric;

import dev.isoflop.protocol.api.MetricViews;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.ConnectionCallback;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.TransactionDefinition;
import org.springframework.transaction.support.TransactionTemplate;

/**
 * Reads heads and series as the stitched line of all attempts.
 *
 * <p>A series is cut to the range first and reduced afterwards. Short ones, and buckets narrower than two blocks, are
 * reduced from the points; long ones from the blocks of a hundred points that every chunk carries, so that a million
 * points are drawn without reading them. Chunks that the range or a resume cuts are read point by point.
 *
 * <p>Concurrency: a series takes several queries in one repeatable-read snapshot, so a fold of the tail in between
 * neither hides nor doubles a point.
 */
public final class MetricReader {

    /** Up to this many points reading them all is as quick as reading the blocks. */
    private static final long READ_ALL = 50_000;

    private final JdbcTemplate jdbc;
    private final TransactionTemplate snapshot;
    private final MetricNames names;

    public MetricReader(DataSource dataSource, PlatformTransactionManager transactions) {
        jdbc = new JdbcTemplate(dataSource);
        snapshot = new TransactionTemplate(transactions);
        snapshot.setIsolationLevel(TransactionDefinition.ISOLATION_REPEATABLE_READ);
        snapshot.setReadOnly(true);
        names = new MetricNames(jdbc);
    }

    /** In order of name. */
    public List<MetricViews.Head> heads(long runId) {
        return jdbc.query(
                "select name, last_step, last_value, min_value, max_value, n, nonfinite from metric_head h"
                        + " join metric_name m on m.id = h.metric_id where run_id = ? order by name",
                (row, i) -> new MetricViews.Head(
                        row.getString(1),
                        row.getLong(2),
                        row.getObject(3, Double.class),
                        row.getObject(4, Double.class),
                        row.getObject(5, Double.class),
                        row.getLong(6),
                        row.getLong(7)),
                runId);
    }

    /** Points of all runs that count. */
    public long totalPoints() {
        Long points = jdbc.queryForObject("select coalesce(sum(n), 0) from metric_head", Long.class);
        return points == null ? 0 : points;
    }

    /**
     * @param from first step wanted
     * @param to last step wanted
     * @param maxPoints most buckets, at least 2
     * @return empty when the run has no such series
     */
    public Optional<MetricViews.Series> series(long runId, String metric, long from, long to, int maxPoints) {
        Integer id = names.find(metric);
        if (id == null) {
            return Optional.empty();
        }
        return Optional.ofNullable(snapshot.execute(status -> read(runId, id, metric, from, to, maxPoints)));
    }

    private MetricViews.@Nullable Series read(long runId, int id, String metric, long from, long to, int maxPoints) {
        List<Long> lastStep = jdbc.query(
                "select last_step from metric_head where run_id = ? and metric_id = ?",
                (row, i) -> row.getLong(1),
                runId,
                id);
        if (lastStep.isEmpty()) {
            return null;
        }
        Segments segments = Segments.of(jdbc, runId);
        Reading reading = jdbc.execute((ConnectionCallback<Reading>) connection -> {
            Reading r = new Reading(connection, runId, id, segments.values(from, to));
            r.load(maxPoints);
            return r;
        });
        SeriesReducer reducer = new SeriesReducer(reading.finite, maxPoints);
        reading.pieces.forEach(piece -> piece.deal(reducer));
        SeriesReducer.Reduced reduced = reducer.finish();
        return new MetricViews.Series(
                metric,
                reading.finite > maxPoints,
                reading.points,
                reduced.steps(),
                reduced.times(),
                reduced.last(),
                reduced.min(),
                reduced.max(),
                segments.views(lastStep.getFirst()));
    }

    /** A stretch of a series: points, or the blocks that stand for them. */
    private record Piece(long stepMin, @Nullable PointColumns points, double[] blocks) {

        void deal(SeriesReducer reducer) {
            if (points == null) {
                for (int at = 0; at < blocks.length; at += StoredColumns.BLOCK_NUMBERS) {
                    reducer.addBlock(blocks, at);
                }
                return;
            }
            for (int i = 0; i < points.size(); i++) {
                if (Double.isFinite(points.value(i))) {
                    reducer.add(points.step(i), points.time(i), points.value(i));
                }
            }
        }
    }

    /** One read of one series, within its snapshot. */
    private static final class Reading {

        private final Connection connection;
        private final String where;
        private final String seg;
        private final List<Piece> pieces = new ArrayList<>();
        private long points;
        private long finite;

        Reading(Connection connection, long runId, int id, String seg) {
            this.connection = connection;
            this.seg = seg;
            this.where = "run_id = " + runId + " and metric_id = " + id + " and step_min <= hi and step_max >= lo";
        }

        void load(int maxPoints) throws SQLException {
            CopyOutRows sum = CopyOutRows.of(
                    connection,
                    "select coalesce(sum(n), 0)::bigint from metric_chunk join " + seg + " using (attempt_no) where "
                            + where);
            long stored = sum.next() ? sum.int8() : 0;
            boolean fromBlocks = stored > READ_ALL && stored / maxPoints >= 2 * StoredColumns.BLOCK_POINTS;
            readPoints("metric_tail", "");
            if (fromBlocks) {
                // The earliest chunks point by point too, as the first point is drawn exactly. Three, because what the
                // range leaves of a cut one may hold no finite point.
                String pointwise =
                        "(step_min < lo or step_max > hi or step_min in (select step_min from metric_chunk join "
                                + seg + " using (attempt_no) where " + where
                                + " and n > nonfinite order by step_min limit 3))";
                readPoints("metric_chunk", " and " + pointwise);
                readBlocks(" and not " + pointwise);
            } else {
                readPoints("metric_chunk", "");
            }
            pieces.sort(Comparator.comparingLong(Piece::stepMin));
        }

        private void readPoints(String table, String and) throws SQLException {
            CopyOutRows rows = CopyOutRows.of(
                    connection,
                    "select lo, hi, " + StoredColumns.POINTS + " from " + table + " join " + seg
                            + " using (attempt_no) where " + where + and);
            while (rows.next()) {
                long lo = rows.int8();
                long hi = rows.int8();
                PointColumns all = new PointColumns(StoredColumns.CHUNK_POINTS);
                StoredColumns.read(rows, all);
                PointColumns counted = all.between(lo, hi);
                if (counted.size() > 0) {
                    pieces.add(new Piece(counted.step(0), counted, new double[0]));
                    points += counted.size();
                    finite += counted.finite();
                }
            }
        }

        private void readBlocks(String and) throws SQLException {
            CopyOutRows rows = CopyOutRows.of(
                    connection,
                    "select step_min, n, nonfinite, blocks from metric_chunk join " + seg + " using (attempt_no) where "
                            + where + and);
            while (rows.next()) {
                long stepMin = rows.int8();
                int n = rows.int4();
                int nonfinite = rows.int4();
                pieces.add(new Piece(stepMin, null, rows.float8s()));
                points += n;
                finite += n - nonfinite;
            }
        }
    }
}
