package dev.isoflop.platform.sweeps;

import dev.isoflop.db.run.NewRun;
import dev.isoflop.db.run.RunStore;
import dev.isoflop.db.sweep.SweepStore;
import dev.isoflop.db.sweep.SweepStore.SweepRow;
import dev.isoflop.platform.access.ExperimentAccess;
import dev.isoflop.platform.access.Submitter;
import dev.isoflop.platform.scheduling.Budgets;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.platform.sweeps.PretrainRuns.Ready;
import dev.isoflop.platform.sweeps.Recipes.Recipe;
import dev.isoflop.protocol.api.FitViews;
import dev.isoflop.protocol.api.SweepAddition;
import dev.isoflop.protocol.api.SweepSpec;
import dev.isoflop.protocol.error.ErrorCode;
import dev.isoflop.protocol.error.Problem;
import dev.isoflop.protocol.job.Precision;
import dev.isoflop.scaling.flops.ParameterConvention;
import dev.isoflop.scaling.flops.TransformerShape;
import dev.isoflop.scaling.plan.BudgetPlan;
import dev.isoflop.scaling.plan.Ladder;
import dev.isoflop.scaling.plan.PlanLimits;
import dev.isoflop.scaling.plan.PlannedCell;
import dev.isoflop.scaling.plan.RecipeRule;
import dev.isoflop.scaling.plan.ShapeRule;
import dev.isoflop.scaling.plan.TrainableRuns;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;
import tools.jackson.databind.json.JsonMapper;

/**
 * More runs for a sweep that exists: which there could be, how they are written, and their queueing. A fit of the sweep has them all, so that each wave can be chosen by what
 * those before it came to.
 *
 * <p>Concurrency: additions to one sweep come one after another, under the lock that a cancellation takes.
 */
@Component
public class SweepGrowth {

    private final SweepStore store;
    private final RunStore runs;
    private final SweepSupply supply;
    private final PretrainRuns pretraining;
    private final Budgets budgets;
    private final ExperimentAccess access;
    private final JdbcClient jdbc;
    private final JsonMapper json;

    SweepGrowth(
            SweepStore store,
            RunStore runs,
            SweepSupply supply,
            PretrainRuns pretraining,
            Budgets budgets,
            ExperimentAccess access,
            JdbcClient jdbc,
            JsonMapper json) {
        this.store = store;
        this.runs = runs;
        this.supply = supply;
        this.pretraining = pretraining;
        this.budgets = budgets;
        this.access = access;
        this.jdbc = jdbc;
        this.json = json;
    }

    /**
     * Runs that could be added to a sweep.
     *
     * @param trainable what a design chooses from; null where the sweep's models and steps are not ours to choose
     * @param why it is null
     */
    public record Room(
            @Nullable TrainableRuns trainable, @Nullable String why) {

        static Room none(String why) {
            return new Room(null, why);
        }
    }

    /**
     * @param countEmbeddings whether the fit's N does
     * @param points of the fit, which say what recipe is usual where a budget has several
     * @throws ProblemException not-found
     */
    @Transactional(readOnly = true)
    public Room room(long sweepId, boolean countEmbeddings, List<FitViews.Point> points) {
        SweepRow row = row(sweepId);
        if (!(json.readValue(row.specJson(), SweepSpec.class) instanceof SweepSpec.IsoFlop spec)) {
            return Room.none("The sweep is of commands: what models its program could train is not known here.");
        }
        ParameterConvention convention = SweepPlanning.convention(spec);
        if ((convention == ParameterConvention.TOTAL) != countEmbeddings) {
            return Room.none(
                    "The fit counts N %s embeddings, and the sweep's budgets are spent by N %s them: a fit that counts as the sweep does proposes whole models."
                            .formatted(countEmbeddings ? "with" : "without", countEmbeddings ? "without" : "with"));
        }
        GrownSweep sweep = grown(row, spec);
        Ready dataset = supply.ready(spec);
        SweepPlanning.Memory memory = supply.memory(SweepSupply.pool(spec));
        double epochs = spec.maxEpochs() == null ? 1 : spec.maxEpochs();
        long seed = spec.training() == null || spec.training().seed() == null
                ? 1
                : spec.training().seed();
        return new Room(
                new TrainableRuns(
                        shapes(sweep, dataset.detail().vocabSize()),
                        convention,
                        recipe(sweep, points),
                        Recipes.RATE_BY_SIZE,
                        seed,
                        dataset.detail().trainTokens(),
                        PlanLimits.defaults().withMaxEpochs(epochs).withMemoryBytes(memory.bytes()),
                        underway(sweepId, convention)),
                null);
    }

    /** What has not ended: to add it again would be to train the same run twice. */
    private Set<TrainableRuns.Size> underway(long sweepId, ParameterConvention convention) {
        return Set.copyOf(jdbc.sql("""
                        select n_params, n_params_nonembed, tokens from run
                         where sweep_id = ? and kind = 'pretrain' and state not in ('succeeded', 'failed', 'cancelled')
                        """)
                .param(sweepId)
                .query((rs, i) -> new TrainableRuns.Size(
                        rs.getLong(convention == ParameterConvention.TOTAL ? 1 : 2), rs.getLong(3)))
                .set());
    }

    /** The ladder, if the sweep's models are on it; of another family of shapes only the sweep's own. */
    private static List<TransformerShape> shapes(GrownSweep sweep, int vocabSize) {
        int context = SweepPlanning.contextLength(sweep.spec());
        Set<TransformerShape> own = new LinkedHashSet<>(sweep.shapes(vocabSize).values());
        boolean onLadder =
                own.stream().allMatch(shape -> shape.equals(ShapeRule.shape(shape.dModel(), vocabSize, context)));
        if (onLadder) {
            own.addAll(Ladder.of(vocabSize, context).shapes());
        }
        SweepSpec.TrainingEntry training = sweep.spec().training();
        boolean bf16 = training != null && training.precision() == Precision.BF16;
        return own.stream()
                .filter(shape -> !bf16 || Precision.BF16_HEAD_SIZES.contains(shape.headSize()))
                .toList();
    }

    /** As the nearest budget's runs are trained; where it has several recipes, as most of its fitted runs are. */
    private static RecipeRule recipe(GrownSweep sweep, List<FitViews.Point> points) {
        return (flops, shapes) -> {
            SweepSpec.BudgetEntry like = nearest(sweep, points, flops);
            return new BudgetPlan(flops, shapes, like.batchSequences(), Recipes.rate(sweep.spec(), like));
        };
    }

    private static SweepSpec.BudgetEntry nearest(GrownSweep sweep, List<FitViews.Point> points, double flops) {
        return sweep.budgets().stream()
                .min(Comparator.<SweepSpec.BudgetEntry>comparingDouble(
                                entry -> Math.abs(Math.log(entry.flops() / flops)))
                        .thenComparingLong(entry -> -fitted(sweep.spec(), entry, points)))
                .orElseThrow();
    }

    /** How many of the fit's points are trained by this entry. */
    private static long fitted(SweepSpec.IsoFlop spec, SweepSpec.BudgetEntry entry, List<FitViews.Point> points) {
        Double rate = Recipes.rate(spec, entry);
        return points.stream()
                .filter(point -> point.budget() == entry.flops()
                        && point.batchSequences() != null
                        && point.batchSequences() == entry.batchSequences()
                        && (rate == null || rate.equals(point.learningRate())))
                .count();
    }

    /**
     * Runs that were chosen of {@link #room}, as they are added.
     *
     * @param fit that chose them
     */
    @Transactional(readOnly = true)
    public SweepAddition written(long sweepId, List<PlannedCell> cells, List<FitViews.Point> points, long fit) {
        SweepRow row = row(sweepId);
        SweepSpec.IsoFlop spec = isoFlop(row);
        GrownSweep sweep = grown(row, spec);
        Map<String, TransformerShape> known =
                sweep.shapes(cells.getFirst().shape().vocabSize());
        Map<TransformerShape, String> names = new LinkedHashMap<>();
        known.forEach((name, shape) -> names.putIfAbsent(shape, name));
        List<SweepSpec.ModelEntry> models = new ArrayList<>();
        Map<Double, List<String>> byBudget = new LinkedHashMap<>();
        for (PlannedCell cell : cells) {
            TransformerShape shape = cell.shape();
            String name = names.computeIfAbsent(shape, s -> {
                String plain = known.containsKey(s.name()) ? s.name() + "-l" + s.layers() : s.name();
                models.add(new SweepSpec.ModelEntry(plain, s.dModel(), s.layers(), s.heads(), null, null, null, null));
                return plain;
            });
            byBudget.computeIfAbsent(cell.budget(), b -> new ArrayList<>()).add(name);
        }
        return new SweepAddition(
                models.isEmpty() ? null : models,
                byBudget.entrySet().stream()
                        .map(entry -> {
                            SweepSpec.BudgetEntry like = nearest(sweep, points, entry.getKey());
                            return new SweepSpec.BudgetEntry(
                                    entry.getKey(), like.batchSequences(), entry.getValue(), like.learningRate());
                        })
                        .toList(),
                fit);
    }

    /**
     * Queues the runs of an addition.
     *
     * @return their ids
     * @throws ProblemException not-found; forbidden; illegal-transition for a sweep that was cancelled; invalid-sweep, model-too-large, not-enough-tokens,
     *     dataset-not-ready and budget-exceeded as a submission does
     */
    @Transactional
    public List<Long> add(long sweepId, SweepAddition addition, Submitter submitter) {
        SweepRow row = store.lock(sweepId).orElseThrow(() -> notFound(sweepId));
        access.maySubmitTo(row.experiment(), submitter);
        if (row.cancelledAt() != null) {
            throw new ProblemException(
                    ErrorCode.ILLEGAL_TRANSITION,
                    "Sweep %d was cancelled: nothing is added to it; submit another.".formatted(sweepId));
        }
        SweepSpec.IsoFlop spec = isoFlop(row);
        List<Problem.FieldError> errors = new ArrayList<>();
        GrownSweep.check(addition, errors);
        Long fit = addition.fit();
        if (fit != null && !isFit(fit)) {
            errors.add(new Problem.FieldError("/fit", "There is no fit " + fit + ".", "a fit, or nothing", null));
        }
        if (!errors.isEmpty()) {
            throw SweepPlanning.invalid(errors);
        }
        Ready dataset = supply.ready(spec);
        String pool = SweepSupply.pool(spec);
        SweepPlanning.Planned planned =
                SweepPlanning.plan(grown(row, spec).only(addition), dataset.detail(), supply.memory(pool));
        if (!planned.dropped().isEmpty()) {
            throw SweepPlanning.invalid(planned.dropped().stream()
                    .map(drop -> new Problem.FieldError("/budgets", drop.sentence(), null, null))
                    .toList());
        }
        List<NewRun> queued = GrownSweep.renamed(planned.cells(), taken(sweepId)).stream()
                .map(cell -> pretraining.run(sweepId, spec, cell, pool, dataset))
                .toList();
        double flops = queued.stream().mapToDouble(run -> run.size().flops()).sum();
        budgets.admit(row.experimentId(), flops);
        store.add(
                sweepId,
                new SweepStore.NewAddition(
                        json.writeValueAsString(addition), fit, flops, queued.size(), submitter.self()));
        return runs.createAll(queued);
    }

    private boolean isFit(long id) {
        access.maySeeFit(id);
        return jdbc.sql("select exists (select from fit where id = ?)")
                .param(id)
                .query(Boolean.class)
                .single();
    }

    private Map<String, Recipe> taken(long sweepId) {
        Map<String, Recipe> taken = new HashMap<>();
        jdbc.sql("""
                        select name, coalesce((spec -> 'training' ->> 'batchSequences')::int, 0), coalesce(learning_rate, 0)
                          from run join run_job on run_id = id where sweep_id = ?
                        """).param(sweepId).query(rs -> {
            taken.put(rs.getString(1), new Recipe(rs.getInt(2), rs.getDouble(3)));
        });
        return taken;
    }

    /** A stored sweep with its additions. */
    GrownSweep grown(SweepRow row, SweepSpec.IsoFlop spec) {
        return new GrownSweep(
                spec,
                store.additions(List.of(row.id())).getOrDefault(row.id(), List.of()).stream()
                        .map(added -> json.readValue(added.additionJson(), SweepAddition.class))
                        .toList());
    }

    private SweepSpec.IsoFlop isoFlop(SweepRow row) {
        return switch (json.readValue(row.specJson(), SweepSpec.class)) {
            case SweepSpec.IsoFlop isoflop -> isoflop;
            case SweepSpec.Command command ->
                throw SweepPlanning.invalid(List.of(new Problem.FieldError(
                        "/budgets",
                        "Sweep %d runs commands: models and budgets are nothing to it; submit another."
                                .formatted(row.id()),
                        null,
                        null)));
        };
    }

    private SweepRow row(long id) {
        return store.find(id).orElseThrow(() -> notFound(id));
    }

    private static ProblemException notFound(long id) {
        return new ProblemException(ErrorCode.NOT_FOUND, "There is no sweep " + id + ".");
    }
}
