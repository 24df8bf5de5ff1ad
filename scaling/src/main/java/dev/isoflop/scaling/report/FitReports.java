package dev.isoflop.scaling.report;

import dev.isoflop.scaling.diagnosis.Diagnosis;
import dev.isoflop.scaling.diagnosis.Finding;
import dev.isoflop.scaling.fit.BudgetPrediction;
import dev.isoflop.scaling.fit.Certificate;
import dev.isoflop.scaling.fit.Criterion;
import dev.isoflop.scaling.fit.DataConstrainedFit;
import dev.isoflop.scaling.fit.Estimate;
import dev.isoflop.scaling.fit.FitOutcome;
import dev.isoflop.scaling.fit.JointDraws;
import dev.isoflop.scaling.fit.LawFit;
import dev.isoflop.scaling.fit.ParametricFit;
import dev.isoflop.scaling.fit.ParametricOptions;
import dev.isoflop.scaling.fit.ParametricResult;
import dev.isoflop.scaling.fit.Resamples;
import dev.isoflop.scaling.law.ChinchillaLaw;
import dev.isoflop.scaling.law.FitPoint;
import dev.isoflop.scaling.law.InputHash;
import dev.isoflop.scaling.law.Law;
import dev.isoflop.scaling.law.LawPoints;
import dev.isoflop.scaling.law.form.Chinchilla;
import dev.isoflop.scaling.law.form.DataConstrained;
import dev.isoflop.scaling.law.form.DataConstrainedJoint;
import dev.isoflop.scaling.law.form.Forms;
import dev.isoflop.scaling.report.FitReport.Evidence;
import dev.isoflop.scaling.report.FitReport.Refusal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/** Makes reports. Chinchilla's law has a fit of its own, the fastest there is, and a certificate; other forms take the general one. */
public final class FitReports {

    /** Approach 3, whatever the form. */
    public static final String METHOD = "parametric";

    /** Where the law of fresh data came from. */
    private static final String FRESH = "fresh-law";
    /** A decay so many times what any run has is none. */
    private static final double BEYOND = 10;

    private FitReports() {}

    /**
     * @throws IllegalArgumentException if there is no such law, or the points lack an input of it
     */
    public static FitReport of(List<FitPoint> points, FitSettings settings, int threads) {
        long start = System.nanoTime();
        Found found = found(points, settings, threads);
        List<Finding> diagnostics = new ArrayList<>(found.notes);
        if (found.loss != null) {
            double[] residuals = points.stream()
                    .mapToDouble(p -> Math.log(found.loss.applyAsDouble(p) / p.loss()))
                    .toArray();
            diagnostics.addAll(Diagnosis.of(
                    points, residuals, settings.delta(), settings.resampling() == ParametricOptions.Resampling.GROUPS));
        }
        return new FitReport(
                found.law,
                found.formula,
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

    private static Found found(List<FitPoint> points, FitSettings settings, int threads) {
        if (settings.law().equals(DataConstrained.NAME + ":" + DataConstrained.OWN)) {
            return twoSteps(points, settings, threads);
        }
        Law law = Forms.named(settings.law())
                .orElseThrow(() -> new IllegalArgumentException("there is no law '" + settings.law() + "'; there are "
                        + String.join(", ", Forms.all().stream().map(Law::name).toList())));
        return switch (law) {
            case Chinchilla chinchilla -> chinchilla(chinchilla, points, settings, threads);
            case DataConstrainedJoint joint -> jointly(joint, points, settings, threads);
            case DataConstrained given ->
                general(law, points, settings, threads).about(given.fresh());
            default -> general(law, points, settings, threads);
        };
    }

    /**
     * @param law name of the form
     * @param notes what to know about it, from how it was fitted
     * @param loss that the law gives a point; null if the fit is refused
     */
    private record Found(
            String law,
            String formula,
            List<Finding> notes,
            Map<String, Estimate> parameters,
            double objective,
            @Nullable Evidence certificate,
            @Nullable Refusal refusal,
            @Nullable BudgetPrediction optimum,
            @Nullable Estimate excess,
            @Nullable ToDoubleFunction<FitPoint> loss) {

        static Found refused(String law, String formula, FitOutcome.Refused<?> refused) {
            return new Found(
                    law,
                    formula,
                    List.of(),
                    new LinkedHashMap<>(),
                    Double.NaN,
                    null,
                    Refusal.of(refused),
                    null,
                    null,
                    null);
        }

        Found with(Finding note) {
            return new Found(
                    law, formula, List.of(note), parameters, objective, certificate, refusal, optimum, excess, loss);
        }

        /** With the law of fresh data that was given. */
        Found about(ChinchillaLaw fresh) {
            if (refusal != null) {
                return this;
            }
            Map<String, Estimate> all = new LinkedHashMap<>(parameters);
            List<String> names = List.of("E", "A", "B", "alpha", "beta");
            double[] values = {fresh.E(), fresh.A(), fresh.B(), fresh.alpha(), fresh.beta()};
            for (int k = 0; k < values.length; k++) {
                all.put(names.get(k), Estimate.alone(values[k]));
            }
            Finding given = new Finding(
                    FRESH, "The law of fresh data was given; the intervals of RD* and RN* hold it fixed.", Map.of());
            return new Found(law, formula, List.of(given), all, objective, certificate, refusal, optimum, excess, loss);
        }
    }

    private static Found chinchilla(Chinchilla law, List<FitPoint> points, FitSettings settings, int threads) {
        ParametricOptions options = ParametricOptions.defaults()
                .withHuberDelta(settings.delta())
                .withResamples(settings.resamples())
                .withResampling(settings.resampling())
                .withSeed(settings.seed())
                .withLevel(settings.level());
        FitOutcome<ParametricResult> outcome = ParametricFit.fit(points, options, threads);
        if (outcome instanceof FitOutcome.Refused<ParametricResult> refused) {
            return Found.refused(law.name(), law.formula(), refused);
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
                law.name(),
                law.formula(),
                List.of(),
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
            return Found.refused(law.name(), law.formula(), refused);
        }
        LawFit.Minimum minimum = outcome.orElseThrow();
        Resamples resamples = LawFit.resample(
                minimum, columns, criterion, settings.resampling(), settings.resamples(), settings.seed(), threads);
        return general(List.of(), minimum, resamples, settings);
    }

    /** Decays and law of fresh data in one fit. */
    private static Found jointly(DataConstrainedJoint law, List<FitPoint> points, FitSettings settings, int threads) {
        long repeating = points.stream()
                .filter(p -> !DataConstrainedFit.repeatsNothing(p))
                .count();
        if (repeating == 0) {
            return Found.refused(
                    DataConstrained.NAME, DataConstrained.FORMULA, DataConstrainedFit.nothingRepeated(points));
        }
        Found found = general(law, points, settings, threads);
        if (found.refusal != null) {
            return found;
        }
        double[] values = law.coefficients().stream()
                .mapToDouble(c ->
                        Objects.requireNonNull(found.parameters.get(c.name())).value())
                .toArray();
        ChinchillaLaw fresh = DataConstrainedJoint.fresh(values);
        long excessive = DataConstrainedFit.excessive(points, fresh);
        double most = DataConstrainedFit.mostExcess(points, fresh);
        String models = excessive == 0
                ? "none has more parameters than its data suffice for, so nothing tells RN*"
                : values[1] > BEYOND * most
                        ? excessive
                                + " have more parameters than their data suffice for, up to %.3g times as many, and show no loss of worth: RN* may be any large number"
                                        .formatted(most + 1)
                        : excessive + " have more parameters than their data suffice for and tell RN*";
        Finding source = new Finding(
                FRESH,
                String.format(
                        Locale.ROOT,
                        "One fit of all %d runs: %d repeat their data and tell RD*; %s.",
                        points.size(),
                        repeating,
                        models),
                Map.of("runs", (double) points.size(), "repeating", (double) repeating, "excessive", (double)
                        excessive));
        return found.with(source);
    }

    /** The decays about the law of those of the runs that repeat nothing. */
    private static Found twoSteps(List<FitPoint> points, FitSettings settings, int threads) {
        FitOutcome<DataConstrainedFit.Result> outcome = DataConstrainedFit.of(
                points, settings.delta(), settings.resampling(), settings.resamples(), settings.seed(), threads);
        if (outcome instanceof FitOutcome.Refused<DataConstrainedFit.Result> refused) {
            return Found.refused(DataConstrained.NAME, DataConstrained.FORMULA, refused);
        }
        DataConstrainedFit.Result fit = outcome.orElseThrow();
        int lost = (int) fit.resamples().rows().stream()
                .filter(row -> Double.isNaN(row[0]))
                .count();
        StringBuilder sentence = new StringBuilder(String.format(
                Locale.ROOT,
                "The law of fresh data is that of the %d of %d runs that repeat nothing (D <= U)%s",
                fit.freshRuns(),
                points.size(),
                settings.resamples() == 0 ? "." : "; each draw fits it anew."));
        if (lost > 0) {
            sentence.append(String.format(
                    Locale.ROOT,
                    " %d of %d draws had too few of those and count to both ends of the intervals.",
                    lost,
                    settings.resamples()));
        }
        if (fit.excessive() > 0) {
            sentence.append(String.format(
                    Locale.ROOT,
                    " %d of the runs have more parameters than that law says their data suffice for: they count in full in it and discounted in this one, which pulls RN* up.",
                    fit.excessive()));
        }
        Finding source = new Finding(
                FRESH,
                sentence.toString(),
                Map.of(
                        "runs",
                        (double) fit.freshRuns(),
                        "excessive",
                        (double) fit.excessive(),
                        "drawsWithTooFew",
                        (double) lost));
        ChinchillaLaw fresh = fit.fresh();
        return general(
                List.of(source),
                fit.minimum(),
                fit.resamples(),
                settings,
                fresh.E(),
                fresh.A(),
                fresh.B(),
                fresh.alpha(),
                fresh.beta());
    }

    /** @param further values of what was drawn beside the minimum's coefficients */
    private static Found general(
            List<Finding> notes, LawFit.Minimum minimum, Resamples resamples, FitSettings settings, double... further) {
        Map<String, Estimate> parameters = new LinkedHashMap<>();
        int own = minimum.values().length;
        for (int k = 0; k < own + further.length; k++) {
            int index = k;
            parameters.put(
                    resamples.names().get(k),
                    resamples.estimate(
                            k < own ? minimum.values()[k] : further[k - own], settings.level(), row -> row[index]));
        }
        Map<String, Double> numbers = new LinkedHashMap<>();
        numbers.put("starts", (double) minimum.starts());
        numbers.put("startsAtMinimum", (double) minimum.agreeing());
        numbers.put("decrement", minimum.decrement());
        Law law = minimum.law();
        return new Found(
                law.name(),
                law.formula(),
                notes,
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
