package dev.isoflop.platform.sweeps;

import dev.isoflop.platform.sweeps.Recipes.Recipe;
import dev.isoflop.protocol.api.SweepAddition;
import dev.isoflop.protocol.api.SweepSpec;
import dev.isoflop.protocol.error.Problem;
import dev.isoflop.scaling.flops.TransformerShape;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A sweep with what was added to it. Each addition is planned by itself, with all models there are: the budgets that came before keep their runs and the names of those.
 *
 * @param spec as it was submitted
 * @param additions oldest first
 */
record GrownSweep(SweepSpec.IsoFlop spec, List<SweepAddition> additions) {

    GrownSweep {
        additions = List.copyOf(additions);
    }

    /** Of the sweep and all additions. */
    List<SweepSpec.ModelEntry> models() {
        return Stream.concat(entries(spec.models()), additions.stream().flatMap(a -> entries(a.models())))
                .toList();
    }

    /** Of the sweep and all additions. */
    List<SweepSpec.BudgetEntry> budgets() {
        return Stream.concat(spec.budgets().stream(), additions.stream().flatMap(a -> a.budgets().stream()))
                .toList();
    }

    /** By name. */
    Map<String, TransformerShape> shapes(int vocabSize) {
        Map<String, TransformerShape> shapes = new LinkedHashMap<>();
        models().forEach(model -> shapes.put(
                SweepPlanning.name(model), ModelDefaults.shape(model, vocabSize, SweepPlanning.contextLength(spec))));
        return shapes;
    }

    /** One more addition as a sweep of its own; its models come first, so that what is wrong with them is named by their place. */
    SweepSpec.IsoFlop only(SweepAddition addition) {
        // a model that is said again as it was is no second one
        return with(
                Stream.concat(entries(addition.models()), models().stream())
                        .distinct()
                        .toList(),
                addition.budgets());
    }

    /** The sweep as it was submitted, and each addition as a sweep of its own. */
    List<SweepSpec.IsoFlop> parts() {
        List<SweepSpec.IsoFlop> parts = new ArrayList<>(List.of(spec));
        for (int i = 0; i < additions.size(); i++) {
            parts.add(new GrownSweep(spec, additions.subList(0, i)).only(additions.get(i)));
        }
        return parts;
    }

    /**
     * What an addition has to have that a sweep need not.
     *
     * @param errors what it lacks is added
     */
    static void check(SweepAddition addition, List<Problem.FieldError> errors) {
        List<SweepSpec.BudgetEntry> budgets = addition.budgets();
        if (budgets == null || budgets.isEmpty()) {
            errors.add(new Problem.FieldError("/budgets", "Nothing would be added.", "at least one budget", null));
            return;
        }
        for (int i = 0; i < budgets.size(); i++) {
            if (budgets.get(i).models() == null) {
                errors.add(new Problem.FieldError(
                        "/budgets/" + i + "/models",
                        "An addition says which models it trains.",
                        "names of models",
                        null));
            }
        }
    }

    /**
     * Runs under names that none has yet: one of another recipe than the run that has its name is named by its recipe, too.
     *
     * @param taken recipes by name
     * @throws dev.isoflop.platform.shared.problem.ProblemException invalid-sweep if a run is there already as it is
     */
    static List<SweepPlanning.NamedCell> renamed(List<SweepPlanning.NamedCell> cells, Map<String, Recipe> taken) {
        Map<String, Recipe> names = new HashMap<>(taken);
        List<SweepPlanning.NamedCell> out = new ArrayList<>();
        List<Problem.FieldError> errors = new ArrayList<>();
        for (SweepPlanning.NamedCell cell : cells) {
            Recipe recipe = cell.recipe();
            Recipe there = names.get(cell.name());
            SweepPlanning.NamedCell named = there == null || there.equals(recipe)
                    ? cell
                    : new SweepPlanning.NamedCell(cell.model(), cell.cell(), true);
            if (names.putIfAbsent(named.name(), recipe) != null) {
                errors.add(new Problem.FieldError(
                        "/budgets",
                        "%s at %s FLOPs with this recipe and seed is in the sweep already: it would come out the same."
                                .formatted(
                                        cell.model(), Recipes.flops(cell.cell().budget())),
                        "another model, budget or recipe",
                        null));
            }
            out.add(named);
        }
        if (!errors.isEmpty()) {
            throw SweepPlanning.invalid(errors);
        }
        return out;
    }

    private static Stream<SweepSpec.ModelEntry> entries(@Nullable List<SweepSpec.ModelEntry> models) {
        return models == null ? Stream.empty() : models.stream();
    }

    private SweepSpec.IsoFlop with(List<SweepSpec.ModelEntry> models, List<SweepSpec.BudgetEntry> budgets) {
        return new SweepSpec.IsoFlop(
                spec.name(),
                spec.experiment(),
                spec.dataset(),
                spec.contextLength(),
                models,
                budgets,
                null,
                spec.training(),
                spec.flopRule(),
                spec.countEmbeddings(),
                spec.target(),
                spec.maxEpochs(),
                spec.pool(),
                spec.priority(),
                spec.retries(),
                spec.stallAfterSeconds());
    }
}
