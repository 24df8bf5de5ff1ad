package dev.isoflop.platform.fits;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/**
 * Chooses among the recipes a cell, a model at a budget, was trained with. L(N, D) is the loss of a well-tuned run, so of
 * several recipes only the one with the lowest loss, averaged over its seeds, belongs to the law; with all of them a fit
 * would describe how badly the others were tuned. Equal means are told apart by the smaller batch, then by the lower
 * learning rate, so that the same runs always give the same points.
 */
final class BestRecipe {

    /** Name of the rule among the options of a fit and in its input hash. */
    static final String RULE = "lowest-mean-loss";

    private static final Comparator<Recipe> BY_SETTINGS = Comparator.comparing(
                    Recipe::batchSequences, Comparator.nullsFirst(Comparator.<Integer>naturalOrder()))
            .thenComparing(Recipe::learningRate, Comparator.nullsFirst(Comparator.<Double>naturalOrder()));

    private BestRecipe() {}

    /**
     * @param batchSequences sequences a step
     * @param learningRate peak
     */
    record Recipe(
            @Nullable Integer batchSequences, @Nullable Double learningRate) {

        @Override
        public String toString() {
            return "batch %s, learning rate %s"
                    .formatted(
                            batchSequences == null ? "unknown" : batchSequences,
                            learningRate == null
                                    ? "unknown"
                                    : BigDecimal.valueOf(learningRate)
                                            .stripTrailingZeros()
                                            .toPlainString());
        }
    }

    /**
     * A run whose loss can be used.
     *
     * @param cell the model and its budget; equal for runs of one cell
     * @param loss nats per token, finite
     */
    record Trained(long runId, Object cell, Recipe recipe, double loss) {}

    /**
     * @param reasons why, by id, for each run that another recipe of its cell is preferred to
     * @param cells how many cells there was a choice in
     */
    record Choice(Map<Long, String> reasons, int cells) {}

    /** @param runs in order of id: sums follow it */
    static Choice among(List<Trained> runs) {
        Map<Object, Map<Recipe, List<Trained>>> cells = new LinkedHashMap<>();
        for (Trained run : runs) {
            cells.computeIfAbsent(run.cell, c -> new LinkedHashMap<>())
                    .computeIfAbsent(run.recipe, r -> new ArrayList<>())
                    .add(run);
        }
        Map<Long, String> reasons = new HashMap<>();
        int several = 0;
        for (Map<Recipe, List<Trained>> recipes : cells.values()) {
            if (recipes.size() < 2) {
                continue;
            }
            several++;
            Recipe best = recipes.keySet().stream()
                    .min(Comparator.comparingDouble((Recipe recipe) -> mean(recipes, recipe))
                            .thenComparing(BY_SETTINGS))
                    .orElseThrow();
            recipes.forEach((recipe, trained) -> {
                if (!recipe.equals(best)) {
                    String reason = String.format(
                            Locale.ROOT,
                            "not the best recipe: %s has a mean loss of %.4f, %s has %.4f",
                            recipe,
                            mean(recipes, recipe),
                            best,
                            mean(recipes, best));
                    trained.forEach(run -> reasons.put(run.runId, reason));
                }
            });
        }
        return new Choice(reasons, several);
    }

    private static double mean(Map<Recipe, List<Trained>> recipes, Recipe recipe) {
        OptionalDouble mean = recipes.getOrDefault(recipe, List.of()).stream()
                .mapToDouble(Trained::loss)
                .average();
        return mean.orElse(Double.POSITIVE_INFINITY);
    }
}
