package dev.isoflop.db.sweep;

import dev.isoflop.db.run.RunStateConverter;
import dev.isoflop.protocol.api.RunState;
import jakarta.persistence.EntityManager;
import jakarta.persistence.LockModeType;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Collection;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;
import org.springframework.transaction.annotation.Propagation;
import org.springframework.transaction.annotation.Transactional;

/**
 * Sweeps: made, with their experiments, cancelled, and read with the counts of their runs.
 *
 * <p>Concurrency: {@link #create} keeps other submissions to the same experiment waiting until the transaction ends;
 * {@link #lock} is taken before any of the sweep's runs, the order everybody keeps.
 */
@Repository
public class SweepStore {

    private static final String SELECT = """
            select s.id, s.experiment_id, e.name, s.name, s.spec, s.dataset_id, s.planned_flops, s.dropped,
                   s.cancelled_at, s.created_at, s.version
            from sweep s join experiment e on e.id = s.experiment_id
            """;

    private final SweepRepository sweeps;
    private final EntityManager entities;
    private final JdbcClient jdbc;

    SweepStore(SweepRepository sweeps, EntityManager entities, JdbcClient jdbc) {
        this.sweeps = sweeps;
        this.entities = entities;
        this.jdbc = jdbc;
    }

    public record SweepRow(
            long id,
            long experimentId,
            String experiment,
            String name,
            String specJson,
            @Nullable String datasetId,
            double plannedFlops,
            String droppedJson,
            @Nullable Instant cancelledAt,
            Instant createdAt,
            long version) {}

    /** A sweep to be stored; as {@link SweepEntity#SweepEntity(long, String, String, String, String, double, String)}. */
    public record NewSweep(
            long experimentId,
            String name,
            String specJson,
            String specHash,
            @Nullable String datasetId,
            double plannedFlops,
            String droppedJson) {}

    /**
     * Where the runs of a sweep stand.
     *
     * @param counts runs by state, every state present
     * @param doneFlops sum of C over the succeeded ones
     * @param startedAt first start of any
     * @param finishedAt last end of any, once all have ended
     */
    public record Progress(
            Map<RunState, Integer> counts,
            double doneFlops,
            @Nullable Instant startedAt,
            @Nullable Instant finishedAt) {}

    /** The experiment of that name, if a sweep has made it. */
    public OptionalLong findExperiment(String name) {
        return jdbc.sql("select id from experiment where name = ?")
                .param(name)
                .query(Long.class)
                .optional()
                .map(OptionalLong::of)
                .orElseGet(OptionalLong::empty);
    }

    /**
     * Id of the experiment of that name; it is made if there is none.
     *
     * @param owner principal that owns it if it is made; absent for nobody
     */
    @Transactional(propagation = Propagation.MANDATORY)
    public long experiment(String name, @Nullable String owner) {
        boolean made = jdbc.sql("insert into experiment (name) values (?) on conflict (name) do nothing")
                        .param(name)
                        .update()
                == 1;
        long id = jdbc.sql("select id from experiment where name = ?")
                .param(name)
                .query(Long.class)
                .single();
        if (made && owner != null) {
            jdbc.sql(
                            "insert into experiment_role (experiment_id, principal, role, granted_by) values (?, ?, 'owner', ?)")
                    .param(id)
                    .param(owner)
                    .param(owner)
                    .update();
        }
        return id;
    }

    /**
     * Stores a sweep at once, so that its runs can refer to it.
     *
     * @return its id; absent when the experiment has one of that name
     */
    @Transactional(propagation = Propagation.MANDATORY)
    public OptionalLong create(NewSweep sweep) {
        // Submissions of one experiment come one after another: the second of two equal ones finds the first.
        jdbc.sql("select id from experiment where id = ? for no key update")
                .param(sweep.experimentId())
                .query(Long.class)
                .single();
        if (sweeps.existsByExperimentIdAndName(sweep.experimentId(), sweep.name())) {
            return OptionalLong.empty();
        }
        SweepEntity stored = sweeps.saveAndFlush(new SweepEntity(
                sweep.experimentId(),
                sweep.name(),
                sweep.specJson(),
                sweep.specHash(),
                sweep.datasetId(),
                sweep.plannedFlops(),
                sweep.droppedJson()));
        return OptionalLong.of(stored.id());
    }

    /** The sweep as it is now, its row locked until the transaction ends. Taken before the lock of any of its runs. */
    @Transactional(propagation = Propagation.MANDATORY)
    public Optional<SweepRow> lock(long id) {
        @Nullable SweepEntity sweep = entities.find(SweepEntity.class, id);
        if (sweep == null) {
            return Optional.empty();
        }
        entities.refresh(sweep, LockModeType.PESSIMISTIC_WRITE);
        return find(id);
    }

    /**
     * @param additionJson models and budgets
     * @param fitId that chose them
     * @param addedBy principal
     */
    public record NewAddition(
            String additionJson,
            @Nullable Long fitId,
            double plannedFlops,
            int runs,
            @Nullable String addedBy) {}

    /** What was added to a sweep once. */
    public record AdditionRow(
            long id, long sweepId, String additionJson, double plannedFlops, int runs, Instant addedAt) {}

    /** Keeps what is added to a sweep whose lock is held, and raises its version. */
    @Transactional(propagation = Propagation.MANDATORY)
    public void add(long sweepId, NewAddition addition) {
        jdbc.sql("""
                        insert into sweep_addition (sweep_id, addition, fit_id, planned_flops, runs, added_by)
                        values (:sweep, cast(:addition as json), :fit, :flops, :runs, :by)
                        """)
                .param("sweep", sweepId)
                .param("addition", addition.additionJson())
                .param("fit", addition.fitId(), java.sql.Types.BIGINT)
                .param("flops", addition.plannedFlops())
                .param("runs", addition.runs())
                .param("by", addition.addedBy(), java.sql.Types.VARCHAR)
                .update();
        jdbc.sql("update sweep set planned_flops = planned_flops + ?, version = version + 1 where id = ?")
                .param(addition.plannedFlops())
                .param(sweepId)
                .update();
    }

    /** Oldest first. */
    public Map<Long, List<AdditionRow>> additions(Collection<Long> sweepIds) {
        return jdbc
                .sql("""
                        select id, sweep_id, addition, planned_flops, runs, added_at from sweep_addition
                         where sweep_id = any(?) order by id
                        """)
                .param(sweepIds.toArray(Long[]::new))
                .query((rs, i) -> new AdditionRow(
                        rs.getLong(1),
                        rs.getLong(2),
                        rs.getString(3),
                        rs.getDouble(4),
                        rs.getInt(5),
                        rs.getObject(6, OffsetDateTime.class).toInstant()))
                .list()
                .stream()
                .collect(Collectors.groupingBy(AdditionRow::sweepId));
    }

    /** Marks the sweep as cancelled and writes the mark at once, which raises its version. */
    @Transactional(propagation = Propagation.MANDATORY)
    public void cancel(long id) {
        SweepEntity sweep = sweeps.getReferenceById(id);
        sweep.cancel(jdbc.sql("select now()")
                .query((rs, i) -> rs.getObject(1, OffsetDateTime.class).toInstant())
                .single());
        sweeps.saveAndFlush(sweep);
    }

    public Optional<SweepRow> find(long id) {
        return jdbc.sql(SELECT + "where s.id = ?")
                .param(id)
                .query((rs, i) -> row(rs))
                .optional();
    }

    public Optional<SweepRow> find(long experimentId, String name) {
        return jdbc.sql(SELECT + "where s.experiment_id = ? and s.name = ?")
                .param(experimentId)
                .param(name)
                .query((rs, i) -> row(rs))
                .optional();
    }

    /**
     * Newest first.
     *
     * @param experimentId only of that experiment
     * @param before only sweeps with a smaller id
     * @param hidden experiments whose sweeps are left out
     */
    public List<SweepRow> list(@Nullable Long experimentId, long before, int limit, Collection<Long> hidden) {
        return jdbc.sql(SELECT + """
                        where s.id < :before and (cast(:experiment as bigint) is null or s.experiment_id = :experiment)
                          and not (s.experiment_id = any(:hidden))
                        order by s.id desc limit :limit
                        """)
                .param("before", before)
                .param("experiment", experimentId, java.sql.Types.BIGINT)
                .param("hidden", hidden.toArray(Long[]::new))
                .param("limit", limit)
                .query((rs, i) -> row(rs))
                .list();
    }

    /** Where the runs of each of these sweeps stand. */
    public Map<Long, Progress> progress(Collection<Long> sweepIds) {
        record Part(
                long sweepId,
                RunState state,
                int runs,
                double flops,
                @Nullable Instant first,
                @Nullable Instant last) {}
        Map<Long, List<Part>> parts = jdbc
                .sql("""
                        select sweep_id, state, count(*), sum(flops), min(started_at), max(finished_at)
                        from run where sweep_id = any(?) group by sweep_id, state
                        """)
                .param(sweepIds.toArray(Long[]::new))
                .query((rs, i) -> new Part(
                        rs.getLong(1),
                        RunStateConverter.parse(rs.getString(2)),
                        rs.getInt(3),
                        rs.getDouble(4),
                        instant(rs, 5),
                        instant(rs, 6)))
                .list()
                .stream()
                .collect(Collectors.groupingBy(Part::sweepId));
        Map<Long, Progress> progress = new HashMap<>();
        for (Long id : sweepIds) {
            List<Part> of = parts.getOrDefault(id, List.of());
            Map<RunState, Integer> counts = new EnumMap<>(RunState.class);
            for (RunState state : RunState.values()) {
                counts.put(state, 0);
            }
            of.forEach(part -> counts.put(part.state(), part.runs()));
            boolean ended = of.stream().allMatch(part -> part.state().isTerminal());
            @Nullable Instant first = null;
            @Nullable Instant last = null;
            double done = 0;
            for (Part part : of) {
                first = outer(first, part.first(), false);
                last = outer(last, part.last(), true);
                done += part.state() == RunState.SUCCEEDED ? part.flops() : 0;
            }
            progress.put(id, new Progress(counts, done, first, ended ? last : null));
        }
        return progress;
    }

    private static @Nullable Instant outer(@Nullable Instant a, @Nullable Instant b, boolean later) {
        if (a == null || b == null) {
            return a == null ? b : a;
        }
        return a.isAfter(b) == later ? a : b;
    }

    private static SweepRow row(ResultSet rs) throws SQLException {
        return new SweepRow(
                rs.getLong(1),
                rs.getLong(2),
                rs.getString(3),
                rs.getString(4),
                rs.getString(5),
                rs.getString(6),
                rs.getDouble(7),
                rs.getString(8),
                instant(rs, 9),
                rs.getObject(10, OffsetDateTime.class).toInstant(),
                rs.getLong(11));
    }

    private static @Nullable Instant instant(ResultSet rs, int column) throws SQLException {
        OffsetDateTime time = rs.getObject(column, OffsetDateTime.class);
        return time == null ? null : time.toInstant();
    }
}
