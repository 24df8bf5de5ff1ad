package dev.isoflop.platform.bench;

import dev.isoflop.platform.database.DatabaseForTools;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The platform's database beside the platform: what it says of a phase, and the queue put back after one. */
final class BenchDatabase {

    /** What simulated runners and submitters have left goes; runs that were queued when all began are so again. */
    private static final List<String> RESET = List.of(
            "delete from claim",
            "delete from reservation",
            "delete from lease",
            "delete from metric_chunk where run_id >= %1$d",
            "delete from metric_tail where run_id >= %1$d",
            "delete from metric_head where run_id >= %1$d",
            "delete from metric_segment where run_id >= %1$d",
            "delete from attempt where run_id >= %1$d",
            "delete from runner where name like 'load-%%'",
            "delete from run_event where run_id >= %2$d or run_id >= %1$d and to_state <> 'queued'",
            "delete from run where id >= %2$d",
            "delete from sweep where id >= %3$d",
            """
            update run set state = 'queued', step = 0, train_loss = null, final_loss = null, bits_per_byte = null,
                tokens_per_second = null, result = null, started_at = null, finished_at = null, version = version + 1
            where id >= %1$d and state <> 'queued'""",
            "vacuum (analyze) run, attempt, lease, run_event, runner, claim, metric_head, metric_tail, sweep, runner_device_sample");

    private final DatabaseForTools database;

    BenchDatabase(DatabaseForTools database) {
        this.database = database;
    }

    void reset(SeededData data) throws SQLException {
        try (Connection connection = database.connect();
                Statement statement = connection.createStatement()) {
            for (String sql : RESET) {
                statement.execute(sql.formatted(
                        data.firstRun() + data.ended(),
                        data.firstRun() + data.runs(),
                        data.firstSweep() + data.sweeps()));
            }
        }
    }

    /** Runners by run and attempt, of all attempts that simulated runners were given. */
    Map<String, Long> attempts(SeededData data) throws SQLException {
        Map<String, Long> attempts = new HashMap<>();
        try (Connection connection = database.connect();
                PreparedStatement select = connection.prepareStatement(
                        "select run_id, attempt_no, runner_id from attempt where run_id >= ?")) {
            select.setLong(1, data.firstRun() + data.ended());
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    attempts.put(row.getLong(1) + ":" + row.getInt(2), row.getLong(3));
                }
            }
        }
        return attempts;
    }

    /** A number that the statement counts; {@code %1$d} is the first run that had not ended, {@code %2$d} the first one submitted. */
    long count(SeededData data, String sql) throws SQLException {
        try (Connection connection = database.connect();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(
                        sql.formatted(data.firstRun() + data.ended(), data.firstRun() + data.runs()))) {
            row.next();
            return row.getLong(1);
        }
    }

    String text(String sql) throws SQLException {
        try (Connection connection = database.connect();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return row.getString(1);
        }
    }
}
