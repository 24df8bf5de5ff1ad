package dev.isoflop.cli.sweepfile;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NearestNameTests {

    private static final List<String> FIELDS =
            List.of("name", "learningRate", "batchSequences", "budgets", "models", "warmupFraction", "seed");

    @ParameterizedTest
    @CsvSource({
        "learning_rate, learningRate",
        "learningrate, learningRate",
        "lerningRate, learningRate",
        "batch_sequences, batchSequences",
        "budget, budgets",
        "warmup, warmupFraction",
        "sed, seed"
    })
    void findsWhatWasMeant(String given, String meant) {
        assertThat(NearestName.of(given, FIELDS)).contains(meant);
    }

    @Test
    void suggestsNothingForAWordOfItsOwn() {
        assertThat(NearestName.of("colour", FIELDS)).isEmpty();
    }
}
