package dev.isoflop.platform.sweeps;

import dev.isoflop.platform.sweeps.PretrainRuns.Ready;
import dev.isoflop.protocol.api.FitViews;
import dev.isoflop.protocol.api.SweepAddition;
import dev.isoflop.protocol.api.SweepSpec;
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
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;

/** Which runs could be added to a sweep, for a design to choose from, and how those it chose are written. */
@Component
public class AddableRuns {

    private final SweepGrowth growth;
    private final SweepSupply supply;
    private final JdbcClient jdbc;

    AddableRuns(SweepGrowth growth, SweepSupply supply, JdbcClient jdbc) {
        this.growth = growth;
        this.supply = supply;
        this.jdbc = jdbc;
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
        if (!(growth.specOf(sweepId) instanceof SweepSpec.IsoFlop spec)) {
            return Room.none("The sweep is of commands: what models its program could train is not known here.");
        }
        ParameterConvention convention = SweepPlanning.convention(spec);
        if ((convention == ParameterConvention.TOTAL) != countEmbeddings) {
            return Room.none(
                    "The fit counts N %s embeddings, and the sweep's budgets are spent by N %s them: a fit that counts as the sweep does proposes whole models."
                            .formatted(countEmbeddings ? "with" : "without", countEmbeddings ? "without" : "with"));
        }
        Ready dataset = supply.find(spec).orElse(null);
        if (dataset == null) {
            return Room.none("The sweep's data is gone: which models and steps it has room for cannot be said.");
        }
        GrownSweep sweep = growth.grown(sweepId, spec);
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
                        SweepPlanning.precision(spec),
                        taken(sweepId, convention)),
                null);
    }

    /** Whatever became of them: names and results would be the same. */
    private Set<TrainableRuns.Size> taken(long sweepId, ParameterConvention convention) {
        return Set.copyOf(jdbc.sql("""
                        select n_params, n_params_nonembed, tokens from run where sweep_id = ? and kind = 'pretrain'
                        """)
                .param(sweepId)
                .query((rs, i) -> new TrainableRuns.Size(
                        rs.getLong(convention == ParameterConvention.TOTAL ? 1 : 2), rs.getLong(3)))
                .set());
    }

    /** The ladder as the sweep's precision trains it, if the sweep's models are on it; of another family of shapes only the sweep's own. */
    private static List<TransformerShape> shapes(GrownSweep sweep, int vocabSize) {
        int context = SweepPlanning.contextLength(sweep.spec());
        Set<TransformerShape> own = new LinkedHashSet<>(sweep.shapes(vocabSize).values());
        boolean onLadder =
                own.stream().allMatch(shape -> shape.equals(ShapeRule.shape(shape.dModel(), vocabSize, context)));
        if (onLadder) {
            own.addAll(Ladder.of(vocabSize, context)
                    .trainedIn(SweepPlanning.precision(sweep.spec()))
                    .shapes());
        }
        return List.copyOf(own);
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
        GrownSweep sweep = growth.grown(sweepId, growth.isoFlopOf(sweepId));
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
}
