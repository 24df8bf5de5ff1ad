package dev.isoflop.platform.bench;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.LongAdder;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyIn;

/**
 * The limit to compare with: the same points as narrow rows (run, metric, step, time, value), COPY in binary straight
 * into a table without index, a commit per batch, with no HTTP, JSON, fence or heads.
 */
final class PlainCopy {

    private static final int ROW_BYTES = 2 + 12 + 8 + 12 + 12 + 12;

    private final DataSource dataSource;
    private final int clients;
    private final int batch;

    PlainCopy(DataSource dataSource, int clients, int batch) {
        this.dataSource = dataSource;
        this.clients = clients;
        this.batch = batch;
    }

    double pointsPerSecond(int seconds) throws Exception {
        try (Connection connection = dataSource.getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute("create table plain_copy (run_id bigint, metric_id int, step bigint, time_ms bigint,"
                    + " value double precision)");
        }
        LongAdder rows = new LongAdder();
        List<Callable<@Nullable Void>> work = new ArrayList<>();
        long start = System.nanoTime();
        long end = start + seconds * 1_000_000_000L;
        for (int c = 0; c < clients; c++) {
            long run = c;
            work.add(() -> {
                try (Connection connection = dataSource.getConnection()) {
                    for (long seq = 0; System.nanoTime() < end; seq++) {
                        rows.add(copy(connection, run, seq));
                    }
                }
                return null;
            });
        }
        MetricsBench.all(work);
        return rows.sum() / ((System.nanoTime() - start) / 1e9);
    }

    private long copy(Connection connection, long run, long seq) throws SQLException {
        ByteBuffer bytes = ByteBuffer.allocate(19 + batch * ROW_BYTES + 2);
        bytes.put("PGCOPY\n\u00ff\r\n\0".getBytes(StandardCharsets.ISO_8859_1)).putLong(0);
        for (int i = 0; i < batch; i++) {
            long step = seq * batch + i;
            bytes.putShort((short) 5);
            bytes.putInt(8).putLong(run).putInt(4).putInt(i % 10).putInt(8).putLong(step);
            bytes.putInt(8).putLong(1_780_000_000_000L + 37 * step).putInt(8).putDouble(Math.sqrt(step));
        }
        bytes.putShort((short) -1);
        CopyIn copy =
                connection.unwrap(PGConnection.class).getCopyAPI().copyIn("copy plain_copy from stdin (format binary)");
        copy.writeToCopy(bytes.array(), 0, bytes.position());
        return copy.endCopy();
    }
}
