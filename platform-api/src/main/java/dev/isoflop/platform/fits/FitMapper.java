package dev.isoflop.platform.fits;

import dev.isoflop.protocol.api.FitViews;
import dev.isoflop.scaling.fit.BudgetFit;
import dev.isoflop.scaling.fit.BudgetPrediction;
import dev.isoflop.scaling.fit.Estimate;
import dev.isoflop.scaling.fit.FitOutcome;
import dev.isoflop.scaling.fit.IsoFlopLaws;
import dev.isoflop.scaling.fit.IsoFlopResult;
import dev.isoflop.scaling.fit.Parabola;
import dev.isoflop.scaling.fit.ParametricResult;
import dev.isoflop.scaling.law.FitPoint;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.DoubleFunction;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/** Turns what {@code scaling} returns into the view that is stored and served. */
final class FitMapper {

    static final String ISOFLOP = "isoflop";
    static final String PARAMETRIC = "parametric";

    /** Abscissae of the frontier, evenly spaced in ln C. */
    private static final int FRONTIER_POINTS = 61;

    private FitMapper() {}

    /** The view without what storing adds: id 0, creation at the epoch. */
    static FitViews.Fit isoflop(FitInputs inputs, IsoFlopResult result) {
        List<FitViews.Budget> budgets =
                result.budgets().stream().map(FitMapper::budget).toList();
        double level = result.options().level();
        View view = new View(inputs, ISOFLOP, level, result.options(), budgets, finite(result.diagnostics()));
        return switch (result.laws()) {
            case FitOutcome.Refused<IsoFlopLaws> refused -> view.refused(refusal(refused));
            case FitOutcome.Converged<IsoFlopLaws>(IsoFlopLaws laws) -> {
                List<FitViews.Estimate> parameters = List.of(
                        estimate("a", laws.N().exponent()),
                        estimate("b", laws.D().exponent()),
                        estimate("kN", laws.N().coefficient()),
                        estimate("kD", laws.D().coefficient()),
                        estimate("lossFloor", laws.lossFloor()),
                        estimate("lossScale", laws.lossScale()),
                        estimate("lossDecay", laws.lossDecay()));
                yield view.converged(parameters, laws.minC(), laws.maxC(), laws::predict);
            }
        };
    }

    /** As {@link #isoflop}. */
    static FitViews.Fit parametric(
            FitInputs inputs, Record options, double level, FitOutcome<ParametricResult> result) {
        return switch (result) {
            case FitOutcome.Refused<ParametricResult> refused ->
                new View(inputs, PARAMETRIC, level, options, List.of(), finite(refused.numbers()))
                        .refused(refusal(refused));
            case FitOutcome.Converged<ParametricResult>(ParametricResult fit) -> {
                Map<String, Double> diagnostics = new TreeMap<>(finite(fit.diagnostics()));
                diagnostics.put("objective", fit.objective());
                diagnostics.put("residualNoise", fit.residualNoise());
                diagnostics.putAll(finite(Map.of(
                        "alphaProfileLow", fit.alphaProfile().low(),
                        "alphaProfileHigh", fit.alphaProfile().high(),
                        "betaProfileLow", fit.betaProfile().low(),
                        "betaProfileHigh", fit.betaProfile().high())));
                List<FitViews.Estimate> parameters = List.of(
                        estimate("E", fit.E()),
                        estimate("A", fit.A()),
                        estimate("B", fit.B()),
                        estimate("alpha", fit.alpha()),
                        estimate("beta", fit.beta()),
                        estimate("a", fit.a()),
                        estimate("b", fit.b()));
                double minC = inputs.fitPoints().stream()
                        .mapToDouble(FitPoint::C)
                        .min()
                        .orElse(fit.maxC());
                yield new View(inputs, PARAMETRIC, level, options, List.of(), diagnostics)
                        .converged(parameters, minC, fit.maxC(), fit::predict);
            }
        };
    }

    private static FitViews.Budget budget(BudgetFit fit) {
        double nMin = extreme(fit.points(), FitPoint::N, true);
        double nMax = extreme(fit.points(), FitPoint::N, false);
        return switch (fit.parabola()) {
            case FitOutcome.Refused<Parabola> refused ->
                new FitViews.Budget(fit.C(), null, null, null, nMin, nMax, null, refusal(refused));
            case FitOutcome.Converged<Parabola>(Parabola p) -> {
                // loss + a (x - x0)^2 with x = ln N, multiplied out
                double a = p.curvature();
                double x0 = Math.log(p.optimumN().value());
                yield new FitViews.Budget(
                        fit.C(),
                        a,
                        -2 * a * x0,
                        p.loss().value() + a * x0 * x0,
                        nMin,
                        nMax,
                        new FitViews.Optimum(
                                fit.C(),
                                estimate("N", p.optimumN()),
                                estimate("D", p.optimumD()),
                                estimate("L", p.loss())),
                        null);
            }
        };
    }

    private static double extreme(List<FitPoint> points, ToDoubleFunction<FitPoint> of, boolean least) {
        return (least
                        ? points.stream().mapToDouble(of).min()
                        : points.stream().mapToDouble(of).max())
                .orElse(0);
    }

    private static FitViews.Estimate estimate(String name, Estimate e) {
        return new FitViews.Estimate(name, e.value(), e.low(), e.high());
    }

    static FitViews.Optimum optimum(BudgetPrediction p) {
        return new FitViews.Optimum(p.C(), estimate("N", p.N()), estimate("D", p.D()), estimate("L", p.loss()));
    }

    static FitViews.Refusal refusal(FitOutcome.Refused<?> refused) {
        return new FitViews.Refusal(refused.reason().code(), refused.sentence());
    }

    private static Map<String, Double> finite(Map<String, Double> numbers) {
        Map<String, Double> kept = new TreeMap<>(numbers);
        kept.values().removeIf(v -> !Double.isFinite(v));
        return kept;
    }

    private static String short4(double value) {
        return String.format(Locale.ROOT, "%.3g", value);
    }

    /** Collects what all views share. */
    private static final class View {

        private final FitInputs inputs;
        private final String method;
        private final double level;
        private final Record options;
        private final List<FitViews.Budget> budgets;
        private final Map<String, Double> diagnostics;
        private final List<String> warnings;

        View(
                FitInputs inputs,
                String method,
                double level,
                Record options,
                List<FitViews.Budget> budgets,
                Map<String, Double> diagnostics) {
            this.inputs = inputs;
            this.method = method;
            this.level = level;
            this.options = options;
            this.budgets = budgets;
            this.diagnostics = diagnostics;
            this.warnings = new ArrayList<>(inputs.warnings());
        }

        FitViews.Fit refused(FitViews.Refusal refusal) {
            return build("refused", refusal, List.of(), null, List.of());
        }

        FitViews.Fit converged(
                List<FitViews.Estimate> parameters,
                double minC,
                double maxC,
                DoubleFunction<FitOutcome<BudgetPrediction>> predict) {
            FitViews.Optimum optimum = null;
            Double target = inputs.target();
            if (target != null) {
                optimum = switch (predict.apply(target)) {
                    case FitOutcome.Refused<BudgetPrediction> refused -> {
                        warnings.add("No prediction for the target: " + refused.sentence());
                        yield null;
                    }
                    case FitOutcome.Converged<BudgetPrediction>(BudgetPrediction p) -> {
                        if (p.far()) {
                            warnings.add(String.format(
                                    Locale.ROOT,
                                    "The target is %.0f times the largest budget: that far out intervals are too narrow.",
                                    p.extrapolationRatio()));
                        }
                        yield optimum(p);
                    }
                };
            }
            double from = minC / 3;
            double to = Math.max(target == null ? 0 : target, 10 * maxC);
            return build("converged", null, parameters, optimum, frontier(from, to, minC, maxC, predict));
        }

        private static List<FitViews.FrontierPoint> frontier(
                double from,
                double to,
                double minC,
                double maxC,
                DoubleFunction<FitOutcome<BudgetPrediction>> predict) {
            List<FitViews.FrontierPoint> points = new ArrayList<>();
            for (int i = 0; i < FRONTIER_POINTS; i++) {
                double c = from * Math.pow(to / from, i / (FRONTIER_POINTS - 1.0));
                // Where a prediction is refused the line ends.
                predict.apply(c).asOptional().ifPresent(p -> {
                    if (p.N().isFinite() && p.D().isFinite() && p.loss().isFinite()) {
                        points.add(new FitViews.FrontierPoint(
                                c,
                                p.N().value(),
                                p.N().low(),
                                p.N().high(),
                                p.D().value(),
                                p.D().low(),
                                p.D().high(),
                                p.loss().value(),
                                p.loss().low(),
                                p.loss().high(),
                                c < minC * (1 - 1e-9) || c > maxC * (1 + 1e-9)));
                    }
                });
            }
            return points;
        }

        private FitViews.Fit build(
                String status,
                FitViews.@Nullable Refusal refusal,
                List<FitViews.Estimate> parameters,
                FitViews.@Nullable Optimum target,
                List<FitViews.FrontierPoint> frontier) {
            Map<String, Object> stored = asMap(options);
            stored.put("countEmbeddings", inputs.countEmbeddings());
            stored.put("recipes", BestRecipe.RULE);
            Double targetFlops = inputs.target();
            if (targetFlops != null) {
                stored.put("target", targetFlops);
            }
            return new FitViews.Fit(
                    0,
                    inputs.sweepId(),
                    method,
                    status,
                    refusal,
                    level,
                    parameters,
                    budgets,
                    target,
                    frontier,
                    inputs.points(),
                    inputs.excluded(),
                    stored,
                    diagnostics,
                    List.copyOf(warnings),
                    inputs.hash(method, options),
                    Instant.EPOCH);
        }
    }

    /** Every option by its name, enums as text. */
    private static Map<String, Object> asMap(Record options) {
        Map<String, Object> map = new LinkedHashMap<>();
        for (RecordComponent component : options.getClass().getRecordComponents()) {
            try {
                Object value = component.getAccessor().invoke(options);
                map.put(component.getName(), value instanceof Enum<?> e ? e.name() : value);
            } catch (IllegalAccessException | InvocationTargetException e) {
                throw new IllegalArgumentException("options records must be public: " + options.getClass(), e);
            }
        }
        return map;
    }
}
