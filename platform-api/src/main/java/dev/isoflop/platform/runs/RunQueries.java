package dev.isoflop.platform.runs;

import dev.isoflop.db.run.RunProfileStore;
import dev.isoflop.platform.access.ExperimentAccess;
import dev.isoflop.platform.orchestration.FailureClass;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.platform.shared.web.Cursor;
import dev.isoflop.protocol.api.Page;
import dev.isoflop.protocol.api.RunState;
import dev.isoflop.protocol.api.Views;
import dev.isoflop.protocol.error.ErrorCode;
import dev.isoflop.protocol.job.CommandSpec;
import dev.isoflop.protocol.job.DataSpec;
import dev.isoflop.protocol.job.FileRef;
import dev.isoflop.protocol.job.JobResult;
import dev.isoflop.protocol.job.JobSpec;
import dev.isoflop.protocol.job.PretrainSpec;
import dev.isoflop.protocol.runner.RunProfile;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;
import tools.jackson.databind.json.JsonMapper;

/** Reads runs and all that hangs on them. */
@Component
@Transactional(readOnly = true)
public class RunQueries {

    private final JdbcClient jdbc;
    private final RunProfileStore profiles;
    private final WaitingReasons waiting;
    private final ExperimentAccess access;
    private final NameSearch names;
    private final JsonMapper json;

    RunQueries(
            JdbcClient jdbc,
            RunProfileStore profiles,
            WaitingReasons waiting,
            ExperimentAccess access,
            NameSearch names,
            JsonMapper json) {
        this.access = access;
        this.names = names;
        this.jdbc = jdbc;
        this.profiles = profiles;
        this.waiting = waiting;
        this.json = json;
    }

    /**
     * @param sweep only runs of this sweep
     * @param states only runs in one of these, by their wire names; empty for all
     * @param kind only this kind of work
     * @param model only runs of the rung of that name
     * @param text part of the name, in any case
     */
    record Filter(
            @Nullable Long sweep,
            List<String> states,
            @Nullable String kind,
            @Nullable String model,
            @Nullable String text) {}

    Page<Views.Run> list(Filter filter, RunSort sort, int limit, @Nullable String after) {
        StringBuilder where = new StringBuilder(" where true");
        Map<String, Object> values = new HashMap<>();
        Set<Long> hidden = access.hidden();
        if (!hidden.isEmpty()) {
            where.append(" and (r.experiment_id is null or not (r.experiment_id = any(:hidden)))");
            values.put("hidden", hidden.toArray(Long[]::new));
        }
        if (filter.sweep() != null) {
            where.append(" and r.sweep_id = :sweep");
            values.put("sweep", filter.sweep());
        }
        if (!filter.states().isEmpty()) {
            where.append(" and r.state in (:states)");
            values.put("states", filter.states().stream().map(RunQueries::state).toList());
        }
        if (filter.kind() != null && !filter.kind().isBlank()) {
            where.append(" and r.kind = :kind");
            values.put("kind", filter.kind());
        }
        if (filter.model() != null && !filter.model().isBlank()) {
            where.append(" and position(:model in r.name) > 0");
            values.put("model", "-" + filter.model() + "-s"); // as the planner names runs
        }
        if (filter.text() != null && !filter.text().isBlank()) {
            where.append(names.containing(filter.text().trim(), values));
        }
        String[] cursor = Cursor.decode(after, 3);
        boolean amongAbsent =
                cursor != null && cursor[1].isEmpty() && sort.column().optional();
        if (cursor != null) {
            if (!cursor[0].equals(sort.field())) {
                throw new ProblemException(
                        ErrorCode.INVALID_REQUEST, "'after' belongs to a list sorted by " + cursor[0] + ".");
            }
            values.put("cursorValue", cursor[1]);
            values.put("cursorId", cursor[2]);
        }
        List<Row> rows = new ArrayList<>();
        if (!amongAbsent) {
            String from = where + sort.present() + (cursor == null ? "" : sort.after());
            rows.addAll(rows(from, sort.order(), sort, limit + 1, values));
        }
        if (sort.column().optional() && rows.size() <= limit) {
            String from = where + sort.absent() + (amongAbsent ? sort.afterAbsent() : "");
            rows.addAll(rows(from, sort.orderOfAbsent(), sort, limit + 1 - rows.size(), values));
        }
        boolean more = rows.size() > limit;
        List<Row> page = more ? rows.subList(0, limit) : rows;
        String next = more
                ? Cursor.encode(
                        sort.field(),
                        page.getLast().key(),
                        Long.toString(page.getLast().run().id()))
                : null;
        return new Page<>(page.stream().map(Row::run).toList(), next);
    }

    /** @param key what the list is sorted by, empty if the run has no value of it */
    private record Row(Views.Run run, String key) {}

    /** The page is chosen by ids alone: that takes an index, not the table, and nothing is joined that is not shown. */
    private List<Row> rows(String where, String order, RunSort sort, int limit, Map<String, Object> values) {
        String chosen = "(select r.id as chosen from run r left join sweep s on s.id = r.sweep_id" + where + order
                + " limit " + limit + ") c join run r on r.id = c.chosen";
        String columns = RunRows.SELECT.replaceFirst(
                "\n  from run r",
                ", coalesce(cast(" + sort.column().sql() + " as text), '') as sort_key\n  from " + chosen);
        return jdbc.sql(columns + order)
                .params(values)
                .query((rs, i) -> new Row(RunRows.view(rs, i), rs.getString("sort_key")))
                .list();
    }

    private static String state(String name) {
        String wire = name.trim().toLowerCase(Locale.ROOT);
        return Arrays.stream(RunState.values())
                .map(RunState::wireName)
                .filter(wire::equals)
                .findFirst()
                .orElseThrow(() -> new ProblemException(
                        ErrorCode.INVALID_REQUEST,
                        "There is no state '" + name + "'; the states are "
                                + String.join(
                                        ", ",
                                        Arrays.stream(RunState.values())
                                                .map(RunState::wireName)
                                                .toList())
                                + "."));
    }

    /** @throws ProblemException not-found */
    public Views.Run run(long id) {
        return jdbc.sql(RunRows.SELECT + " where r.id = ?")
                .param(id)
                .query(RunRows::view)
                .optional()
                .orElseThrow(() -> new ProblemException(ErrorCode.NOT_FOUND, "There is no run " + id + "."));
    }

    /** @throws ProblemException not-found */
    public Views.RunDetail detail(long id) {
        Views.Run run = run(id);
        return jdbc.sql(
                        "select spec, result, retries_failure, retries_preemption, retries_infrastructure from run join run_job on run_id = id where id = ?")
                .param(id)
                .query((rs, i) -> new Views.RunDetail(
                        run,
                        shown(json.readValue(rs.getString(1), JobSpec.class)),
                        result(rs.getString(2)),
                        new Views.RetriesLeft(rs.getInt(3), rs.getInt(4), rs.getInt(5)),
                        waiting.of(id).orElse(null)))
                .single();
    }

    /** A file that a command left. */
    Optional<FileRef> output(long id, String name) {
        return detail(id).result() instanceof JobResult.Command command
                ? command.outputs().stream().filter(f -> f.name().equals(name)).findFirst()
                : Optional.empty();
    }

    /** A job without what nobody is to read in it. */
    private static JobSpec shown(JobSpec job) {
        return switch (job) {
            case CommandSpec command -> command.masked();
            case PretrainSpec _, DataSpec _ -> job;
        };
    }

    private @Nullable JobResult result(@Nullable String text) {
        return text == null ? null : json.readValue(text, JobResult.class);
    }

    List<Views.Attempt> attempts(long id) {
        run(id);
        return jdbc.sql("""
                        select a.attempt_no, a.runner_id, n.name, a.state, a.cause, a.resumed_from_step, a.assigned_at,
                               a.started_at, a.ended_at, a.failure_class, a.failure_rule, a.failure_evidence
                          from attempt a join runner n on n.id = a.runner_id
                         where a.run_id = ? order by a.attempt_no
                        """)
                .param(id)
                .query((rs, i) -> new Views.Attempt(
                        rs.getInt(1),
                        rs.getLong(2),
                        rs.getString(3),
                        rs.getString(4),
                        rs.getString(5),
                        rs.getLong(6),
                        RunRows.instant(rs, "assigned_at"),
                        RunRows.nullable(rs, "started_at"),
                        RunRows.nullable(rs, "ended_at"),
                        verdict(
                                rs.getString("failure_class"),
                                rs.getString("failure_rule"),
                                rs.getString("failure_evidence"))))
                .list();
    }

    private static Views.@Nullable Verdict verdict(
            @Nullable String failureClass, @Nullable String rule, @Nullable String evidence) {
        return failureClass == null || rule == null || evidence == null
                ? null
                : new Views.Verdict(
                        failureClass,
                        rule,
                        evidence,
                        FailureClass.of(failureClass).meaning());
    }

    List<Views.RunEvent> events(long id) {
        run(id);
        return jdbc.sql("select * from run_event where run_id = ? order by id")
                .param(id)
                .query(RunEvents::view)
                .list();
    }

    List<Views.Checkpoint> checkpoints(long id) {
        run(id);
        return jdbc.sql("select * from checkpoint where run_id = ? order by step desc, id desc")
                .param(id)
                .query((rs, i) -> new Views.Checkpoint(
                        rs.getLong("id"),
                        rs.getInt("attempt_no"),
                        rs.getLong("step"),
                        rs.getLong("tokens"),
                        rs.getLong("bytes"),
                        RunRows.instant(rs, "created_at"),
                        files(rs.getString("files"))))
                .list();
    }

    /** @throws ProblemException not-found, also while no attempt has told */
    Views.Profile profile(long id) {
        run(id);
        return profiles.find(id)
                .map(row ->
                        new Views.Profile(row.attempt(), row.at(), json.readValue(row.bodyJson(), RunProfile.class)))
                .orElseThrow(() -> new ProblemException(ErrorCode.NOT_FOUND, "Run " + id + " has no profile (yet)."));
    }

    private List<FileRef> files(String text) {
        return List.of(json.readValue(text, FileRef[].class));
    }

    /** Lines in order of attempt and number. */
    Page<Views.LogLine> logs(long id, int limit, @Nullable String after) {
        run(id);
        String[] cursor = Cursor.decode(after, 2);
        List<Views.LogLine> lines = new ArrayList<>(jdbc.sql("""
                        select seq, attempt_no, at, level, line from run_log
                         where run_id = :run and (attempt_no, seq) > (cast(:attempt as int), cast(:seq as bigint))
                         order by attempt_no, seq limit :limit
                        """)
                .param("run", id)
                .param("attempt", cursor == null ? "-1" : cursor[0])
                .param("seq", cursor == null ? "-1" : cursor[1])
                .param("limit", limit)
                .query((rs, i) -> new Views.LogLine(
                        rs.getLong(1), rs.getInt(2), RunRows.instant(rs, "at"), rs.getString(4), rs.getString(5)))
                .list());
        // A cursor even on the last page of a run that still writes: its next lines come after it.
        Views.LogLine last = lines.isEmpty() ? null : lines.getLast();
        return new Page<>(
                lines,
                last == null ? after : Cursor.encode(Integer.toString(last.attempt()), Long.toString(last.seq())));
    }
}
