package dev.isoflop.db.fit;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import javax.sql.DataSource;
import org.springframework.jdbc.core.simple.JdbcClient;

/**
 * The table of fits. Rows are inserted and read, never changed.
 *
 * <p>Concurrency: two that store the same inputs at once both get the one row that won; the unique key decides.
 */
public final class FitStore {

    private static final String SELECT =
            "select id, sweep_id, method, status, input_hash, body, created_at from fit where ";

    private final JdbcClient jdbc;

    public FitStore(DataSource dataSource) {
        jdbc = JdbcClient.create(dataSource);
    }

    /** @param created whether this call stored it */
    public record Stored(StoredFit fit, boolean created) {}

    /** Stores a result, or returns the one that the same inputs gave before. */
    public Stored store(long sweepId, String method, String status, String inputHash, String body) {
        int inserted = jdbc.sql(
                        "insert into fit (sweep_id, method, status, input_hash, body) values (?, ?, ?, ?, ?::jsonb)"
                                + " on conflict (sweep_id, method, input_hash) do nothing")
                .params(sweepId, method, status, inputHash, body)
                .update();
        StoredFit fit = find(sweepId, method, inputHash)
                .orElseThrow(() -> new IllegalStateException("a fit was stored and is not there"));
        return new Stored(fit, inserted == 1);
    }

    public Optional<StoredFit> find(long sweepId, String method, String inputHash) {
        return jdbc.sql(SELECT + "sweep_id = ? and method = ? and input_hash = ?")
                .params(sweepId, method, inputHash)
                .query((row, i) -> fit(row))
                .optional();
    }

    public Optional<StoredFit> get(long id) {
        return jdbc.sql(SELECT + "id = ?").param(id).query((row, i) -> fit(row)).optional();
    }

    /** Newest first. */
    public List<StoredFit> ofSweep(long sweepId) {
        return jdbc.sql(SELECT + "sweep_id = ? order by id desc")
                .param(sweepId)
                .query((row, i) -> fit(row))
                .list();
    }

    private static StoredFit fit(ResultSet row) throws SQLException {
        return new StoredFit(
                row.getLong(1),
                row.getLong(2),
                row.getString(3),
                row.getString(4),
                row.getString(5),
                row.getString(6),
                row.getTimestamp(7).toInstant());
    }
}
