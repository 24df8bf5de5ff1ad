package dev.isoflop.db.experiment;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;
import org.springframework.transaction.annotation.Propagation;
import org.springframework.transaction.annotation.Transactional;

/** Reads experiments and sets what they may spend. They are made by their first sweep. */
@Repository
public class ExperimentStore {

    private static final String SELECT = """
            select e.id, e.name, e.created_at, (select count(*) from sweep s where s.experiment_id = e.id) as sweeps,
                e.flop_budget, e.gpu_hour_budget, e.weight, e.version
            from experiment e
            """;

    private final JdbcClient jdbc;

    ExperimentStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /**
     * @param sweeps how many sweeps are filed under it
     * @param flopBudget none: no bound
     * @param gpuHourBudget none: no bound
     * @param weight of its fair share
     */
    public record ExperimentRow(
            long id,
            String name,
            Instant createdAt,
            int sweeps,
            @Nullable Double flopBudget,
            @Nullable Double gpuHourBudget,
            double weight,
            long version) {}

    /**
     * Newest first.
     *
     * @param before only experiments with a smaller id
     * @param hidden experiments to leave out
     */
    public List<ExperimentRow> list(long before, int limit, Collection<Long> hidden) {
        return jdbc.sql(SELECT + "where e.id < :before and not (e.id = any(:hidden)) order by e.id desc limit :limit")
                .param("before", before)
                .param("hidden", hidden.toArray(Long[]::new))
                .param("limit", limit)
                .query((rs, i) -> row(rs))
                .list();
    }

    public Optional<ExperimentRow> find(long id) {
        return jdbc.sql(SELECT + "where e.id = ?")
                .param(id)
                .query((rs, i) -> row(rs))
                .optional();
    }

    /** The experiment as it is now, its row locked until the transaction ends. */
    @Transactional(propagation = Propagation.MANDATORY)
    public Optional<ExperimentRow> lock(long id) {
        return jdbc.sql("select id from experiment where id = ? for no key update")
                .param(id)
                .query(Long.class)
                .optional()
                .flatMap(this::find);
    }

    /** Sets what it may spend and its weight, and raises its version. */
    @Transactional(propagation = Propagation.MANDATORY)
    public void set(long id, @Nullable Double flopBudget, @Nullable Double gpuHourBudget, double weight) {
        jdbc.sql("""
                        update experiment set flop_budget = ?, gpu_hour_budget = ?, weight = ?, version = version + 1
                        where id = ?
                        """)
                .param(1, flopBudget, java.sql.Types.DOUBLE)
                .param(2, gpuHourBudget, java.sql.Types.DOUBLE)
                .param(3, weight)
                .param(4, id)
                .update();
    }

    private static ExperimentRow row(ResultSet rs) throws SQLException {
        return new ExperimentRow(
                rs.getLong("id"),
                rs.getString("name"),
                rs.getObject("created_at", OffsetDateTime.class).toInstant(),
                rs.getInt("sweeps"),
                (Double) rs.getObject("flop_budget"),
                (Double) rs.getObject("gpu_hour_budget"),
                rs.getDouble("weight"),
                rs.getLong("version"));
    }
}
