package dev.isoflop.scaling.fit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.isoflop.scaling.fit.ParametricOptions.Resampling;
import dev.isoflop.scaling.law.ChinchillaLaw;
import dev.isoflop.scaling.law.FitPoint;
import dev.isoflop.scaling.law.LawPoints;
import dev.isoflop.scaling.law.form.Chinchilla;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ResidualBootstrapTests {

    private static final ParametricOptions OPTIONS = ParametricOptions.defaults()
            .withHuberDelta(.02)
            .withResampling(Resampling.RESIDUALS)
            .withResamples(300);

    private static List<FitPoint> points(double noise, long seed) {
        ChinchillaLaw law = new ChinchillaLaw(1.82, 478, 2143, .347, .367);
        Random random = new Random(seed);
        List<FitPoint> points = new ArrayList<>();
        for (double n = 1e7; n < 5e9; n *= 2.2) {
            for (double each = 2; each < 300; each *= 2.2) {
                points.add(FitPoint.of(n, n * each, law.loss(n, n * each) * Math.exp(noise * random.nextGaussian())));
            }
        }
        return points;
    }

    private static double sd(List<double[]> rows, int k) {
        double mean = rows.stream().mapToDouble(r -> r[k]).average().orElseThrow();
        return Math.sqrt(rows.stream()
                .mapToDouble(r -> (r[k] - mean) * (r[k] - mean))
                .average()
                .orElseThrow());
    }

    private static List<double[]> rows(List<FitPoint> points, ParametricOptions options) {
        ChinchillaLaw law =
                ParametricFit.minimum(points, options, 1).orElseThrow().law();
        return ParametricFit.resample(points, options, 2, law).rows();
    }

    /** On a full grid with noise that is alike everywhere, both are right, so they agree; and both with fits to noise that is drawn anew. */
    @Test
    void agreesWithCasesAndWithTheTruthWhereNoiseIsAlike() {
        double[] truth = new double[40];
        for (int i = 0; i < truth.length; i++) {
            truth[i] = ParametricFit.minimum(points(.004, 100 + i), OPTIONS, 1)
                    .orElseThrow()
                    .law()
                    .alpha();
        }
        double mean = java.util.Arrays.stream(truth).average().orElseThrow();
        double real = Math.sqrt(java.util.Arrays.stream(truth)
                .map(a -> (a - mean) * (a - mean))
                .average()
                .orElseThrow());

        double residuals = sd(rows(points(.004, 1), OPTIONS), 3);
        double cases = sd(rows(points(.004, 1), OPTIONS.withResampling(Resampling.POINTS)), 3);

        assertThat(residuals / real).isBetween(.7, 1.4);
        assertThat(residuals / cases).isBetween(.75, 1.35);
    }

    /** Two fits, one written for this law and one for any, of the very same draws. */
    @Test
    void theGeneralFitDrawsTheSame() {
        List<FitPoint> points = points(.004, 1);
        ParametricOptions few = OPTIONS.withResamples(20);
        LawPoints columns = LawPoints.of(points);
        Criterion criterion = new Criterion.HuberLog(.02);
        LawFit.Minimum minimum =
                LawFit.minimum(new Chinchilla(), columns, criterion, 2).orElseThrow();

        List<double[]> general = LawFit.resample(minimum, columns, criterion, Resampling.RESIDUALS, 20, few.seed(), 2)
                .rows();
        List<double[]> special = rows(points, few);

        for (int i = 0; i < 20; i++) {
            assertThat(general.get(i)[3]).isCloseTo(special.get(i)[3], within(1e-5));
            assertThat(general.get(i)[4]).isCloseTo(special.get(i)[4], within(1e-5));
        }
    }

    @Test
    void withoutNoiseThereIsNothingToDraw() {
        for (double[] row : rows(points(0, 1), OPTIONS.withResamples(20))) {
            assertThat(row[0]).isCloseTo(1.82, within(1e-6));
            assertThat(row[3]).isCloseTo(.347, within(1e-6));
        }
    }

    @Test
    void residualsAreNotCases() {
        assertThatThrownBy(() -> ParametricFit.draws(points(.01, 1), OPTIONS))
                .hasMessageContaining("residuals are no cases");
    }
}
