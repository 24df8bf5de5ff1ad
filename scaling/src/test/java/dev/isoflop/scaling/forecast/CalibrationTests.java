package dev.isoflop.scaling.forecast;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.scaling.Families;
import dev.isoflop.scaling.fit.FitOutcome;
import dev.isoflop.scaling.fit.ParametricFit;
import dev.isoflop.scaling.fit.ParametricOptions;
import dev.isoflop.scaling.law.ChinchillaLaw;
import dev.isoflop.scaling.law.FitPoint;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Intervals of 90 % on runs that were held out, 3 and 10 times as large as those fitted. The families are judged in two halves: those the constants were chosen on, and
 * the others, which had no say.
 */
class CalibrationTests {

    private static final int RESAMPLES = 60;
    /** Judged once for all tests. */
    private static final List<Judged> ALL = new ArrayList<>();

    /** One family at one ratio, as it is forecast and as a bootstrap of Chinchilla's law would have it. */
    private record Judged(String family, double ratio, Holdout holdout, List<double[]> plain) {

        /** Coverage and mean width of the plain interval with its deviation stretched. */
        double[] stretched(double factor) {
            double covered = 0;
            double width = 0;
            for (int i = 0; i < plain.size(); i++) {
                double log = Math.log(holdout.cases().get(i).point().loss());
                double half = factor * 1.6449 * plain.get(i)[1];
                covered += Math.abs(log - plain.get(i)[0]) <= half ? 1 : 0;
                width += 2 * half;
            }
            return new double[] {covered / plain.size(), width / plain.size()};
        }

        double plainError() {
            double sum = 0;
            for (int i = 0; i < plain.size(); i++) {
                sum += Math.abs(Math.log(holdout.cases().get(i).point().loss()) - plain.get(i)[0]);
            }
            return sum / plain.size();
        }
    }

    private static synchronized List<Judged> judged(boolean chosenOn) {
        if (ALL.isEmpty()) {
            Families.all().forEach((name, points) -> {
                for (double ratio : new double[] {3, 10}) {
                    if (Holdout.of(points, ratio, .9, RESAMPLES, 42, 2)
                            instanceof FitOutcome.Converged<Holdout>(Holdout held)) {
                        ALL.add(new Judged(name, ratio, held, plain(points, held)));
                    }
                }
            });
            record(ALL);
        }
        return ALL.stream()
                .filter(j -> Families.isChosenOn(j.family) == chosenOn)
                .toList();
    }

    /** The table of docs/benchmarks/forecast.md. */
    private static void record(List<Judged> all) {
        List<String> lines = new ArrayList<>();
        lines.add(
                "| family | half | Cmax / | fitted | held out | within | width | error | plain error | plain within |");
        lines.add("|---|---|---|---|---|---|---|---|---|---|");
        for (Judged j : all) {
            Holdout h = j.holdout;
            lines.add(String.format(
                    Locale.ROOT,
                    "| %s | %s | %.0f | %d | %d | %.2f | %.1f %% | %.2f %% | %.2f %% | %.2f |",
                    j.family,
                    Families.isChosenOn(j.family) ? "chosen on" : "other",
                    j.ratio,
                    h.fitted(),
                    h.cases().size(),
                    h.coverage(),
                    100 * h.meanWidth(),
                    100 * h.meanAbsoluteError(),
                    100 * j.plainError(),
                    j.stretched(1)[0]));
        }
        try {
            Files.write(Path.of("target", "forecast.md"), lines);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Log loss and its deviation by a case bootstrap of Chinchilla's law, residuals added: what is usual. */
    private static List<double[]> plain(List<FitPoint> points, Holdout held) {
        List<FitPoint> fitted = points.stream()
                .filter(p -> held.cases().stream().noneMatch(c -> c.point() == p))
                .toList();
        ParametricOptions options = ParametricOptions.defaults().withResamples(RESAMPLES);
        ChinchillaLaw law =
                ParametricFit.minimum(fitted, options, 2).orElseThrow().law();
        List<double[]> rows = ParametricFit.resample(fitted, options, 2, law).rows();
        double squares = 0;
        for (FitPoint p : fitted) {
            squares += Math.pow(Math.log(law.loss(p.N(), p.D()) / p.loss()), 2);
        }
        double noise = squares / (fitted.size() - 5);
        List<double[]> out = new ArrayList<>();
        for (Holdout.Case c : held.cases()) {
            double[] logs = rows.stream()
                    .mapToDouble(r -> Math.log(new ChinchillaLaw(r[0], r[1], r[2], r[3], r[4])
                            .loss(c.point().N(), c.point().D())))
                    .toArray();
            double mean = java.util.Arrays.stream(logs).average().orElseThrow();
            double variance = java.util.Arrays.stream(logs)
                    .map(l -> (l - mean) * (l - mean))
                    .average()
                    .orElseThrow();
            out.add(new double[] {Math.log(law.loss(c.point().N(), c.point().D())), Math.sqrt(variance + noise)});
        }
        return out;
    }

    private static double mean(List<Judged> all, java.util.function.ToDoubleFunction<Judged> of) {
        return all.stream().mapToDouble(of).average().orElseThrow();
    }

    private static double pooled(List<Judged> all) {
        return all.stream()
                .flatMap(j -> j.holdout.cases().stream())
                .mapToInt(c -> c.covered() ? 1 : 0)
                .average()
                .orElseThrow();
    }

    @ParameterizedTest(name = "families the constants were chosen on: {0}")
    @ValueSource(booleans = {true, false})
    void intervalsCoverWhatTheySay(boolean chosenOn) {
        List<Judged> families = judged(chosenOn);

        assertThat(families).hasSizeGreaterThan(20);
        assertThat(pooled(families)).isBetween(.85, .95);
        assertThat(mean(families, j -> j.holdout.coverage())).isBetween(.85, .95);
    }

    /** What is usual, stretched by one factor until it covers as much, is several times as wide; and its middle is further off. */
    @ParameterizedTest(name = "families the constants were chosen on: {0}")
    @ValueSource(booleans = {true, false})
    void intervalsAreSharperThanTheBootstrapStretched(boolean chosenOn) {
        List<Judged> families = judged(chosenOn);
        double coverage = mean(families, j -> j.holdout.coverage());
        double factor = 1;
        while (mean(families, j -> j.stretched(j.ratio * 0 + 1)[0]) < coverage
                && stretchedCoverage(families, factor) < coverage) {
            factor += .05;
        }
        double stretch = factor;
        double usual = mean(families, j -> j.stretched(stretch)[1]);
        double ours = mean(families, j -> j.holdout.meanWidth());
        double error = mean(families, j -> j.holdout.meanAbsoluteError());
        double plainError = mean(families, Judged::plainError);
        System.out.printf(
                Locale.ROOT,
                "%s: coverage %.3f (points %.3f); width %.4f, stretched bootstrap (x %.2f) %.4f; error %.4f, plain %.4f; plain coverage %.3f%n",
                chosenOn ? "chosen on" : "others",
                coverage,
                pooled(families),
                ours,
                stretch,
                usual,
                error,
                plainError,
                stretchedCoverage(families, 1));

        assertThat(stretchedCoverage(families, 1)).as("as they come").isLessThan(.8);
        assertThat(ours).isLessThan(usual / 3);
        assertThat(error).isLessThan(plainError / 2);
    }

    private static double stretchedCoverage(List<Judged> families, double factor) {
        return mean(families, j -> j.stretched(factor)[0]);
    }

    @Test
    void withinThePointsAForecastIsTheLawAndItsNoise() {
        ChinchillaLaw law = new ChinchillaLaw(1.8, 480, 2100, .35, .37);
        List<FitPoint> points = new ArrayList<>();
        java.util.Random random = new java.util.Random(3);
        for (double n = 1e7; n < 3e9; n *= 2) {
            for (double each = 2; each < 200; each *= 2) {
                points.add(FitPoint.of(n, n * each, law.loss(n, n * each) * Math.exp(.002 * random.nextGaussian())));
            }
        }

        LossForecast forecast = LossForecast.of(points, 100, 42, 2).orElseThrow();

        LossForecast.Spread spread = forecast.spread(1e9, 2e10);
        assertThat(spread.distance()).isZero();
        assertThat(spread.noise()).isBetween(.0014, .0026);
        assertThat(spread.total()).isLessThan(.01);
        LossForecast.Spread far = forecast.spread(1e11, 2e12);
        assertThat(far.distance()).isGreaterThan(.04);
        assertThat(far.law()).isGreaterThan(spread.law());
    }
}
