package dev.isoflop.platform.sweeps;

import dev.isoflop.protocol.api.SweepSpec;
import dev.isoflop.protocol.error.Problem;
import dev.isoflop.scaling.flops.ParameterCount;
import dev.isoflop.scaling.flops.TransformerShape;
import dev.isoflop.scaling.plan.LearningRateRule;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * How each cell of a sweep, a model at a budget, is trained. Every budget entry that names the cell is a recipe of it; no
 * two may be the same, since they would train the same models again under the same name.
 */
final class Recipes {

    /** The rule of models whose sweep names no rate. */
    static final LearningRateRule RATE_BY_SIZE = LearningRateRule.defaults();

    /** @param learningRate peak */
    record Recipe(int batchSequences, double learningRate) {

        /** Such as {@code b4-lr0.003}; exact, so that runs of different recipes have different names. */
        String suffix() {
            return "b" + batchSequences + "-lr" + rate();
        }

        private String rate() {
            return BigDecimal.valueOf(learningRate).stripTrailingZeros().toPlainString();
        }

        @Override
        public String toString() {
            return "batchSequences " + batchSequences + " with learningRate " + rate();
        }
    }

    private record Cell(double flops, String model) {}

    /** Recipes of each cell with the index of the budget entry that names them. */
    private final Map<Cell, Map<Recipe, Integer>> byCell = new LinkedHashMap<>();

    private Recipes() {}

    /**
     * @param shapes models by name; those that could not be made are missing and their cells are not looked at
     * @param errors where recipes named twice and replicates of no one recipe are added
     */
    static void check(SweepSpec.IsoFlop spec, Map<String, TransformerShape> shapes, List<Problem.FieldError> errors) {
        Recipes recipes = new Recipes();
        List<SweepSpec.BudgetEntry> budgets = spec.budgets() == null ? List.of() : spec.budgets();
        for (int i = 0; i < budgets.size(); i++) {
            recipes.add(i, spec, shapes, errors);
        }
        List<SweepSpec.Replicate> replicates = spec.replicates() == null ? List.of() : spec.replicates();
        for (int i = 0; i < replicates.size(); i++) {
            recipes.check("/replicates/" + i, replicates.get(i), errors);
        }
    }

    /** The budget entry's rate, else the sweep's; null leaves it to the rule by size. */
    static @Nullable Double rate(SweepSpec.IsoFlop spec, SweepSpec.BudgetEntry budget) {
        if (budget.learningRate() != null) {
            return budget.learningRate();
        }
        SweepSpec.TrainingEntry training = spec.training();
        return training == null ? null : training.learningRate();
    }

    /** Whether the seeds of a replicate, which was found to be of one recipe, are of this one. */
    static boolean matches(SweepSpec.Replicate replicate, Recipe recipe) {
        Integer batch = replicate.batchSequences();
        Double rate = replicate.learningRate();
        return (batch == null || batch == recipe.batchSequences()) && (rate == null || rate == recipe.learningRate());
    }

    /** Such as {@code 1e11}. */
    static String flops(double value) {
        String text = String.format(Locale.ROOT, "%.3e", value);
        String mantissa = text.substring(0, text.indexOf('e')).replaceAll("\\.?0+$", "");
        return mantissa + "e" + Integer.parseInt(text.substring(text.indexOf('e') + 1));
    }

    private void add(
            int index, SweepSpec.IsoFlop spec, Map<String, TransformerShape> shapes, List<Problem.FieldError> errors) {
        SweepSpec.BudgetEntry budget = spec.budgets().get(index);
        Double rate = rate(spec, budget);
        if (!usable(budget.flops()) || (rate != null && !usable(rate))) {
            return; // found to be wrong elsewhere
        }
        List<String> models = budget.models() == null ? List.copyOf(shapes.keySet()) : budget.models();
        Map<Integer, List<String>> twice = new TreeMap<>();
        for (String model : models) {
            TransformerShape shape = shapes.get(model);
            if (shape == null) {
                continue;
            }
            Recipe recipe = new Recipe(
                    budget.batchSequences(),
                    rate == null ? RATE_BY_SIZE.rate(ParameterCount.of(shape).total()) : rate);
            Integer first = byCell.computeIfAbsent(new Cell(budget.flops(), model), c -> new LinkedHashMap<>())
                    .putIfAbsent(recipe, index);
            if (first != null && first != index) {
                twice.computeIfAbsent(first, f -> new ArrayList<>()).add(model);
            }
        }
        twice.forEach((first, shared) -> errors.add(new Problem.FieldError(
                "/budgets/" + index + "/flops",
                "budgets[%d] already trains %s at %s FLOPs with the same batchSequences and learningRate."
                        .formatted(first, String.join(", ", shared), flops(budget.flops())),
                "another flops, batchSequences or learningRate, or only models that the other entry leaves out",
                null)));
    }

    private static boolean usable(double value) {
        return value > 0 && Double.isFinite(value);
    }

    private void check(String at, SweepSpec.Replicate replicate, List<Problem.FieldError> errors) {
        List<Recipe> recipes = List.copyOf(byCell.getOrDefault(new Cell(replicate.flops(), replicate.model()), Map.of())
                .keySet());
        List<Recipe> matching =
                recipes.stream().filter(recipe -> matches(replicate, recipe)).toList();
        if (recipes.isEmpty() || matching.size() == 1) {
            return; // no such cell is found elsewhere
        }
        String cell = replicate.model() + " at " + flops(replicate.flops()) + " FLOPs";
        if (matching.isEmpty()) {
            boolean batchFits = recipes.stream()
                    .anyMatch(recipe -> replicate.batchSequences() == null
                            || replicate.batchSequences() == recipe.batchSequences());
            errors.add(new Problem.FieldError(
                    at + (batchFits ? "/learningRate" : "/batchSequences"),
                    "No budget trains " + cell + " like that.",
                    list(recipes),
                    null));
            return;
        }
        boolean batchesDiffer =
                matching.stream().mapToInt(Recipe::batchSequences).distinct().count() > 1;
        errors.add(new Problem.FieldError(
                at + (batchesDiffer ? "/batchSequences" : "/learningRate"),
                cell + " is trained with " + matching.size()
                        + " recipes; the replicate does not say whose seeds these are.",
                list(matching),
                null));
    }

    private static String list(List<Recipe> recipes) {
        return recipes.stream().map(Recipe::toString).collect(Collectors.joining(", or "));
    }
}
