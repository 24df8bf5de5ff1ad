package dev.isoflop.platform.runs;

import dev.isoflop.db.run.RunStateConverter;
import dev.isoflop.protocol.api.Views;
import java.sql.ResultSet;
import java.sql.SQLException;

/** Rows of {@code run_event} as views. */
public final class RunEvents {

    private RunEvents() {}

    public static Views.RunEvent view(ResultSet rs, int i) throws SQLException {
        String from = rs.getString("from_state");
        return new Views.RunEvent(
                rs.getLong("id"),
                rs.getLong("run_id"),
                RunRows.instant(rs, "at"),
                from == null ? null : RunStateConverter.parse(from),
                RunStateConverter.parse(rs.getString("to_state")),
                rs.getInt("attempt_no"),
                rs.getString("cause"));
    }
}
