package dev.isoflop.scaling.report;

import dev.isoflop.scaling.diagnosis.Diagnosis;
import dev.isoflop.scaling.diagnosis.Finding;
import dev.isoflop.scaling.fit.BudgetPrediction;
import dev.isoflop.scaling.fit.Certificate;
import dev.isoflop.scaling.fit.Criterion;
import dev.isoflop.scaling.fit.Estimate;
import dev.isoflop.scaling.fit.FitOutcome;
import dev.isoflop.scaling.fit.JointDraws;
import dev.isoflop.scaling.fit.LawFit;
import dev.isoflop.scaling.fit.ParametricFit;
import dev.isoflop.scaling.fit.ParametricOptions;
import dev.isoflop.scaling.fit.ParametricResult;
import dev.isoflop.scaling.fit.Resamples;
import dev.isoflop.scaling.law.FitPoint;
import dev.isoflop.scaling.law.InputHash;
import dev.isoflop.scaling.law.Law;
import dev.isoflop.scaling.law.LawPoints;
import dev.isoflop.scaling.law.form.Chinchilla;
import dev.isoflop.scaling.law.form.Forms;
import dev.isoflop.scaling.report.FitReport.Evidence;
import dev.isoflop.scaling.report.FitReport.Refusal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/** Makes reports. Chinchilla's law has a fit of its own, the fastest there is, and a certificate; other forms take the general one. */
public final class FitReports {

    /** Approach 3, whatever the form. */
    public static final String METHOD = "parametric";

    private FitReports() {}

    /**
     * @throws IllegalArgumentException if there is no such law, or the points lack an input of it
     */
    public static FitReport of(List<FitPoint> points, FitSettings settings, int threads) {
        Law law = Forms.named(settings.law())
                .orElseThrow(() -> new IllegalArgumentException("there is no law '" + settings.law() + "'; there are "
                        + String.join(", ", Forms.all().stream().map(Law::name).toList())));
        long start = System.nanoTime();
        Found found = law instanceof Chinchilla
                ? chinchilla(points, settings, threads)
                : general(law, points, settings, threads);
        List<Finding> diagnostics = new ArrayList<>();
        if (found.loss != null) {
            double[] residuals = points.stream()
                    .mapToDouble(p -> Math.log(found.loss.applyAsDouble(p) / p.loss()))
                    .toArray();
            diagnostics.addAll(Diagnosis.of(
                    points, residuals, settings.delta(), settings.resampling() == ParametricOptions.Resampling.GROUPS));
        }
        return new FitReport(
                law.name(),
                law.formula(),
                METHOD,
                points.size(),
                settings.level(),
                InputHash.of(points, settings),
                java.util.Collections.unmodifiableMap(found.parameters),
                found.objective,
                found.certificate,
                found.refusal,
                found.optimum,
                found.excess,
                List.of(),
                List.copyOf(diagnostics),
                (System.nanoTime() - start) / 1e6);
    }

    /** @param loss that the law gives a point; null if the fit is refused */
    private record Found(
            Map<String, Estimate> parameters,
            double objective,
            @Nullable Evidence certificate,
            @Nullable Refusal refusal,
            @Nullable BudgetPrediction optimum,
            @Nullable Estimate excess,
            @Nullable ToDoubleFunction<FitPoint> loss) {

        static Found refused(FitOutcome.Refused<?> refused) {
            return new Found(new LinkedHashMap<>(), Double.NaN, null, Refusal.of(refused), null, null, null);
        }
    }

    private static Found chinchilla(List<FitPoint> points, FitSettings settings, int threads) {
        ParametricOptions options = ParametricOptions.defaults()
                .withHuberDelta(settings.delta())
                .withResamples(settings.resamples())
                .withResampling(settings.resampling())
                .withSeed(settings.seed())
                .withLevel(settings.level());
        FitOutcome<ParametricResult> outcome = ParametricFit.fit(points, options, threads);
        if (outcome instanceof FitOutcome.Refused<ParametricResult> refused) {
            return Found.refused(refused);
        }
        ParametricResult fit = outcome.orElseThrow();
        Map<String, Estimate> parameters = new LinkedHashMap<>();
        parameters.put("E", fit.E());
        parameters.put("A", fit.A());
        parameters.put("B", fit.B());
        parameters.put("alpha", fit.alpha());
        parameters.put("beta", fit.beta());
        parameters.put("a", fit.a());
        parameters.put("b", fit.b());
        Certificate certificate = Certificate.of(points, options, fit.law(), threads);
        Map<String, Double> numbers = new LinkedHashMap<>();
        numbers.put("cells", (double) certificate.cells());
        numbers.put("basins", (double) certificate.basins());
        numbers.put("lowest", certificate.lowest());
        numbers.put("nextBest", certificate.nextBest());
        numbers.put("alphaLow", certificate.alphaLow());
        numbers.put("alphaHigh", certificate.alphaHigh());
        numbers.put("betaLow", certificate.betaLow());
        numbers.put("betaHigh", certificate.betaHigh());
        FitOutcome<BudgetPrediction> optimum = settings.target() == null ? null : fit.predict(settings.target());
        return new Found(
                parameters,
                fit.objective(),
                new Evidence(certificate.global(), certificate.sentence(), numbers),
                optimum instanceof FitOutcome.Refused<BudgetPrediction> refused ? Refusal.of(refused) : null,
                optimum == null ? null : optimum.asOptional().orElse(null),
                optimum == null || !optimum.converged() || settings.resamples() == 0
                        ? null
                        : excess(fit.draws(optimum.orElseThrow().C()), settings.level()),
                p -> fit.law().loss(p.N(), p.D()));
    }

    private static Estimate excess(JointDraws draws, double level) {
        return draws.interval(draws.expectedExcess(), level, JointDraws.Draw::excess);
    }

    private static Found general(Law law, List<FitPoint> points, FitSettings settings, int threads) {
        Criterion criterion = new Criterion.HuberLog(settings.delta());
        LawPoints columns = LawPoints.of(points);
        FitOutcome<LawFit.Minimum> outcome = LawFit.minimum(law, columns, criterion, threads);
        if (outcome instanceof FitOutcome.Refused<LawFit.Minimum> refused) {
            return Found.refused(refused);
        }
        LawFit.Minimum minimum = outcome.orElseThrow();
        Resamples resamples = LawFit.resample(
                minimum, columns, criterion, settings.resampling(), settings.resamples(), settings.seed(), threads);
        Map<String, Estimate> parameters = new LinkedHashMap<>();
        for (int k = 0; k < minimum.values().length; k++) {
            int index = k;
            parameters.put(
                    resamples.names().get(k),
                    resamples.estimate(minimum.values()[k], settings.level(), row -> row[index]));
        }
        Map<String, Double> numbers = new LinkedHashMap<>();
        numbers.put("starts", (double) minimum.starts());
        numbers.put("startsAtMinimum", (double) minimum.agreeing());
        numbers.put("decrement", minimum.decrement());
        return new Found(
                parameters,
                minimum.objective(),
                new Evidence(
                        minimum.converged() && minimum.agreeing() > 1,
                        String.format(
                                Locale.ROOT,
                                "Of the %d most promising places to look from, %d led to this minimum and none lower.",
                                minimum.starts(),
                                minimum.agreeing()),
                        numbers),
                null,
                null,
                null,
                p -> minimum.loss(law.inputs().stream().mapToDouble(p::input).toArray()));
    }
}
