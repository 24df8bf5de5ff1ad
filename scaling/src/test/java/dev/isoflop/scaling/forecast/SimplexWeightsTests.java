package dev.isoflop.scaling.forecast;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SimplexWeightsTests {

    @Test
    void theMeanOfTwoErrorsThatCancelIsFound() {
        // errors of +1 and -2 at every point: two thirds and one third leave nothing
        double[] w = SimplexWeights.minimum(new double[][] {{1 + 1e-9, -2}, {-2, 4 + 1e-9}}, new double[2]);

        assertThat(w).containsExactly(new double[] {2 / 3.0, 1 / 3.0}, within(1e-6));
    }

    @Test
    void aWeightThatWouldBeNegativeIsZero() {
        // the same errors, one twice the other: the better alone
        double[] w = SimplexWeights.minimum(new double[][] {{1 + 1e-9, 2}, {2, 4 + 1e-9}}, new double[2]);

        assertThat(w).containsExactly(1, 0);
    }

    /** First-order conditions of a convex problem (Karush, Kuhn, Tucker): slopes are equal where weights are positive, and no lower where they are zero. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void slopesAreEqualWhereWeightsArePositive(long seed) {
        Random random = new Random(seed);
        int k = 2 + random.nextInt(6);
        double[][] errors = new double[9][k];
        double[][] q = new double[k][k];
        double[] c = new double[k];
        for (double[] row : errors) {
            java.util.Arrays.setAll(row, i -> random.nextGaussian());
        }
        for (int i = 0; i < k; i++) {
            c[i] = .3 * random.nextGaussian();
            for (int j = 0; j < k; j++) {
                for (double[] row : errors) {
                    q[i][j] += row[i] * row[j];
                }
            }
            q[i][i] += .01;
        }

        double[] w = SimplexWeights.minimum(q, c);

        assertThat(java.util.Arrays.stream(w).sum()).isCloseTo(1, within(1e-12));
        double level = Double.NaN;
        for (int i = 0; i < k; i++) {
            level = w[i] > 1e-9 ? slope(q, c, w, i) : level;
        }
        for (int i = 0; i < k; i++) {
            assertThat(w[i]).isNotNegative();
            double slope = slope(q, c, w, i);
            assertThat(w[i] > 1e-9 ? Math.abs(slope - level) : level - slope).isLessThan(1e-9);
        }
    }

    private static double slope(double[][] q, double[] c, double[] w, int i) {
        double sum = -c[i];
        for (int j = 0; j < w.length; j++) {
            sum += q[i][j] * w[j];
        }
        return sum;
    }

    @Test
    void whatIsNotFiniteHasNoMinimum() {
        assertThatThrownBy(() -> SimplexWeights.minimum(new double[][] {{Double.NaN}}, new double[1]))
                .hasMessageContaining("not finite");
        assertThatThrownBy(() -> SimplexWeights.minimum(new double[13][13], new double[13]))
                .hasMessageContaining("1 to 12");
    }
}
