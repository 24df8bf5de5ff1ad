package dev.isoflop.db.dataset;

import dev.isoflop.db.run.RunStateConverter;
import dev.isoflop.protocol.api.RunState;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;
import org.springframework.transaction.annotation.Propagation;
import org.springframework.transaction.annotation.Transactional;

/** Datasets and the runs that prepare them. */
@Repository
public class DatasetStore {

    private static final String SELECT = """
            select d.id, d.corpus, d.vocab_size, d.validation_modulus, d.run_id, r.state, d.detail, d.created_at
            from dataset d join run r on r.id = d.run_id
            """;

    private final JdbcClient jdbc;

    DatasetStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /**
     * @param id hash of the options, hex
     * @param runId the data run
     * @param runState where that stands
     * @param detailJson a JobResult.Dataset as JSON, once ready
     */
    public record DatasetRow(
            String id,
            String corpus,
            int vocabSize,
            int validationModulus,
            long runId,
            RunState runState,
            @Nullable String detailJson,
            Instant createdAt) {}

    public Optional<DatasetRow> find(String id) {
        return jdbc.sql(SELECT + "where d.id = ?")
                .param(id)
                .query(DatasetStore::row)
                .optional();
    }

    /** Newest first. */
    public List<DatasetRow> list(int limit) {
        return jdbc.sql(SELECT + "order by d.created_at desc, d.id limit ?")
                .param(limit)
                .query(DatasetStore::row)
                .list();
    }

    /**
     * Enters the options if they are new and locks the row.
     *
     * @return whether they are new: the row then has no run yet
     */
    @Transactional(propagation = Propagation.MANDATORY)
    public boolean enter(String id, String corpus, int vocabSize, int validationModulus) {
        boolean made = jdbc.sql("""
                        insert into dataset (id, corpus, vocab_size, validation_modulus) values (?, ?, ?, ?)
                        on conflict (id) do nothing
                        """)
                        .param(id)
                        .param(corpus)
                        .param(vocabSize)
                        .param(validationModulus)
                        .update()
                == 1;
        if (!made) {
            jdbc.sql("select id from dataset where id = ? for no key update")
                    .param(id)
                    .query(String.class)
                    .single();
        }
        return made;
    }

    /** Names the run that prepares the dataset, in place of one that ended without success. */
    @Transactional(propagation = Propagation.MANDATORY)
    public void preparedBy(String id, long runId) {
        jdbc.sql("update dataset set run_id = ? where id = ?")
                .param(runId)
                .param(id)
                .update();
    }

    /** Stores what the data run has made. */
    @Transactional(propagation = Propagation.MANDATORY)
    public void complete(long runId, String detailJson) {
        jdbc.sql("update dataset set detail = ?::jsonb where run_id = ?")
                .param(detailJson)
                .param(runId)
                .update();
    }

    private static DatasetRow row(ResultSet rs, int i) throws SQLException {
        return new DatasetRow(
                rs.getString(1),
                rs.getString(2),
                rs.getInt(3),
                rs.getInt(4),
                rs.getLong(5),
                RunStateConverter.parse(rs.getString(6)),
                rs.getString(7),
                rs.getObject(8, OffsetDateTime.class).toInstant());
    }
}
