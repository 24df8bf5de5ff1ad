package dev.isoflop.db.run;

import java.util.Optional;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;

/** Committed checkpoints. Rows are never changed; see {@code ArtifactStore#unreferenced} for how long files stay. */
@Repository
public class CheckpointStore {

    private final JdbcClient jdbc;

    CheckpointStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /**
     * Makes a checkpoint visible. Call it behind the fence.
     *
     * @param filesJson FileRef[] as JSON
     * @return whether it is new; false when this attempt has committed that step before
     */
    public boolean commit(
            long runId, int attempt, long step, long tokens, double trainSeconds, String filesJson, long bytes) {
        return jdbc.sql("""
                        insert into checkpoint (run_id, attempt_no, step, tokens, train_seconds, files, bytes)
                        values (:run, :attempt, :step, :tokens, :seconds, :files::jsonb, :bytes) on conflict do nothing
                        """)
                        .param("run", runId)
                        .param("attempt", attempt)
                        .param("step", step)
                        .param("tokens", tokens)
                        .param("seconds", trainSeconds)
                        .param("files", filesJson)
                        .param("bytes", bytes)
                        .update()
                == 1;
    }

    /** Whether that attempt's checkpoint of that step holds exactly these files. */
    public boolean isSame(long runId, int attempt, long step, String filesJson) {
        return jdbc.sql("""
                        select files = ?::jsonb from checkpoint where run_id = ? and attempt_no = ? and step = ?
                        """)
                .param(filesJson)
                .param(runId)
                .param(attempt)
                .param(step)
                .query(Boolean.class)
                .optional()
                .orElse(false);
    }

    /** Step of the latest committed checkpoint of the run. */
    public Optional<Long> latestStep(long runId) {
        return jdbc.sql("select step from checkpoint where run_id = ? order by step desc, id desc limit 1")
                .param(runId)
                .query(Long.class)
                .optional();
    }
}
