package dev.isoflop.platform.fits;

import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.protocol.api.FitComparisonViews.ComparedOption;
import dev.isoflop.protocol.api.FitComparisonViews.ComparedParameter;
import dev.isoflop.protocol.api.FitComparisonViews.ComparedPoints;
import dev.isoflop.protocol.api.FitComparisonViews.ComparedTarget;
import dev.isoflop.protocol.api.FitComparisonViews.ComparedTargets;
import dev.isoflop.protocol.api.FitComparisonViews.FitComparison;
import dev.isoflop.protocol.api.FitComparisonViews.FitSide;
import dev.isoflop.protocol.api.FitViews;
import dev.isoflop.scaling.fit.BudgetPrediction;
import dev.isoflop.scaling.fit.FitOutcome;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Service;

/** Puts two stored fits side by side. */
@Service
class FitComparisons {

    private final FitService fits;
    private final Refits refits;

    FitComparisons(FitService fits, Refits refits) {
        this.fits = fits;
        this.refits = refits;
    }

    /**
     * @param target budget that both are asked about, FLOPs
     * @throws ProblemException not-found, invalid-request; prediction-refused where a fit no longer comes out as stored
     */
    FitComparison compare(long first, long second, @Nullable Double target) {
        if (target != null && !(target > 0 && Double.isFinite(target))) {
            throw FitRequests.invalid("/target", "is a compute budget in FLOPs above 0, was " + target);
        }
        FitViews.Fit a = fits.get(first);
        FitViews.Fit b = fits.get(second);
        return new FitComparison(
                side(a),
                side(b),
                parameters(a, b),
                points(a, b),
                options(a, b),
                target == null ? null : new ComparedTargets(target, at(first, target), at(second, target)));
    }

    private static FitSide side(FitViews.Fit fit) {
        return new FitSide(
                fit.id(), fit.sweepId(), fit.method(), fit.status(), fit.level(), fit.inputHash(), fit.createdAt());
    }

    private static List<ComparedParameter> parameters(FitViews.Fit a, FitViews.Fit b) {
        Map<String, FitViews.Estimate> ofA = byName(a);
        Map<String, FitViews.Estimate> ofB = byName(b);
        return Stream.concat(ofA.keySet().stream(), ofB.keySet().stream())
                .distinct()
                .map(name -> {
                    FitViews.@Nullable Estimate one = ofA.get(name);
                    FitViews.@Nullable Estimate other = ofB.get(name);
                    return one == null || other == null
                            ? new ComparedParameter(name, one, other, null, null)
                            : new ComparedParameter(
                                    name,
                                    one,
                                    other,
                                    one.value() == 0 ? null : other.value() / one.value(),
                                    one.low() <= other.high() && other.low() <= one.high());
                })
                .toList();
    }

    private static Map<String, FitViews.Estimate> byName(FitViews.Fit fit) {
        Map<String, FitViews.Estimate> all = new LinkedHashMap<>();
        fit.parameters().forEach(p -> all.put(p.name(), p));
        return all;
    }

    private static ComparedPoints points(FitViews.Fit a, FitViews.Fit b) {
        Set<FitViews.Point> ofA = new HashSet<>(a.points());
        Set<FitViews.Point> ofB = new HashSet<>(b.points());
        return new ComparedPoints(
                (int) a.points().stream().filter(ofB::contains).count(),
                a.points().stream().filter(p -> !ofB.contains(p)).toList(),
                b.points().stream().filter(p -> !ofA.contains(p)).toList(),
                onlyIn(a.excluded(), b.excluded()),
                onlyIn(b.excluded(), a.excluded()));
    }

    private static List<FitViews.Excluded> onlyIn(List<FitViews.Excluded> these, List<FitViews.Excluded> others) {
        Set<Long> there = others.stream().map(FitViews.Excluded::runId).collect(Collectors.toSet());
        return these.stream().filter(e -> !there.contains(e.runId())).toList();
    }

    private static List<ComparedOption> options(FitViews.Fit a, FitViews.Fit b) {
        Set<String> names = new TreeSet<>(a.options().keySet());
        names.addAll(b.options().keySet());
        return names.stream()
                .map(name -> new ComparedOption(name, option(a, name), option(b, name)))
                .filter(o -> !Objects.equals(o.a(), o.b()))
                .toList();
    }

    /** Numbers by their value: a stored 1000 may come back as a whole number or not. */
    private static @Nullable String option(FitViews.Fit fit, String name) {
        @Nullable Object value = fit.options().get(name);
        if (value instanceof Number number) {
            double d = number.doubleValue();
            return d == Math.rint(d) && Math.abs(d) < 1e15 ? Long.toString((long) d) : Double.toString(d);
        }
        return value == null ? null : value.toString();
    }

    private ComparedTarget at(long fitId, double target) {
        @Nullable FittedLaw law = refits.law(fitId).law();
        if (law == null) {
            return new ComparedTarget(
                    null, null, new FitViews.Refusal("fit-refused", "The fit was refused, so it has no law."));
        }
        return switch (law.optimum(target)) {
            case FitOutcome.Refused<BudgetPrediction> refused ->
                new ComparedTarget(null, null, FitMapper.refusal(refused));
            case FitOutcome.Converged<BudgetPrediction>(BudgetPrediction p) ->
                new ComparedTarget(FitMapper.optimum(p), p.extrapolationRatio(), null);
        };
    }
}
