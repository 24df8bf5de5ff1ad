package dev.isoflop.db.run;

import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Optional;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;

/** Where runs' time and memory go: one profile a run, that of the newest attempt that told. */
@Repository
public class RunProfileStore {

    private final JdbcClient jdbc;

    RunProfileStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /**
     * @param bodyJson {@code RunProfile} as JSON
     * @param at when it was stored
     */
    public record Row(int attempt, String bodyJson, Instant at) {}

    /** Stores a profile in place of the one before. Call it behind the fence: attempts then come in order. */
    public void put(long runId, int attempt, String bodyJson) {
        jdbc.sql("""
                        insert into run_profile (run_id, attempt_no, body) values (:run, :attempt, :body::jsonb)
                            on conflict (run_id) do update
                           set attempt_no = excluded.attempt_no, body = excluded.body, at = now()
                        """)
                .param("run", runId)
                .param("attempt", attempt)
                .param("body", bodyJson)
                .update();
    }

    public Optional<Row> find(long runId) {
        return jdbc.sql("select attempt_no, body, at from run_profile where run_id = ?")
                .param(runId)
                .query((rs, i) -> new Row(
                        rs.getInt(1),
                        rs.getString(2),
                        rs.getObject(3, OffsetDateTime.class).toInstant()))
                .optional();
    }
}
