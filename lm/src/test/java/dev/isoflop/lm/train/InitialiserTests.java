package dev.isoflop.lm.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.isoflop.lm.model.ModelSpec;
import dev.isoflop.lm.model.ParameterLayout;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ForkJoinPool;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class InitialiserTests {

    private static final ModelSpec TIED = new ModelSpec(700, 64, 96, 3, 4, 2, 256, 10_000, 1e-5, true, true);
    private static final ModelSpec UNTIED = new ModelSpec(700, 64, 96, 3, 4, 2, 256, 10_000, 1e-5, false, true);

    private static float[] initial(ModelSpec spec, long seed) {
        ParameterLayout layout = new ParameterLayout(spec);
        float[] parameters = new float[layout.length()];
        Initialiser.initialise(spec, layout, seed, parameters);
        return parameters;
    }

    private static double[] normals(long seed, int count) {
        Normals normals = new Normals(seed);
        double[] x = new double[count];
        for (int i = 0; i < count; i++) {
            x[i] = normals.next();
        }
        return x;
    }

    /** Φ(x) by Marsaglia's series (2004), exact to the last digits for |x| < 7. */
    private static double normalCdf(double x) {
        double sum = x;
        double term = x;
        for (int i = 3; sum + term != sum; i += 2) {
            term *= x * x / i;
            sum += term;
        }
        return 0.5 + sum * Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI);
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, -7, Long.MIN_VALUE})
    void momentsAreThoseOfANormal(long seed) {
        int n = 1_000_000;
        double[] x = normals(seed, n);
        double[] power = new double[5];
        for (double v : x) {
            for (int p = 1; p < 5; p++) {
                power[p] += Math.pow(v, p) / n;
            }
        }
        // five standard errors: of x^p it is √((2p - 1)!! - ((p - 1)!!)² for even p) / √n
        double five = 5 / Math.sqrt(n);
        assertThat(power[1]).isCloseTo(0, within(five));
        assertThat(power[2]).isCloseTo(1, within(five * Math.sqrt(2)));
        assertThat(power[3]).isCloseTo(0, within(five * Math.sqrt(15)));
        assertThat(power[4]).isCloseTo(3, within(five * Math.sqrt(96)));
    }

    @Test
    void theShareBeyondEachBoundIsThatOfANormal() {
        double[] bounds = {0.5, 1, 2, 3, 3.6, 3.7, 4, 4.5};
        int n = 10_000_000;
        int[] above = new int[bounds.length];
        int[] below = new int[bounds.length];
        Normals normals = new Normals(11);
        for (int i = 0; i < n; i++) {
            double x = normals.next();
            for (int b = 0; b < bounds.length; b++) {
                above[b] += x > bounds[b] ? 1 : 0;
                below[b] += x < -bounds[b] ? 1 : 0;
            }
        }
        for (int b = 0; b < bounds.length; b++) {
            double expected = n * (1 - normalCdf(bounds[b]));
            double five = 5 * Math.sqrt(expected);
            assertThat((double) above[b]).as("above " + bounds[b]).isCloseTo(expected, within(five));
            assertThat((double) below[b]).as("below " + bounds[b]).isCloseTo(expected, within(five));
        }
    }

    @Test
    void theDistributionIsNormalByKolmogorovAndSmirnov() {
        double[] x = normals(5, 1_000_000);
        Arrays.sort(x);
        double largest = 0;
        for (int i = 0; i < x.length; i++) {
            double cdf = normalCdf(x[i]);
            largest = Math.max(largest, Math.max(cdf - (double) i / x.length, (i + 1.0) / x.length - cdf));
        }
        // passed by a true normal but once in a thousand
        assertThat(largest * Math.sqrt(x.length)).isLessThan(1.95);
    }

    @Test
    void neighboursAreNotCorrelated() {
        double[] x = normals(9, 1_000_000);
        for (int lag = 1; lag <= 3; lag++) {
            double sum = 0;
            for (int i = lag; i < x.length; i++) {
                sum += x[i] * x[i - lag];
            }
            assertThat(sum / x.length).as("lag " + lag).isCloseTo(0, within(5 / Math.sqrt(x.length)));
        }
    }

    @Test
    void numbersLieBeyondTheEdgeOfTheLayersAndAreNotAllTheSame() {
        Set<Double> beyond = new HashSet<>();
        for (double x : normals(3, 1_000_000)) {
            if (Math.abs(x) > Normals.EDGE) {
                beyond.add(x);
            }
        }
        // 258 are expected
        assertThat(beyond).hasSizeBetween(180, 340);
    }

    @Test
    void everyTensorHasItsStandardDeviation() {
        ParameterLayout layout = new ParameterLayout(UNTIED);
        float[] parameters = initial(UNTIED, 4);
        Map<ParameterLayout.Kind, Double> expected = new HashMap<>();
        for (ParameterLayout.Tensor t : layout.tensors()) {
            double sum = 0;
            double squares = 0;
            for (int i = t.offset(); i < t.offset() + t.length(); i++) {
                sum += parameters[i];
                squares += (double) parameters[i] * parameters[i];
            }
            double std = switch (t.kind()) {
                case NORM -> 1; // all are 1
                case EMBEDDING -> 0.02;
                case HEAD, PROJECTION -> 1 / Math.sqrt(t.columns());
                case RESIDUAL_PROJECTION -> 1 / Math.sqrt(6.0 * t.columns());
            };
            expected.put(t.kind(), std);
            double n = t.length();
            double error = t.kind() == ParameterLayout.Kind.NORM ? 1e-12 : 5 / Math.sqrt(n);
            assertThat(Math.sqrt(squares / n) / std).as(t.name()).isCloseTo(1, within(error));
            if (t.kind() != ParameterLayout.Kind.NORM) {
                assertThat(sum / n / std).as(t.name()).isCloseTo(0, within(error));
            }
        }
        assertThat(expected).hasSize(ParameterLayout.Kind.values().length);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 7})
    void anyNumberOfThreadsGivesTheSameBits(int threads) throws Exception {
        float[] common = initial(UNTIED, 4);
        try (ForkJoinPool pool = new ForkJoinPool(threads)) {
            float[] own = pool.submit(() -> initial(UNTIED, 4)).get();
            assertThat(Arrays.equals(own, common)).isTrue();
        }
        assertThat(Arrays.equals(initial(UNTIED, 5), common)).isFalse();
    }

    @Test
    void aTiedModelHasTheOtherTensorsOfAnUntiedOne() {
        float[] tied = initial(TIED, 4);
        float[] untied = initial(UNTIED, 4);
        ParameterLayout layout = new ParameterLayout(UNTIED);
        for (ParameterLayout.Tensor t : new ParameterLayout(TIED).tensors()) {
            int at = layout.tensor(t.name()).offset();
            assertThat(Arrays.equals(tied, t.offset(), t.offset() + t.length(), untied, at, at + t.length()))
                    .as(t.name())
                    .isTrue();
        }
    }

    @Test
    void blocksOfATensorHaveNumbersOfTheirOwn() {
        float[] parameters = initial(UNTIED, 4);
        Set<Float> first = new HashSet<>();
        // of the embedding's two first blocks
        for (int i = 0; i < 100; i++) {
            assertThat(parameters[i]).isNotEqualTo(parameters[32_768 + i]);
            first.add(parameters[i]);
        }
        assertThat(first).hasSizeGreaterThan(98);
    }

    @Test
    void aSeedGivesTheSameWeightsForEver() {
        // what users' runs begin from: changes only with a note in the changelog
        assertThat(Arrays.hashCode(initial(TIED, 1234))).isEqualTo(-747512524);
    }
}
