package dev.isoflop.scaling.forecast;

import static org.assertj.core.api.Assertions.assertThat;

import dev.isoflop.scaling.Families;
import dev.isoflop.scaling.fit.FitOutcome;
import dev.isoflop.scaling.forecast.LossForecast.Combination;
import dev.isoflop.scaling.law.ChinchillaLaw;
import dev.isoflop.scaling.law.FitPoint;
import dev.isoflop.scaling.law.form.Kaplan;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;

/**
 * Whether forms chosen or weighed by rollouts forecast runs 3 and 10 times as large better than the fixed weights. On made-up surfaces they do; on published families they do
 * not, which is why the fixed weights are the default.
 */
class FormTrialTests {

    private static final int RESAMPLES = 60;

    /** One set at one ratio, by each combination; where there are too few budgets for rollouts, the fixed one stands in. */
    private record Tried(String set, double ratio, Map<Combination, Holdout> by) {

        double error(Combination how) {
            return by(how).meanAbsoluteError();
        }

        Holdout by(Combination how) {
            return java.util.Objects.requireNonNull(by.get(how));
        }
    }

    private static List<Tried> tried(Map<String, List<FitPoint>> sets) {
        List<Tried> out = new ArrayList<>();
        sets.forEach((name, points) -> {
            for (double ratio : new double[] {3, 10}) {
                if (Holdout.of(points, ratio, .9, RESAMPLES, 42, 2)
                        instanceof FitOutcome.Converged<Holdout>(Holdout fixed)) {
                    Map<Combination, Holdout> by = new EnumMap<>(Combination.class);
                    for (Combination how : Combination.values()) {
                        by.put(
                                how,
                                how == Combination.FIXED
                                        ? fixed
                                        : Holdout.of(points, ratio, how, .9, RESAMPLES, 42, 2)
                                                .asOptional()
                                                .orElse(fixed));
                    }
                    out.add(new Tried(name, ratio, by));
                }
            }
        });
        return out;
    }

    private static double error(List<Tried> all, Combination how) {
        return all.stream().mapToDouble(t -> t.error(how)).average().orElseThrow();
    }

    private static double coverage(List<Tried> all, Combination how) {
        return all.stream().mapToDouble(t -> t.by(how).coverage()).average().orElseThrow();
    }

    private static Map<String, List<FitPoint>> families(Predicate<String> which) {
        Map<String, List<FitPoint>> out = new LinkedHashMap<>(Families.all());
        out.keySet().removeIf(which.negate());
        return out;
    }

    @Test
    void onMadeUpSurfacesRolloutsHelp() throws IOException {
        Map<String, List<FitPoint>> surfaces = new LinkedHashMap<>();
        for (int seed = 0; seed < 32; seed++) {
            surfaces.put("surface " + seed, surface(new Random(seed), seed % 4));
        }
        List<Tried> all = tried(surfaces);
        record("made-up", all);

        assertThat(all).hasSize(64);
        assertThat(error(all, Combination.STACKED)).isLessThan(.8 * error(all, Combination.FIXED));
        assertThat(error(all, Combination.SELECTED)).isLessThan(.8 * error(all, Combination.FIXED));
    }

    /** If this fails, rollouts have become better than the fixed weights, and the default should be thought over. */
    @Test
    void onPublishedFamiliesTheFixedWeightsStay() throws IOException {
        List<Tried> chosenOn = tried(families(Families::isChosenOn));
        List<Tried> others = tried(families(name -> !Families.isChosenOn(name)));
        record("chosen-on", chosenOn);
        record("others", others);

        assertThat(others).hasSizeGreaterThan(20);
        assertThat(error(others, Combination.FIXED)).isLessThan(error(others, Combination.STACKED));
        assertThat(error(others, Combination.STACKED)).isLessThan(error(others, Combination.SELECTED));
        assertThat(error(chosenOn, Combination.FIXED)).isLessThan(error(chosenOn, Combination.STACKED));
    }

    /** The tables of docs/benchmarks/forecast.md. */
    private static void record(String half, List<Tried> all) throws IOException {
        List<String> lines = new ArrayList<>();
        for (Combination how : Combination.values()) {
            lines.add(String.format(
                    Locale.ROOT,
                    "%s, %s: mean absolute error %.2f %%, root mean square over splits %.2f %%, better than fixed in %d of %d, coverage %.1f %%",
                    half,
                    how,
                    100 * error(all, how),
                    100
                            * Math.sqrt(all.stream()
                                    .mapToDouble(t -> t.error(how) * t.error(how))
                                    .average()
                                    .orElseThrow()),
                    all.stream()
                            .filter(t -> t.error(how) < t.error(Combination.FIXED))
                            .count(),
                    all.size(),
                    100 * coverage(all, how)));
        }
        for (Tried t : all) {
            lines.add(String.format(
                    Locale.ROOT,
                    "| %s | %.0f | %.2f %% | %.2f %% | %.2f %% |",
                    t.set,
                    t.ratio,
                    100 * t.error(Combination.FIXED),
                    100 * t.error(Combination.STACKED),
                    100 * t.error(Combination.SELECTED)));
        }
        lines.forEach(System.out::println);
        Files.write(Path.of("target", "forms-" + half + ".md"), lines);
    }

    /** 6 to 8 budgets of seven sizes, of a law that is Chinchilla's, Kaplan's, in between, or Chinchilla's with short runs too high. */
    private static List<FitPoint> surface(Random random, int kind) {
        ChinchillaLaw law = new ChinchillaLaw(
                1.4 + random.nextDouble(),
                200 + 800 * random.nextDouble(),
                500 + 3000 * random.nextDouble(),
                .28 + .15 * random.nextDouble(),
                .28 + .15 * random.nextDouble());
        double noise = .001 + .004 * random.nextDouble();
        double bend = .5 + random.nextDouble();
        double excess = .05 * random.nextDouble();
        double[] kaplan = {6e13, 2e13, .06 + .2 * (law.alpha() - .28), .08 + .26 * (law.beta() - .28)};
        int budgets = 6 + random.nextInt(3);
        List<FitPoint> points = new ArrayList<>();
        for (int b = 0; b < budgets; b++) {
            double c = 1e18 * Math.pow(3, b);
            for (int i = -3; i <= 3; i++) {
                double n = law.optimum(c).N() * Math.pow(1.6, i + random.nextDouble());
                double d = c / 6 / n;
                double model = law.A() * Math.pow(n, -law.alpha());
                double data = law.B() * Math.pow(d, -law.beta());
                double loss = switch (kind) {
                    case 0 -> law.loss(n, d);
                    case 1 -> new Kaplan().loss(kaplan, n, d);
                    case 2 -> law.E() + Math.pow(Math.pow(model, 1 / bend) + Math.pow(data, 1 / bend), bend);
                    default -> law.loss(n, d) * (1 + excess * Math.pow(d / 1e9, -.5));
                };
                points.add(FitPoint.of(n, d, loss * Math.exp(noise * random.nextGaussian())));
            }
        }
        return points;
    }
}
