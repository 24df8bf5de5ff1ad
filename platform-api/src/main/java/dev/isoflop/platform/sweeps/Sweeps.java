package dev.isoflop.platform.sweeps;

import dev.isoflop.db.run.NewRun;
import dev.isoflop.db.run.RunStore;
import dev.isoflop.db.sweep.SweepStore;
import dev.isoflop.db.sweep.SweepStore.SweepRow;
import dev.isoflop.platform.access.ExperimentAccess;
import dev.isoflop.platform.access.Submitter;
import dev.isoflop.platform.datasets.Datasets;
import dev.isoflop.platform.orchestration.CancelRuns;
import dev.isoflop.platform.scheduling.Budgets;
import dev.isoflop.platform.shared.idempotency.Idempotency;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.platform.sweeps.PretrainRuns.Ready;
import dev.isoflop.protocol.api.RunState;
import dev.isoflop.protocol.api.SweepAddition;
import dev.isoflop.protocol.api.SweepSpec;
import dev.isoflop.protocol.api.Views;
import dev.isoflop.protocol.error.ErrorCode;
import dev.isoflop.protocol.error.Problem;
import dev.isoflop.protocol.job.DataSpec;
import dev.isoflop.protocol.job.JobResult;
import java.net.URI;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Sweeps: planned, submitted, watched and cancelled. */
@Component
public class Sweeps {

    /** More than any run trains on, and far from overflowing. */
    private static final long TOKENS_ENOUGH = 1L << 60;

    private final SweepStore store;
    private final RunStore runs;
    private final Datasets datasets;
    private final CancelRuns cancelRuns;
    private final JsonMapper json;
    private final SweepSupply supply;
    private final SweepGrowth growth;
    private final CommandSweeps commands;
    private final ExperimentAccess access;
    private final Budgets budgets;
    private final PretrainRuns pretraining;

    Sweeps(
            SweepStore store,
            RunStore runs,
            Datasets datasets,
            CancelRuns cancelRuns,
            JsonMapper json,
            SweepSupply supply,
            SweepGrowth growth,
            CommandSweeps commands,
            ExperimentAccess access,
            Budgets budgets,
            PretrainRuns pretraining) {
        this.store = store;
        this.runs = runs;
        this.datasets = datasets;
        this.cancelRuns = cancelRuns;
        this.json = json;
        this.supply = supply;
        this.growth = growth;
        this.commands = commands;
        this.access = access;
        this.budgets = budgets;
        this.pretraining = pretraining;
    }

    /** What the sweep would be, with nothing stored. */
    @Transactional(readOnly = true)
    public Views.Plan plan(SweepSpec spec) {
        return switch (spec) {
            case SweepSpec.IsoFlop isoflop ->
                plan(SweepPlanning.plan(
                        isoflop, supply.ready(isoflop).detail(), supply.memory(SweepSupply.pool(isoflop))));
            case SweepSpec.Command command -> commands.plan(command);
        };
    }

    /**
     * What a submission would queue, or why it would be refused; nothing is stored.
     *
     * @throws ProblemException as {@link #submit} does, but for a name that is taken
     */
    @Transactional
    public Views.Plan validate(SweepSpec spec) {
        Views.Plan plan = plan(spec);
        store.findExperiment(spec.experiment()).ifPresent(id -> budgets.admit(id, plan.totalFlops()));
        return plan;
    }

    /**
     * As {@link #plan(SweepSpec)}, for a sweep of later: while its dataset is not ready, one with tokens enough stands in
     * for it.
     */
    @Transactional(readOnly = true)
    public Views.Plan check(SweepSpec spec) {
        return switch (spec) {
            case SweepSpec.IsoFlop isoflop -> {
                DataSpec options = Datasets.options(SweepSupply.dataset(isoflop));
                String id = Datasets.id(options);
                JobResult.Dataset detail =
                        datasets.find(id).map(Views.Dataset::detail).orElse(null);
                yield plan(SweepPlanning.plan(
                        isoflop,
                        detail == null ? standIn(id, options) : detail,
                        supply.memory(SweepSupply.pool(isoflop))));
            }
            case SweepSpec.Command command -> commands.plan(command);
        };
    }

    private static JobResult.Dataset standIn(String id, DataSpec options) {
        return new JobResult.Dataset(id, TOKENS_ENOUGH, 0, 0, 0, 0, options.vocabSize(), "", List.of());
    }

    /** Whether the sweep trains on a dataset of ours; a program reads what it likes. */
    public static boolean needsDataset(SweepSpec spec) {
        return switch (spec) {
            case SweepSpec.IsoFlop _ -> true;
            case SweepSpec.Command _ -> false;
        };
    }

    /** The dataset the sweep needs, if it needs one and that has been asked for. */
    public Optional<Views.Dataset> datasetOf(SweepSpec spec) {
        return switch (spec) {
            case SweepSpec.IsoFlop isoflop ->
                datasets.find(Datasets.id(Datasets.options(SweepSupply.dataset(isoflop))));
            case SweepSpec.Command _ -> Optional.empty();
        };
    }

    /** Asks for the dataset the sweep needs, prepared by the sweep's pool. It must be one that {@link #needsDataset}. */
    @Transactional
    public Views.Dataset prepareDataset(SweepSpec spec) {
        return switch (spec) {
            case SweepSpec.IsoFlop isoflop ->
                datasets.ensure(SweepSupply.dataset(isoflop), SweepSupply.pool(isoflop))
                        .dataset();
            case SweepSpec.Command command ->
                throw new IllegalArgumentException(command.name() + " is a sweep of commands: it needs no dataset");
        };
    }

    /** Cells of a sweep that was submitted, planned again from what it said and from what was added. */
    @Transactional(readOnly = true)
    public Views.Plan planOf(long id) {
        SweepRow row = row(id);
        return switch (json.readValue(row.specJson(), SweepSpec.class)) {
            case SweepSpec.Command command -> commands.plan(command);
            case SweepSpec.IsoFlop isoflop -> {
                JobResult.Dataset dataset = supply.ready(isoflop).detail();
                SweepPlanning.Memory memory = supply.memory(SweepSupply.pool(isoflop));
                List<SweepPlanning.NamedCell> cells = new ArrayList<>();
                List<SweepPlanning.NamedDrop> dropped = new ArrayList<>();
                for (SweepSpec.IsoFlop part : growth.grown(id, isoflop).parts()) {
                    SweepPlanning.Planned planned = SweepPlanning.plan(part, dataset, memory);
                    cells.addAll(GrownSweep.renamed(
                            planned.cells(),
                            cells.stream()
                                    .collect(Collectors.toMap(
                                            SweepPlanning.NamedCell::name, SweepPlanning.NamedCell::recipe))));
                    dropped.addAll(planned.dropped());
                }
                yield plan(new SweepPlanning.Planned(cells, dropped));
            }
        };
    }

    /**
     * Stores the sweep and queues its runs. An experiment of a new name is the submitter's own.
     *
     * @throws ProblemException invalid-sweep, model-too-large, not-enough-tokens, dataset-not-ready, sweep-exists; forbidden and not-found
     *     as the experiment's roles say
     */
    @Transactional
    public Views.Sweep submit(SweepSpec spec, Submitter submitter) {
        access.maySubmitTo(spec.experiment(), submitter);
        return switch (spec) {
            case SweepSpec.IsoFlop isoflop -> submit(isoflop, submitter);
            case SweepSpec.Command command -> submit(command, submitter);
        };
    }

    private Views.Sweep submit(SweepSpec.IsoFlop spec, Submitter submitter) {
        Ready dataset = supply.ready(spec);
        SweepPlanning.Planned planned =
                SweepPlanning.plan(spec, dataset.detail(), supply.memory(SweepSupply.pool(spec)));
        long experiment = store.experiment(spec.experiment(), submitter.self());
        String specJson = json.writerFor(SweepSpec.class).writeValueAsString(spec);
        List<Views.Dropped> dropped = dropped(planned);
        OptionalLong created = store.create(new SweepStore.NewSweep(
                experiment,
                spec.name(),
                specJson,
                Idempotency.hash(specJson),
                dataset.id(),
                planned.cells().stream()
                        .mapToDouble(c -> c.cell().plannedFlops())
                        .sum(),
                json.writeValueAsString(dropped)));
        if (created.isEmpty()) {
            throw exists(spec, store.find(experiment, spec.name()).orElseThrow());
        }
        long id = created.getAsLong();
        List<NewRun> queued = planned.cells().stream()
                .map(cell -> pretraining.run(id, spec, cell, SweepSupply.pool(spec), dataset))
                .toList();
        budgets.admit(experiment, flops(queued));
        runs.createAll(queued);
        return get(id);
    }

    private Views.Sweep submit(SweepSpec.Command spec, Submitter submitter) {
        CommandSweeps.Prepared prepared = commands.prepare(spec);
        long experiment = store.experiment(spec.experiment(), submitter.self());
        String specJson = json.writerFor(SweepSpec.class).writeValueAsString(spec);
        OptionalLong created = store.create(new SweepStore.NewSweep(
                experiment,
                spec.name(),
                specJson,
                Idempotency.hash(specJson),
                null,
                0,
                json.writeValueAsString(prepared.dropped())));
        if (created.isEmpty()) {
            throw exists(spec, store.find(experiment, spec.name()).orElseThrow());
        }
        long id = created.getAsLong();
        List<NewRun> queued = prepared.runs(id);
        budgets.admit(experiment, flops(queued));
        runs.createAll(queued);
        return get(id);
    }

    private static double flops(List<NewRun> runs) {
        return runs.stream().mapToDouble(run -> run.size().flops()).sum();
    }

    /** Says whether the sweep of that name is this one, and if not where the two differ. */
    private ProblemException exists(SweepSpec spec, SweepRow other) {
        URI location = URI.create("/api/v1/sweeps/" + other.id());
        String name = "Experiment %s already has a sweep named %s (sweep %d)"
                .formatted(spec.experiment(), spec.name(), other.id());
        // both as records: sweeps stored before V9 had their numbers rewritten by jsonb
        SweepSpec stored = json.readValue(other.specJson(), SweepSpec.class);
        if (stored.equals(spec)) {
            return new ProblemException(
                    ErrorCode.SWEEP_EXISTS,
                    name + ", and it is the same: watch that one, or train it again under another name.",
                    location);
        }
        JsonNode there = json.valueToTree(stored);
        JsonNode here = json.valueToTree(spec);
        List<Problem.FieldError> differences = Stream.concat(
                        here.propertyNames().stream(), there.propertyNames().stream())
                .distinct()
                .sorted()
                .filter(field -> !here.path(field).equals(there.path(field)))
                .map(field -> new Problem.FieldError(
                        "/" + field, "Differs from that of sweep " + other.id() + ".", null, null))
                .toList();
        return new ProblemException(
                ErrorCode.SWEEP_EXISTS,
                name + ", and it is another: they differ in "
                        + differences.stream()
                                .map(difference -> difference.pointer().substring(1))
                                .collect(Collectors.joining(", "))
                        + ". Give this one another name.",
                differences,
                location);
    }

    /** Newest first, without what the caller may not see. */
    @Transactional(readOnly = true)
    public List<Views.Sweep> list(@Nullable Long experiment, long before, int limit) {
        return views(store.list(experiment, before, limit, access.hidden()));
    }

    /** @throws ProblemException not-found */
    @Transactional(readOnly = true)
    public Views.Sweep get(long id) {
        return views(List.of(row(id))).getFirst();
    }

    /**
     * Cancels every run that has not ended.
     *
     * @param expectedVersion version the caller has seen; not checked when absent
     * @throws ProblemException not-found, etag-mismatch
     */
    @Transactional
    public Views.Sweep cancel(long id, @Nullable Long expectedVersion) {
        SweepRow row = store.lock(id).orElseThrow(() -> notFound(id));
        if (expectedVersion != null && expectedVersion != row.version()) {
            throw new ProblemException(
                    ErrorCode.ETAG_MISMATCH,
                    "The sweep has changed since (version " + row.version() + "). Look at it again.");
        }
        store.cancel(id);
        cancelRuns.cancelSweep(id);
        return get(id);
    }

    private SweepRow row(long id) {
        return store.find(id).orElseThrow(() -> notFound(id));
    }

    private static ProblemException notFound(long id) {
        return new ProblemException(ErrorCode.NOT_FOUND, "There is no sweep " + id + ".");
    }

    private List<Views.Sweep> views(List<SweepRow> rows) {
        Map<Long, SweepStore.Progress> progress =
                store.progress(rows.stream().map(SweepRow::id).toList());
        Map<Long, List<SweepStore.AdditionRow>> additions =
                store.additions(rows.stream().map(SweepRow::id).toList());
        List<Views.Sweep> views = new ArrayList<>();
        for (SweepRow row : rows) {
            SweepStore.Progress p = progress.get(row.id());
            if (p == null) {
                throw new IllegalStateException("no progress for sweep " + row.id());
            }
            views.add(new Views.Sweep(
                    row.id(),
                    row.experimentId(),
                    row.experiment(),
                    row.name(),
                    state(p.counts()),
                    json.readValue(row.specJson(), SweepSpec.class).masked(),
                    row.datasetId(),
                    all(p.counts()),
                    row.plannedFlops(),
                    p.doneFlops(),
                    Arrays.asList(json.readValue(row.droppedJson(), Views.Dropped[].class)),
                    additions.getOrDefault(row.id(), List.of()).stream()
                            .map(this::added)
                            .toList(),
                    row.createdAt(),
                    p.startedAt(),
                    ended(p.counts()) ? p.finishedAt() : null,
                    row.version()));
        }
        return views;
    }

    private Views.Added added(SweepStore.AdditionRow row) {
        return new Views.Added(
                row.id(),
                json.readValue(row.additionJson(), SweepAddition.class),
                row.runs(),
                row.plannedFlops(),
                row.addedAt());
    }

    private static Map<RunState, Integer> all(Map<RunState, Integer> counts) {
        Map<RunState, Integer> every = new EnumMap<>(RunState.class);
        for (RunState state : RunState.values()) {
            every.put(state, counts.getOrDefault(state, 0));
        }
        return every;
    }

    private static boolean ended(Map<RunState, Integer> counts) {
        return counts.keySet().stream().allMatch(RunState::isTerminal);
    }

    /** Running as soon as anything has begun; once all have ended, the worst end speaks. */
    static String state(Map<RunState, Integer> counts) {
        int total = counts.values().stream().mapToInt(Integer::intValue).sum();
        int queued = counts.getOrDefault(RunState.QUEUED, 0);
        int ended = counts.getOrDefault(RunState.SUCCEEDED, 0)
                + counts.getOrDefault(RunState.FAILED, 0)
                + counts.getOrDefault(RunState.CANCELLED, 0);
        if (ended < total) {
            return queued == total ? "queued" : "running";
        }
        if (counts.getOrDefault(RunState.FAILED, 0) > 0) {
            return "failed";
        }
        return counts.getOrDefault(RunState.CANCELLED, 0) > 0 ? "cancelled" : "succeeded";
    }

    private static List<Views.Dropped> dropped(SweepPlanning.Planned planned) {
        return planned.dropped().stream()
                .map(d -> new Views.Dropped(d.label(), d.sentence()))
                .toList();
    }

    private static Views.Plan plan(SweepPlanning.Planned planned) {
        List<Views.PlannedRun> cells = planned.cells().stream()
                .map(named -> new Views.PlannedRun(
                        named.name(),
                        named.cell().budget(),
                        named.cell().parameters().total(),
                        named.cell().parameters().nonEmbedding(),
                        named.cell().D(),
                        named.cell().plannedFlops(),
                        named.cell().exactFlops(),
                        named.cell().steps(),
                        named.cell().epochs(),
                        named.cell().seed()))
                .toList();
        return new Views.Plan(
                cells,
                dropped(planned),
                cells.stream().mapToDouble(Views.PlannedRun::flops).sum(),
                cells.stream().mapToLong(Views.PlannedRun::tokens).sum());
    }
}
