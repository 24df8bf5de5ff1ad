package dev.isoflop.scaling.report;

import dev.isoflop.scaling.diagnosis.Finding;
import dev.isoflop.scaling.fit.BudgetFit;
import dev.isoflop.scaling.fit.BudgetPrediction;
import dev.isoflop.scaling.fit.Estimate;
import dev.isoflop.scaling.fit.FitOutcome;
import dev.isoflop.scaling.fit.IsoFlopFit;
import dev.isoflop.scaling.fit.IsoFlopLaws;
import dev.isoflop.scaling.fit.IsoFlopOptions;
import dev.isoflop.scaling.fit.IsoFlopResult;
import dev.isoflop.scaling.fit.Parabola;
import dev.isoflop.scaling.fit.PowerLaw;
import dev.isoflop.scaling.isoflop.Envelope;
import dev.isoflop.scaling.isoflop.Protocol;
import dev.isoflop.scaling.isoflop.ProtocolFit;
import dev.isoflop.scaling.law.FitPoint;
import dev.isoflop.scaling.law.InputHash;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.commons.math3.distribution.NormalDistribution;
import org.jspecify.annotations.Nullable;

/** Reports of approaches 1 and 2, which know the optimum of each budget and no surface. */
public final class OptimumReports {

    public static final String ISOFLOP = "isoflop";
    public static final String ENVELOPE = "envelope";
    /** Parabolas with intervals from their residuals, vertices weighed by them. */
    public static final String OURS = "isoflop";

    private static final String LAW = "optimum";
    private static final String FORMULA = "N* = k C^a, D* = k' C^b";

    private OptimumReports() {}

    /** What the hash of a report is over, beside the points. */
    public record Key(String method, OptimumSettings settings) {}

    /** Names of the protocols of approach 2, ours first. */
    public static List<String> protocols() {
        return Stream.concat(Stream.of(OURS), Protocol.all().stream().map(Protocol::name))
                .toList();
    }

    /** @throws IllegalArgumentException if there is no such protocol */
    public static FitReport isoFlop(List<FitPoint> points, OptimumSettings settings) {
        long start = System.nanoTime();
        if (settings.protocol().equals(OURS)) {
            return ours(points, settings, start);
        }
        Protocol protocol = Protocol.named(settings.protocol())
                .orElseThrow(() -> new IllegalArgumentException("there is no protocol '" + settings.protocol()
                        + "'; there are " + String.join(", ", protocols())));
        FitOutcome<ProtocolFit.Result> outcome = ProtocolFit.fit(points, protocol, settings.level());
        String method = ISOFLOP + " (" + protocol.name() + ": " + protocol.source() + ")";
        if (outcome instanceof FitOutcome.Refused<ProtocolFit.Result> refused) {
            return report(
                    points,
                    settings,
                    method,
                    Map.of(),
                    FitReport.Refusal.of(refused),
                    null,
                    List.of(),
                    List.of(),
                    start);
        }
        ProtocolFit.Result fit = outcome.orElseThrow();
        double z = new NormalDistribution().inverseCumulativeProbability(0.5 + settings.level() / 2);
        Double target = settings.target();
        return report(
                points,
                settings,
                method,
                parameters(fit.N(), fit.D()),
                null,
                target == null ? null : optimum(target, fit.optimumN(target, settings.level()), points),
                fit.optima().stream()
                        .map(o -> new BudgetOptimum(
                                o.C(),
                                o.logNSd() == 0
                                        ? Estimate.alone(o.N())
                                        : new Estimate(
                                                o.N(),
                                                Math.exp(o.logN() - z * o.logNSd()),
                                                Math.exp(o.logN() + z * o.logNSd()))))
                        .toList(),
                fit.left().stream()
                        .map(left -> without(left.C(), left.sentence()))
                        .toList(),
                start);
    }

    private static FitReport ours(List<FitPoint> points, OptimumSettings settings, long start) {
        IsoFlopResult fit = IsoFlopFit.fit(
                points,
                IsoFlopOptions.defaults()
                        .withResamples(Math.max(100, settings.resamples()))
                        .withSeed(settings.seed())
                        .withLevel(settings.level()));
        List<Finding> findings = new ArrayList<>();
        List<BudgetOptimum> optima = new ArrayList<>();
        for (BudgetFit budget : fit.budgets()) {
            switch (budget.parabola()) {
                case FitOutcome.Refused<Parabola> refused -> findings.add(without(budget.C(), refused.sentence()));
                case FitOutcome.Converged<Parabola>(Parabola parabola) ->
                    optima.add(new BudgetOptimum(budget.C(), parabola.optimumN()));
            }
        }
        if (fit.laws() instanceof FitOutcome.Refused<IsoFlopLaws> refused) {
            return report(
                    points, settings, ISOFLOP, Map.of(), FitReport.Refusal.of(refused), null, optima, findings, start);
        }
        IsoFlopLaws laws = fit.laws().orElseThrow();
        Double target = settings.target();
        FitOutcome<BudgetPrediction> optimum = target == null ? null : laws.predict(target);
        if (optimum instanceof FitOutcome.Refused<BudgetPrediction> refused) {
            findings.add(new Finding("far-target", refused.sentence(), refused.numbers()));
        }
        Map<String, Estimate> parameters = parameters(laws.N(), laws.D());
        parameters.put("loss floor", laws.lossFloor());
        return report(
                points,
                settings,
                ISOFLOP,
                parameters,
                null,
                optimum == null ? null : optimum.asOptional().orElse(null),
                optima,
                findings,
                start);
    }

    /** Approach 1; without intervals, which its publishers give by drawing curves anew. */
    public static FitReport envelope(List<FitPoint> points, OptimumSettings settings) {
        long start = System.nanoTime();
        Envelope envelope;
        try {
            envelope = Envelope.of(points);
        } catch (IllegalArgumentException e) {
            return report(
                    points,
                    settings,
                    ENVELOPE,
                    Map.of(),
                    null,
                    null,
                    List.of(),
                    List.of(new Finding("no-frontier", "There is no frontier: " + e.getMessage() + ".", Map.of())),
                    start);
        }
        Double target = settings.target();
        return report(
                points,
                settings,
                ENVELOPE,
                parameters(
                        new PowerLaw(Estimate.alone(Math.exp(envelope.logKN())), Estimate.alone(envelope.aN())),
                        new PowerLaw(Estimate.alone(Math.exp(envelope.logKD())), Estimate.alone(envelope.aD()))),
                null,
                target == null
                        ? null
                        : optimum(
                                target,
                                Estimate.alone(Math.exp(envelope.logKN() + envelope.aN() * Math.log(target))),
                                points),
                envelope.corners().stream()
                        .map(p -> new BudgetOptimum(p.C(), Estimate.alone(p.N())))
                        .toList(),
                List.of(new Finding(
                        "frontier",
                        String.format(
                                Locale.ROOT,
                                "%d of %d points are corners of the frontier. It is drawn through the luckiest runs, so its losses are too low by about their noise.",
                                envelope.corners().size(),
                                points.size()),
                        Map.of("corners", (double) envelope.corners().size()))),
                start);
    }

    private static Map<String, Estimate> parameters(PowerLaw n, PowerLaw d) {
        Map<String, Estimate> out = new LinkedHashMap<>();
        out.put("a", n.exponent());
        out.put("b", d.exponent());
        out.put("k", n.coefficient());
        out.put("k'", d.coefficient());
        return out;
    }

    /** Of a method that says nothing of the loss. */
    private static BudgetPrediction optimum(double target, Estimate n, List<FitPoint> points) {
        double c6 = target / 6;
        double largest = points.stream().mapToDouble(FitPoint::C).max().orElseThrow();
        Estimate none = Estimate.alone(Double.NaN);
        Estimate square = n.isFinite()
                ? new Estimate(n.value() * n.value(), n.low() * n.low(), n.high() * n.high())
                : Estimate.alone(n.value() * n.value());
        return new BudgetPrediction(
                target,
                n,
                n.under(c6),
                square.under(c6),
                none,
                none,
                target / largest,
                target > largest,
                target > BudgetPrediction.FAR * largest);
    }

    private static Finding without(double c, String sentence) {
        return new Finding("budget-without-optimum", sentence, Map.of("C", c));
    }

    private static FitReport report(
            List<FitPoint> points,
            OptimumSettings settings,
            String method,
            Map<String, Estimate> parameters,
            FitReport.@Nullable Refusal refusal,
            @Nullable BudgetPrediction optimum,
            List<BudgetOptimum> optima,
            List<Finding> findings,
            long start) {
        return new FitReport(
                LAW,
                FORMULA,
                method,
                points.size(),
                settings.level(),
                InputHash.of(points, new Key(method, settings)),
                parameters,
                Double.NaN,
                null,
                refusal,
                optimum,
                null,
                List.copyOf(optima),
                findings,
                (System.nanoTime() - start) / 1e6);
    }
}
