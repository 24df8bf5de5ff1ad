package dev.isoflop.platform.exports;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

/** Reads the rows of an export in one statement, hence of one moment. */
@Component
class ExportRows {

    private final JdbcClient jdbc;

    ExportRows(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    Optional<String> sweepName(long sweepId) {
        return jdbc.sql("select name from sweep where id = ?")
                .param(sweepId)
                .query(String.class)
                .optional();
    }

    /** In order of run id. */
    List<RunRow> ofSweep(long sweepId) {
        return jdbc.sql("""
                select r.*, s.name as sweep_name, s.dataset_id, d.detail ->> 'tokenizerHash' as tokenizer_hash,
                       (j.spec -> 'training' ->> 'batchSequences')::bigint as batch_sequences
                  from run r join run_job j on j.run_id = r.id join sweep s on s.id = r.sweep_id left join dataset d on d.id = s.dataset_id
                 where r.sweep_id = ? order by r.id""").param(sweepId).query((row, i) -> row(row)).list();
    }

    private static RunRow row(ResultSet row) throws SQLException {
        return new RunRow(
                row.getLong("sweep_id"),
                row.getString("sweep_name"),
                row.getLong("id"),
                row.getString("name"),
                row.getString("kind"),
                row.getString("state"),
                row.getLong("n_params"),
                row.getLong("n_params_nonembed"),
                row.getLong("tokens"),
                row.getDouble("flops"),
                row.getDouble("flops_exact"),
                row.getDouble("budget"),
                row.getObject("seed", Long.class),
                row.getObject("learning_rate", Double.class),
                row.getObject("batch_sequences", Long.class),
                row.getLong("tokens_per_step"),
                row.getLong("steps"),
                row.getLong("step"),
                row.getObject("train_loss", Double.class),
                row.getObject("final_loss", Double.class),
                row.getObject("bits_per_byte", Double.class),
                row.getObject("tokens_per_second", Double.class),
                row.getBoolean("diverged"),
                row.getLong("attempt_no"),
                row.getString("failure_code"),
                row.getString("failure_message"),
                row.getString("dataset_id"),
                row.getString("tokenizer_hash"),
                row.getString("comparability"),
                row.getObject("created_at", OffsetDateTime.class).toInstant(),
                instant(row.getObject("started_at", OffsetDateTime.class)),
                instant(row.getObject("finished_at", OffsetDateTime.class)));
    }

    private static @Nullable Instant instant(@Nullable OffsetDateTime at) {
        return at == null ? null : at.toInstant();
    }
}
