package dev.isoflop.platform.sweeps;

import dev.isoflop.protocol.api.SweepSpec;
import dev.isoflop.protocol.error.Problem;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What can be said against a sweep before anything is computed; {@link Recipes} says what needs the models. A field absent
 * from the JSON is null here, whatever its type.
 */
final class SweepChecks {

    private SweepChecks() {}

    static void check(SweepSpec.IsoFlop spec, List<Problem.FieldError> errors) {
        text("/name", spec.name(), errors);
        text("/experiment", spec.experiment(), errors);
        if (spec.contextLength() != null && (spec.contextLength() < 8 || spec.contextLength() > 65_536)) {
            error("/contextLength", spec.contextLength() + " tokens a sequence.", "8 to 65536", errors);
        }
        if (spec.flopRule() != null && !spec.flopRule().equals("6ND")) {
            error("/flopRule", "There is no rule '" + spec.flopRule() + "'.", "6ND", errors);
        }
        positive("/target", spec.target(), errors);
        positive("/maxEpochs", spec.maxEpochs(), errors);
        Set<String> models = models(spec, errors);
        budgets(spec, models, errors);
        replicates(spec, models, errors);
        if (spec.training() != null) {
            training(spec.training(), errors);
        }
        atLeast("/stallAfterSeconds", spec.stallAfterSeconds(), 1, errors);
        if (spec.retries() != null) {
            atLeast("/retries/failures", spec.retries().failures(), 0, errors);
            atLeast("/retries/preemptions", spec.retries().preemptions(), 0, errors);
            atLeast("/retries/infrastructure", spec.retries().infrastructure(), 0, errors);
        }
    }

    private static Set<String> models(SweepSpec.IsoFlop spec, List<Problem.FieldError> errors) {
        if (spec.models() == null || spec.models().isEmpty()) {
            error("/models", "A sweep needs models.", "at least one", errors);
            return Set.of();
        }
        return spec.models().stream().map(SweepPlanning::name).collect(Collectors.toSet());
    }

    private static void budgets(SweepSpec.IsoFlop spec, Set<String> models, List<Problem.FieldError> errors) {
        if (spec.budgets() == null || spec.budgets().isEmpty()) {
            error("/budgets", "A sweep needs compute budgets.", "at least one", errors);
            return;
        }
        for (int i = 0; i < spec.budgets().size(); i++) {
            SweepSpec.BudgetEntry budget = spec.budgets().get(i);
            String at = "/budgets/" + i;
            if (!(budget.flops() > 0) || Double.isInfinite(budget.flops())) {
                error(
                        at + "/flops",
                        "A budget of " + budget.flops() + " FLOPs trains nothing.",
                        "a number above 0, such as 1e12",
                        errors);
            }
            if (budget.batchSequences() < 1) {
                error(at + "/batchSequences", budget.batchSequences() + " sequences a step.", "at least 1", errors);
            }
            positive(at + "/learningRate", budget.learningRate(), errors);
            List<String> names = budget.models();
            if (names != null) {
                if (names.isEmpty()) {
                    error(
                            at + "/models",
                            "The budget has no models.",
                            "at least one, or leave the field out for all",
                            errors);
                }
                Set<String> once = new HashSet<>();
                for (int j = 0; j < names.size(); j++) {
                    known(at + "/models/" + j, names.get(j), models, errors);
                    if (!once.add(names.get(j))) {
                        error(at + "/models/" + j, names.get(j) + " appears twice.", "each model once", errors);
                    }
                }
            }
        }
    }

    private static void replicates(SweepSpec.IsoFlop spec, Set<String> models, List<Problem.FieldError> errors) {
        List<SweepSpec.Replicate> replicates = spec.replicates() == null ? List.of() : spec.replicates();
        for (int i = 0; i < replicates.size(); i++) {
            SweepSpec.Replicate replicate = replicates.get(i);
            String at = "/replicates/" + i;
            known(at + "/model", replicate.model(), models, errors);
            atLeast(at + "/batchSequences", replicate.batchSequences(), 1, errors);
            positive(at + "/learningRate", replicate.learningRate(), errors);
            boolean point = spec.budgets() != null
                    && spec.budgets().stream()
                            .anyMatch(budget -> budget.flops() == replicate.flops()
                                    && (budget.models() == null
                                            || budget.models().contains(replicate.model())));
            if (!point) {
                error(
                        at + "/flops",
                        "No budget of " + replicate.flops() + " FLOPs trains " + replicate.model() + ".",
                        "a budget of the sweep that trains the model",
                        errors);
            }
            List<Long> seeds = replicate.seeds();
            if (seeds == null || seeds.isEmpty()) {
                error(at + "/seeds", "A replicate needs seeds.", "at least one", errors);
            } else if (new HashSet<>(seeds).size() < seeds.size()) {
                error(
                        at + "/seeds",
                        "A seed appears twice: it would train the same model again.",
                        "each seed once",
                        errors);
            }
        }
    }

    private static void training(SweepSpec.TrainingEntry t, List<Problem.FieldError> errors) {
        positive("/training/learningRate", t.learningRate(), errors);
        fraction("/training/finalLearningRateFraction", t.finalLearningRateFraction(), errors);
        fraction("/training/warmupFraction", t.warmupFraction(), errors);
        fraction("/training/beta1", t.beta1(), errors);
        fraction("/training/beta2", t.beta2(), errors);
        positive("/training/epsilon", t.epsilon(), errors);
        if (t.weightDecay() != null && !(t.weightDecay() >= 0)) {
            error("/training/weightDecay", t.weightDecay() + " is negative.", "0 or more", errors);
        }
        positive("/training/gradientClip", t.gradientClip(), errors);
        if (t.metricsEverySteps() != null) {
            atLeast("/training/metricsEverySteps", t.metricsEverySteps(), 1, errors);
        }
        atLeast("/training/evalEverySteps", t.evalEverySteps(), 0, errors);
        atLeast("/training/evalTokens", t.evalTokens(), 1, errors);
        atLeast("/training/checkpointEverySeconds", t.checkpointEverySeconds(), 0, errors);
    }

    private static void text(String pointer, @Nullable String value, List<Problem.FieldError> errors) {
        if (value == null || value.isBlank() || value.length() > 200) {
            error(pointer, "A name is needed here.", "1 to 200 characters", errors);
        }
    }

    private static void known(String pointer, String name, Set<String> models, List<Problem.FieldError> errors) {
        if (!models.contains(name)) {
            errors.add(new Problem.FieldError(
                    pointer,
                    "There is no model named '" + name + "'.",
                    "one of " + String.join(", ", models.stream().sorted().toList()),
                    models.stream()
                            .filter(m -> m.equalsIgnoreCase(String.valueOf(name)) || m.endsWith(String.valueOf(name)))
                            .findFirst()
                            .orElse(null)));
        }
    }

    private static void positive(String pointer, @Nullable Double value, List<Problem.FieldError> errors) {
        if (value != null && (!(value > 0) || value.isInfinite())) {
            error(pointer, value + " is not above 0.", "a number above 0", errors);
        }
    }

    private static void fraction(String pointer, @Nullable Double value, List<Problem.FieldError> errors) {
        if (value != null && !(value >= 0 && value <= 1)) {
            error(pointer, value + " is no fraction.", "0 to 1", errors);
        }
    }

    private static void atLeast(String pointer, @Nullable Number value, long least, List<Problem.FieldError> errors) {
        if (value != null && value.longValue() < least) {
            error(pointer, value + " is too small.", "at least " + least, errors);
        }
    }

    private static void error(String pointer, String message, String expected, List<Problem.FieldError> errors) {
        errors.add(new Problem.FieldError(pointer, message, expected, null));
    }
}
