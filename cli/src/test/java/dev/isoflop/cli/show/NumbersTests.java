package dev.isoflop.cli.show;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NumbersTests {

    @ParameterizedTest
    @CsvSource({"7, 7", "999, 999", "1000, 1.00k", "35780, 35.8k", "999600, 1.00M", "2169856, 2.17M", "NaN, –"})
    void countsAreShort(double value, String text) {
        assertThat(Numbers.count(value)).isEqualTo(text);
    }

    @ParameterizedTest
    @CsvSource({"3e10, 3e10", "1.25e11, 1.25e11", "1e13, 1e13", "0, 0"})
    void powersKeepTheirExponent(double value, String text) {
        assertThat(Numbers.power(value)).isEqualTo(text);
    }

    @ParameterizedTest
    @CsvSource({"42, 42 s", "190, 3 min 10 s", "7500, 2 h 5 min", "NaN, –"})
    void durationsReadLikeSpeech(double seconds, String text) {
        assertThat(Numbers.duration(seconds)).isEqualTo(text);
    }
}
