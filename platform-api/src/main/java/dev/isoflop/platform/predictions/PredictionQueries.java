package dev.isoflop.platform.predictions;

import dev.isoflop.db.run.RunStateConverter;
import dev.isoflop.platform.access.ExperimentAccess;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.platform.shared.web.Cursor;
import dev.isoflop.protocol.api.Page;
import dev.isoflop.protocol.api.PredictionViews;
import dev.isoflop.protocol.api.PredictionViews.PredictionState;
import dev.isoflop.protocol.error.ErrorCode;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;

/** Reads predictions, and what they are made of: a fit's experiment, a run's size. */
@Component
@Transactional(readOnly = true)
class PredictionQueries {

    private static final String SELECT = """
            select p.*, e.name as experiment, f.sweep_id, s.name as sweep, r.name as run, r.state as run_state
              from prediction p
              join experiment e on e.id = p.experiment_id
              join fit f on f.id = p.fit_id
              join sweep s on s.id = f.sweep_id
              left join run r on r.id = p.run_id
            """;

    private final JdbcClient jdbc;
    private final ExperimentAccess access;

    PredictionQueries(JdbcClient jdbc, ExperimentAccess access) {
        this.jdbc = jdbc;
        this.access = access;
    }

    /**
     * @param experiment only of this experiment
     * @param fit only made from this fit
     * @param run only of this run
     * @param state only in this state, by its wire name
     * @param covered only scored ones whose interval held, or did not
     */
    record Filter(
            @Nullable Long experiment,
            @Nullable Long fit,
            @Nullable Long run,
            @Nullable String state,
            @Nullable Boolean covered) {

        static final Filter NONE = new Filter(null, null, null, null, null);
    }

    /** A condition on predictions {@code p}, with its parameters. */
    record Where(StringBuilder sql, Map<String, Object> values) {

        Where and(String condition, String name, @Nullable Object value) {
            if (value != null) {
                sql.append(" and ").append(condition);
                values.put(name, value);
            }
            return this;
        }
    }

    /** What the caller may see of what was asked for. */
    Where where(Filter filter) {
        Where where = new Where(new StringBuilder(" where true"), new HashMap<>());
        Set<Long> hidden = access.hidden();
        return where.and(
                        "not (p.experiment_id = any(:hidden))",
                        "hidden",
                        hidden.isEmpty() ? null : hidden.toArray(Long[]::new))
                .and("p.experiment_id = :experiment", "experiment", filter.experiment)
                .and("p.fit_id = :fit", "fit", filter.fit)
                .and("p.run_id = :run", "run", filter.run)
                .and("p.state = :state", "state", filter.state == null ? null : state(filter.state))
                .and("p.covered = :covered", "covered", filter.covered);
    }

    Page<PredictionViews.Prediction> list(Filter filter, PredictionSort sort, int limit, @Nullable String after) {
        Where where = where(filter);
        String @Nullable [] cursor = Cursor.decode(after, 3);
        if (cursor != null) {
            if (!cursor[0].equals(sort.field())) {
                throw new ProblemException(
                        ErrorCode.INVALID_REQUEST, "'after' belongs to a list sorted by " + cursor[0] + ".");
            }
            place(where, cursor);
        }
        record Row(PredictionViews.Prediction view, String key) {}
        List<Row> rows = jdbc.sql(SELECT.replaceFirst("p\\.\\*", "p.*, cast(" + sort.key() + " as text) as sort_key")
                        + where.sql
                        + (cursor == null ? "" : sort.after())
                        + sort.order()
                        + " limit "
                        + (limit + 1))
                .params(where.values)
                .query((rs, i) -> new Row(view(rs, i), rs.getString("sort_key")))
                .list();
        List<Row> page = rows.size() > limit ? rows.subList(0, limit) : rows;
        String next = rows.size() > limit
                ? Cursor.encode(
                        sort.field(),
                        page.getLast().key,
                        Long.toString(page.getLast().view.id()))
                : null;
        return new Page<>(page.stream().map(Row::view).toList(), next);
    }

    private static void place(Where where, String[] cursor) {
        try {
            where.values.put("cursorKey", Double.parseDouble(cursor[1]));
            where.values.put("cursorId", Long.parseLong(cursor[2]));
        } catch (NumberFormatException e) {
            ProblemException problem = new ProblemException(
                    ErrorCode.INVALID_REQUEST,
                    "'after' is not a cursor of this list; pass the 'next' of the page before.");
            problem.initCause(e);
            throw problem;
        }
    }

    private static String state(String name) {
        return Arrays.stream(PredictionState.values())
                .map(PredictionState::wireName)
                .filter(name::equals)
                .findFirst()
                .orElseThrow(() -> new ProblemException(
                        ErrorCode.INVALID_REQUEST,
                        "There is no state '%s'; the states are %s."
                                .formatted(
                                        name,
                                        Arrays.stream(PredictionState.values())
                                                .map(PredictionState::wireName)
                                                .collect(Collectors.joining(", ")))));
    }

    /** @throws ProblemException not-found */
    PredictionViews.Prediction get(long id) {
        return jdbc.sql(SELECT + " where p.id = ?")
                .param(id)
                .query(PredictionQueries::view)
                .optional()
                .orElseThrow(() -> new ProblemException(ErrorCode.NOT_FOUND, "There is no prediction " + id + "."));
    }

    /**
     * @param comparability of the runs that were fitted, which all have the same
     */
    record FitHome(long experimentId, @Nullable String comparability) {}

    /** @throws ProblemException not-found */
    FitHome homeOf(long fitId) {
        return jdbc.sql("""
                        select s.experiment_id,
                               (select r.comparability from run r
                                 where r.id = cast(f.body -> 'points' -> 0 ->> 'runId' as bigint)) as comparability
                          from fit f join sweep s on s.id = f.sweep_id where f.id = ?
                        """)
                .param(fitId)
                .query((rs, i) -> new FitHome(rs.getLong(1), rs.getString(2)))
                .optional()
                .orElseThrow(() -> new ProblemException(ErrorCode.NOT_FOUND, "There is no fit " + fitId + "."));
    }

    /** @throws ProblemException not-found */
    PlannedRun run(long id) {
        return runs("id = ?", id).stream()
                .findFirst()
                .orElseThrow(() -> new ProblemException(ErrorCode.NOT_FOUND, "There is no run " + id + "."));
    }

    /** Rising by id. */
    List<PlannedRun> pretrainingOf(long sweepId) {
        return runs("sweep_id = ? and kind = 'pretrain'", sweepId);
    }

    private List<PlannedRun> runs(String which, long id) {
        return jdbc.sql("""
                        select id, experiment_id, kind, state, started_at is not null, n_params, n_params_nonembed, tokens,
                               case when budget > 0 then budget else flops end, comparability
                          from run where\s""" + which + " order by id")
                .param(id)
                .query((rs, i) -> new PlannedRun(
                        rs.getLong(1),
                        rs.getObject(2, Long.class),
                        rs.getString(3),
                        RunStateConverter.parse(rs.getString(4)),
                        rs.getBoolean(5),
                        rs.getDouble(6),
                        rs.getDouble(7),
                        rs.getDouble(8),
                        rs.getDouble(9),
                        rs.getString(10)))
                .list();
    }

    private static PredictionViews.Prediction view(ResultSet rs, int row) throws SQLException {
        String runState = rs.getString("run_state");
        PredictionState state = PredictionState.valueOf(rs.getString("state").toUpperCase(java.util.Locale.ROOT));
        return new PredictionViews.Prediction(
                rs.getLong("id"),
                rs.getLong("experiment_id"),
                rs.getString("experiment"),
                rs.getLong("fit_id"),
                rs.getLong("sweep_id"),
                rs.getString("sweep"),
                rs.getString("input_hash"),
                rs.getString("method"),
                rs.getString("law"),
                rs.getDouble("n"),
                rs.getDouble("d"),
                rs.getDouble("flops"),
                rs.getBoolean("count_embeddings"),
                rs.getDouble("extrapolation_ratio"),
                rs.getDouble("level"),
                rs.getDouble("loss"),
                rs.getDouble("low"),
                rs.getDouble("high"),
                rs.getString("made_by_name"),
                rs.getObject("made_at", OffsetDateTime.class).toInstant(),
                rs.getObject("run_id", Long.class),
                rs.getString("run"),
                runState == null ? null : RunStateConverter.parse(runState),
                instant(rs, "linked_at"),
                state,
                state == PredictionState.SCORED
                        ? new PredictionViews.Score(
                                rs.getObject("observed", Double.class),
                                rs.getBoolean("diverged"),
                                rs.getObject("log_error", Double.class),
                                rs.getObject("standardised", Double.class),
                                rs.getBoolean("covered"))
                        : null,
                rs.getString("void_reason"),
                instant(rs, "settled_at"));
    }

    private static @Nullable Instant instant(ResultSet rs, String column) throws SQLException {
        @Nullable OffsetDateTime at = rs.getObject(column, OffsetDateTime.class);
        return at == null ? null : at.toInstant();
    }
}
