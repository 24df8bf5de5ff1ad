package dev.isoflop.platform.sweeps;

import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.platform.sweeps.Recipes.Recipe;
import dev.isoflop.protocol.api.SweepSpec;
import dev.isoflop.protocol.error.ErrorCode;
import dev.isoflop.protocol.error.Problem;
import dev.isoflop.protocol.job.JobResult;
import dev.isoflop.scaling.flops.ParameterConvention;
import dev.isoflop.scaling.flops.Precision;
import dev.isoflop.scaling.flops.TransformerShape;
import dev.isoflop.scaling.plan.BudgetPlan;
import dev.isoflop.scaling.plan.IsoFlopPlanner;
import dev.isoflop.scaling.plan.PlanLimits;
import dev.isoflop.scaling.plan.PlanRequest;
import dev.isoflop.scaling.plan.PlannedCell;
import dev.isoflop.scaling.plan.SweepPlan;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Turns a sweep as a person wrote it into the cells of a plan, or says what is wrong with it, field by field. */
final class SweepPlanning {

    static final int MAX_RUNS = 10_000;
    private static final int DEFAULT_CONTEXT = 128;

    private SweepPlanning() {}

    /**
     * A cell with the name of its model, so that runs can be told apart by people.
     *
     * @param several whether its budget is trained with several recipes, which the names then tell
     */
    record NamedCell(String model, PlannedCell cell, boolean several) {

        Recipe recipe() {
            return new Recipe(cell.batchSequences(), cell.learningRate());
        }

        String name() {
            return "C%s-%s%s-s%d"
                    .formatted(
                            Recipes.flops(cell.budget()), model, several ? "-" + recipe().suffix() : "", cell.seed());
        }
    }

    /** @param label model, budget and, where the budget has several, the recipe */
    record NamedDrop(String label, String sentence) {}

    record Planned(List<NamedCell> cells, List<NamedDrop> dropped) {}

    /**
     * What a run may take.
     *
     * @param whose the machine, in words
     */
    record Memory(long bytes, String whose) {}

    /**
     * @param dataset what it trains on, once prepared; its supply of tokens is checked
     * @param memory what the largest runner that may execute it holds
     * @throws ProblemException invalid-sweep, model-too-large or not-enough-tokens
     */
    static Planned plan(SweepSpec.IsoFlop spec, JobResult.Dataset dataset, Memory memory) {
        List<Problem.FieldError> errors = new ArrayList<>();
        SweepChecks.check(spec, errors);
        Map<String, TransformerShape> shapes = shapes(spec, dataset.vocabSize(), errors);
        Recipes.check(spec, shapes, errors);
        if (!errors.isEmpty()) {
            throw invalid(errors);
        }
        List<BudgetPlan> budgets = new ArrayList<>();
        for (SweepSpec.BudgetEntry budget : spec.budgets()) {
            List<TransformerShape> chosen = names(budget, shapes).stream()
                    .map(name -> shape(shapes, name))
                    .toList();
            budgets.add(new BudgetPlan(budget.flops(), chosen, budget.batchSequences(), Recipes.rate(spec, budget)));
        }
        SweepSpec.TrainingEntry training = spec.training();
        long seed = training == null || training.seed() == null ? 1 : training.seed();
        SweepPlan base = IsoFlopPlanner.plan(new PlanRequest(
                budgets,
                convention(spec),
                Recipes.RATE_BY_SIZE,
                List.of(seed),
                List.of(),
                dataset.trainTokens(),
                PlanLimits.defaults().withMaxEpochs(Double.MAX_VALUE),
                precision(spec)));
        refuseTooLarge(base, memory);
        refuseRepetition(base, spec, dataset);
        List<NamedCell> cells = named(spec, base, shapes, seed);
        if (cells.isEmpty()) {
            throw invalid(List.of(new Problem.FieldError(
                    "/budgets",
                    "Every cell is dropped: " + base.dropped().getFirst().sentence(),
                    "larger budgets or smaller models",
                    null)));
        }
        if (cells.size() > MAX_RUNS) {
            throw invalid(List.of(new Problem.FieldError(
                    "/budgets", "The sweep has " + cells.size() + " runs.", "at most " + MAX_RUNS, null)));
        }
        return new Planned(cells, dropped(spec, base, shapes));
    }

    static ParameterConvention convention(SweepSpec.IsoFlop spec) {
        return spec.countEmbeddings() == null || spec.countEmbeddings()
                ? ParameterConvention.TOTAL
                : ParameterConvention.NON_EMBEDDING;
    }

    /** As what its models take is counted. */
    static Precision precision(SweepSpec.IsoFlop spec) {
        return switch (PretrainRuns.precision(spec)) {
            case FP32 -> Precision.FP32;
            case BF16 -> Precision.BF16;
        };
    }

    static int contextLength(SweepSpec.IsoFlop spec) {
        return spec.contextLength() == null ? DEFAULT_CONTEXT : spec.contextLength();
    }

    static ProblemException invalid(List<Problem.FieldError> errors) {
        return new ProblemException(
                ErrorCode.INVALID_SWEEP,
                errors.size() == 1 ? errors.getFirst().message() : "The sweep has " + errors.size() + " mistakes.",
                errors);
    }

    private static List<NamedCell> named(
            SweepSpec.IsoFlop spec, SweepPlan plan, Map<String, TransformerShape> shapes, long seed) {
        Map<TransformerShape, String> names = names(shapes);
        List<NamedCell> cells = new ArrayList<>();
        for (PlannedCell cell : plan.cells()) {
            String model = names.getOrDefault(cell.shape(), cell.shape().name());
            Recipe recipe = new Recipe(cell.batchSequences(), cell.learningRate());
            Set<Long> seeds = new LinkedHashSet<>();
            seeds.add(seed);
            for (SweepSpec.Replicate replicate :
                    spec.replicates() == null ? List.<SweepSpec.Replicate>of() : spec.replicates()) {
                if (replicate.flops() == cell.budget()
                        && replicate.model().equals(model)
                        && Recipes.matches(replicate, recipe)) {
                    seeds.addAll(replicate.seeds());
                }
            }
            boolean several = several(spec, cell.budget());
            for (long each : seeds) {
                cells.add(new NamedCell(model, withSeed(cell, each), several));
            }
        }
        return cells;
    }

    private static List<NamedDrop> dropped(
            SweepSpec.IsoFlop spec, SweepPlan plan, Map<String, TransformerShape> shapes) {
        Map<TransformerShape, String> names = names(shapes);
        return plan.dropped().stream()
                .map(drop -> new NamedDrop(
                        names.getOrDefault(drop.shape(), drop.shape().name())
                                + " at "
                                + Recipes.flops(drop.budget())
                                + (several(spec, drop.budget())
                                        ? ", " + new Recipe(drop.batchSequences(), drop.learningRate())
                                        : ""),
                        drop.sentence()))
                .toList();
    }

    private static Map<TransformerShape, String> names(Map<String, TransformerShape> shapes) {
        Map<TransformerShape, String> names = new LinkedHashMap<>();
        shapes.forEach((name, shape) -> names.put(shape, name));
        return names;
    }

    private static boolean several(SweepSpec.IsoFlop spec, double budget) {
        return spec.budgets().stream().filter(entry -> entry.flops() == budget).count() > 1;
    }

    private static PlannedCell withSeed(PlannedCell c, long seed) {
        return new PlannedCell(
                c.budget(),
                c.shape(),
                c.parameters(),
                c.N(),
                c.D(),
                c.steps(),
                c.batchSequences(),
                c.plannedFlops(),
                c.exactFlops(),
                c.epochs(),
                c.learningRate(),
                seed,
                c.memory());
    }

    private static void refuseTooLarge(SweepPlan plan, Memory memory) {
        List<PlannedCell> large = plan.cells().stream()
                .filter(cell -> cell.memory().total() > memory.bytes())
                .toList();
        if (!large.isEmpty()) {
            PlannedCell worst = large.getLast();
            throw new ProblemException(
                    ErrorCode.MODEL_TOO_LARGE,
                    String.format(
                            Locale.ROOT,
                            "Width %d needs about %.1f GB in training; %s has %.1f GB. Make the model or the batch"
                                    + " smaller, or add a runner with more memory.",
                            worst.shape().dModel(),
                            worst.memory().total() / 1e9,
                            memory.whose(),
                            memory.bytes() / 1e9));
        }
    }

    private static void refuseRepetition(SweepPlan plan, SweepSpec.IsoFlop spec, JobResult.Dataset dataset) {
        double allowed = spec.maxEpochs() == null ? 1 : spec.maxEpochs();
        List<PlannedCell> over = plan.cells().stream()
                .filter(cell -> cell.epochs() > allowed)
                .sorted(java.util.Comparator.comparingDouble(PlannedCell::epochs)
                        .reversed())
                .toList();
        if (!over.isEmpty()) {
            String worst = over.stream()
                    .limit(5)
                    .map(c -> String.format(
                            Locale.ROOT,
                            "width %d at %.3g FLOPs wants %d tokens",
                            c.shape().dModel(),
                            c.budget(),
                            c.D()))
                    .collect(Collectors.joining("; "));
            throw new ProblemException(
                    ErrorCode.NOT_ENOUGH_TOKENS,
                    String.format(
                            Locale.ROOT,
                            "The training split has %d tokens and maxEpochs is %.3g: %s. Set maxEpochs to %.1f or more, take"
                                    + " larger models or smaller budgets, or a larger corpus.",
                            dataset.trainTokens(),
                            allowed,
                            worst,
                            Math.ceil(over.getFirst().epochs() * 10) / 10),
                    List.of(new Problem.FieldError(
                            "/maxEpochs",
                            over.size() + " cells repeat the text more often than allowed.",
                            String.format(
                                    Locale.ROOT,
                                    "%.1f or more",
                                    Math.ceil(over.getFirst().epochs() * 10) / 10),
                            null)));
        }
    }

    private static Map<String, TransformerShape> shapes(
            SweepSpec.IsoFlop spec, int vocabSize, List<Problem.FieldError> errors) {
        Map<String, TransformerShape> shapes = new LinkedHashMap<>();
        Set<TransformerShape> seen = new HashSet<>();
        List<SweepSpec.ModelEntry> models = spec.models() == null ? List.of() : spec.models();
        for (int i = 0; i < models.size(); i++) {
            SweepSpec.ModelEntry model = models.get(i);
            String pointer = "/models/" + i;
            String name = name(model);
            try {
                TransformerShape shape = ModelDefaults.shape(model, vocabSize, contextLength(spec));
                if (shapes.putIfAbsent(name, shape) != null) {
                    errors.add(new Problem.FieldError(
                            pointer + "/name", "There are two models named " + name + ".", "a name of its own", null));
                } else if (!seen.add(shape)) {
                    errors.add(
                            new Problem.FieldError(pointer, "Model " + name + " repeats another's shape.", null, null));
                }
                heads(spec, shape, pointer, errors);
            } catch (IllegalArgumentException e) {
                errors.add(new Problem.FieldError(pointer, String.valueOf(e.getMessage()), null, null));
            }
        }
        return shapes;
    }

    private static void heads(
            SweepSpec.IsoFlop spec, TransformerShape shape, String pointer, List<Problem.FieldError> errors) {
        if (!shape.trainsIn(precision(spec))) {
            errors.add(new Problem.FieldError(
                    pointer + "/heads",
                    "Width " + shape.dModel() + " in " + shape.heads() + " heads makes heads of " + shape.headSize()
                            + ", which BF16 does not train.",
                    "heads of "
                            + TransformerShape.BF16_HEAD_SIZES.stream()
                                    .map(String::valueOf)
                                    .collect(Collectors.joining(", "))
                            + ", or precision FP32",
                    null));
        }
    }

    static String name(SweepSpec.ModelEntry model) {
        return model.name() == null ? "d" + model.dModel() : model.name();
    }

    private static List<String> names(SweepSpec.BudgetEntry budget, Map<String, TransformerShape> shapes) {
        List<String> names = budget.models();
        return names == null ? List.copyOf(shapes.keySet()) : names;
    }

    private static TransformerShape shape(Map<String, TransformerShape> shapes, String name) {
        @Nullable TransformerShape shape = shapes.get(name);
        if (shape == null) {
            throw new IllegalStateException("checked before: model " + name);
        }
        return shape;
    }
}
