package dev.isoflop.db.metric;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;

/**
 * Puts whole series of runs that have ended into place, many runs in one COPY, as {@link MetricStore} leaves them: chunks, heads and
 * segments, nothing in the tail. Nothing is fenced and nothing that is there is looked at, so it is for filling a database.
 *
 * <p>Rows are gathered until {@link #flush}, in memory of about 20 bytes a point. Not safe for use by several threads.
 */
public final class SeriesLoader {

    private static final String HEAD =
            "metric_head (run_id, metric_id, attempt_no, last_step, last_value, min_value, max_value, n, nonfinite, tail_n)";
    private static final String SEGMENT = "metric_segment (run_id, attempt_no, from_step)";

    private final Connection connection;
    private CopyInRows chunks = new CopyInRows();
    private CopyInRows heads = new CopyInRows();
    private CopyInRows segments = new CopyInRows();

    public SeriesLoader(Connection connection) {
        this.connection = connection;
    }

    /** Id of the metric of that name, made if there is none. */
    public int metric(String name) throws SQLException {
        try (PreparedStatement insert = connection.prepareStatement(
                "insert into metric_name (name) values (?) on conflict (name) do update set name = excluded.name returning id")) {
            insert.setString(1, name);
            try (ResultSet id = insert.executeQuery()) {
                id.next();
                return id.getInt(1);
            }
        }
    }

    /** Says that the attempt wrote, from the first step on; once for each, before its series. */
    public void attempt(long runId, int attempt) {
        segments.row(3).int8(runId).int4(attempt).int8(-1);
    }

    /** Adds a series: steps rising, a time and a value for each. */
    public void series(long runId, int attempt, int metricId, long[] steps, long[] timesMillis, double[] values) {
        PointColumns points = new PointColumns(0);
        points.addAll(steps, timesMillis, values);
        StoredColumns.writeChunks(chunks, runId, metricId, attempt, points);
        Heads.Head head = Heads.after(null, metricId, attempt, points, 0);
        heads.row(10)
                .int8(runId)
                .int4(metricId)
                .int4(attempt)
                .int8(head.lastStep())
                .float8OrAbsent(head.last())
                .float8OrAbsent(head.min())
                .float8OrAbsent(head.max())
                .int8(head.n())
                .int8(head.nonfinite())
                .int4(0);
    }

    /** Writes what was gathered; commits nothing by itself. */
    public void flush() throws SQLException {
        segments.copyTo(connection, SEGMENT);
        heads.copyTo(connection, HEAD);
        chunks.copyTo(connection, StoredColumns.CHUNK);
        segments = new CopyInRows();
        heads = new CopyInRows();
        chunks = new CopyInRows();
    }
}
