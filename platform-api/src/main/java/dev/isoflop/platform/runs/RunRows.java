package dev.isoflop.platform.runs;

import dev.isoflop.db.run.RunStateConverter;
import dev.isoflop.protocol.api.Views;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import org.jspecify.annotations.Nullable;

/** The columns of a run that lists show, and how they become a view. */
public final class RunRows {

    /** Joins what a row needs; {@code r} is the run. */
    public static final String SELECT = """
            select r.id, r.sweep_id, s.name as sweep, r.name, r.kind, r.state, r.attempt_no, r.priority, r.pool,
                   r.n_params, r.n_params_nonembed, r.tokens, r.flops, r.flops_exact, r.budget, r.seed, r.learning_rate,
                   r.tokens_per_step, r.steps, r.step, r.train_loss, r.final_loss, r.bits_per_byte, r.tokens_per_second,
                   r.diverged, r.failure_category, r.failure_code, r.failure_message, r.waits_for,
                   n.name as runner, r.created_at, r.started_at, r.finished_at, r.version
              from run r
              left join sweep s on s.id = r.sweep_id
              left join lease l on l.run_id = r.id
              left join runner n on n.id = l.runner_id
            """;

    private RunRows() {}

    public static Views.Run view(ResultSet rs, int i) throws SQLException {
        long step = rs.getLong("step");
        long perStep = rs.getLong("tokens_per_step");
        String failure = rs.getString("failure_code");
        return new Views.Run(
                rs.getLong("id"),
                rs.getObject("sweep_id", Long.class),
                rs.getString("sweep"),
                rs.getString("name"),
                rs.getString("kind"),
                RunStateConverter.parse(rs.getString("state")),
                rs.getInt("attempt_no"),
                rs.getInt("priority"),
                rs.getString("pool"),
                rs.getLong("n_params"),
                rs.getLong("n_params_nonembed"),
                rs.getLong("tokens"),
                rs.getDouble("flops"),
                rs.getDouble("flops_exact"),
                rs.getDouble("budget"),
                rs.getObject("seed", Long.class),
                rs.getObject("learning_rate", Double.class),
                perStep,
                rs.getLong("steps"),
                step,
                step * perStep,
                rs.getObject("train_loss", Double.class),
                rs.getObject("final_loss", Double.class),
                rs.getObject("bits_per_byte", Double.class),
                rs.getObject("tokens_per_second", Double.class),
                rs.getBoolean("diverged"),
                failure == null
                        ? null
                        : new Views.Failure(rs.getString("failure_category"), failure, rs.getString("failure_message")),
                rs.getObject("waits_for", Long.class),
                rs.getString("runner"),
                instant(rs, "created_at"),
                nullable(rs, "started_at"),
                nullable(rs, "finished_at"),
                rs.getLong("version"));
    }

    static Instant instant(ResultSet rs, String column) throws SQLException {
        return rs.getObject(column, OffsetDateTime.class).toInstant();
    }

    static @Nullable Instant nullable(ResultSet rs, String column) throws SQLException {
        OffsetDateTime time = rs.getObject(column, OffsetDateTime.class);
        return time == null ? null : time.toInstant();
    }
}
