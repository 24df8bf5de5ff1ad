package dev.isoflop.evals.stats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.Test;

class StatisticsTests {

    @Test
    void meanAndStandardErrorOfAKnownSample() {
        double[] values = {2, 4, 4, 4, 5, 5, 7, 9};

        assertThat(Statistics.mean(values)).isEqualTo(5);
        // sample variance 32/7
        assertThat(Statistics.standardError(values)).isCloseTo(Math.sqrt(32.0 / 7 / 8), within(1e-15));
        assertThat(Statistics.standardError(new double[] {1})).isNaN();
        assertThatThrownBy(() -> Statistics.mean(new double[0])).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void normalQuantilesHaveAllTheirDigits() {
        assertThat(Normal.quantile(0.5)).isZero();
        assertThat(Normal.quantile(0.975)).isCloseTo(1.959963984540054, within(2e-15));
        assertThat(Normal.quantile(0.995)).isCloseTo(2.5758293035489004, within(4e-15));
        assertThat(Normal.quantile(0.8)).isCloseTo(0.8416212335729143, within(2e-15));
        assertThat(Normal.quantile(1e-10)).isCloseTo(-6.361340902404056, within(1e-13));
        assertThat(Normal.quantile(1e-15)).isCloseTo(-7.941345326170997, within(1e-12));
    }

    @Test
    void wilsonGivesThePublishedIntervals() {
        // Newcombe 1998, table I, method 3
        assertInterval(Statistics.wilson(81, 263, 0.95), 0.2553, 0.3662);
        assertInterval(Statistics.wilson(15, 148, 0.95), 0.0624, 0.1605);
        assertInterval(Statistics.wilson(0, 20, 0.95), 0.0000, 0.1611);
        assertInterval(Statistics.wilson(1, 29, 0.95), 0.0061, 0.1718);
        assertThat(Statistics.wilson(20, 20, 0.95).high()).isEqualTo(1);
        assertThatThrownBy(() -> Statistics.wilson(3, 2, 0.95)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void bootstrapOfAMeanAgreesWithItsNormalInterval() {
        Random random = new Random(1);
        double[] values = new double[400];
        for (int i = 0; i < values.length; i++) {
            values[i] = 3 + random.nextGaussian();
        }

        Interval interval = Statistics.bootstrap(values, Statistics::mean, 4000, 0.95, 9);

        double mean = Statistics.mean(values);
        double half = 1.96 * Statistics.standardError(values);
        assertThat(interval.value()).isEqualTo(mean);
        assertThat(interval.low()).isCloseTo(mean - half, within(0.08 * half));
        assertThat(interval.high()).isCloseTo(mean + half, within(0.08 * half));
        assertThat(Statistics.bootstrap(values, Statistics::mean, 4000, 0.95, 9))
                .isEqualTo(interval);
        assertThat(Statistics.bootstrap(values, Statistics::mean, 4000, 0.95, 10))
                .isNotEqualTo(interval);
    }

    @Test
    void pairingRemovesWhatTheItemsHaveInCommon() {
        Random random = new Random(2);
        double[] first = new double[200];
        double[] second = new double[200];
        for (int i = 0; i < 200; i++) {
            double item = 10 * random.nextGaussian();
            first[i] = item + 0.5 + 0.1 * random.nextGaussian();
            second[i] = item + 0.1 * random.nextGaussian();
        }

        Interval difference = Statistics.bootstrapPairedDifference(first, second, 2000, 0.95, 3);

        assertThat(difference.low()).isGreaterThan(0.45);
        assertThat(difference.high()).isLessThan(0.55);
    }

    @Test
    void blocksOfOneGiveTheUsualStandardError() {
        double[] values = {1, 5, 2, 8, 3};
        BlockedMean blocked = new BlockedMean();
        for (int i = 0; i < values.length; i++) {
            blocked.add(i, values[i], 1);
        }

        assertThat(blocked.mean()).isCloseTo(Statistics.mean(values), within(1e-15));
        assertThat(blocked.standardError()).isCloseTo(Statistics.standardError(values), within(1e-15));
    }

    @Test
    void itemsAlikeWithinABlockDoNotMakeTheMeanMoreCertain() {
        BlockedMean blocked = new BlockedMean();
        BlockedMean repeated = new BlockedMean();
        double[] values = {1, 5, 2, 8, 3};
        for (int b = 0; b < values.length; b++) {
            blocked.add(b, values[b], 1);
            for (int i = 0; i < 100; i++) {
                repeated.add(b, values[b], 1);
            }
        }

        assertThat(repeated.standardError()).isCloseTo(blocked.standardError(), within(1e-12));
    }

    private static void assertInterval(Interval interval, double low, double high) {
        assertThat(interval.low()).isCloseTo(low, within(5e-5));
        assertThat(interval.high()).isCloseTo(high, within(5e-5));
    }
}
