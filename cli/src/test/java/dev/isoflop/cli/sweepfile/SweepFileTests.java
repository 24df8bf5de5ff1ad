package dev.isoflop.cli.sweepfile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class SweepFileTests {

    private static final String GOOD = """
            kind: isoflop
            name: mine
            experiment: default
            dataset: {corpus: corpus.txt, vocabSize: 512}
            models:
              - {name: d16, dModel: 16, layers: 2, heads: 2}
            budgets:
              - {flops: 3e10, batchSequences: 2}
            training:
              learningRate: 0.01
              schedule: COSINE
            """;

    private static List<String> complaints(String text) {
        SweepFileException e = catchThrowableOfType(SweepFileException.class, () -> SweepFile.parse(text));
        assertThat(e).as("refused: " + text).isNotNull();
        return e.complaints().stream().map(Object::toString).toList();
    }

    @Test
    void aGoodFilePasses() throws Exception {
        assertThat(SweepFile.parse(GOOD).path("name").asString()).isEqualTo("mine");
    }

    @Test
    void everyExampleIsValid() throws Exception {
        Path examples = Path.of(System.getProperty("isoflop.root", "..")).resolve("examples");
        try (Stream<Path> files = Files.list(examples)) {
            List<Path> all = files.filter(f -> f.toString().endsWith(".yaml")).toList();
            assertThat(all).isNotEmpty();
            for (Path file : all) {
                assertThat(SweepFile.read(file)).as(file.toString()).isNotEmpty();
            }
        }
    }

    @Test
    void anUnknownFieldIsNamedWithItsLineAndTheNearestValidOne() {
        assertThat(complaints(GOOD.replace("learningRate", "learning_rate")))
                .singleElement()
                .asString()
                .contains("line 10")
                .contains("/training/learning_rate")
                .contains("did you mean learningRate?");
    }

    @Test
    void anUnknownFieldInAListIsLocated() {
        assertThat(complaints(GOOD.replace("batchSequences: 2", "batchSequences: 2, modles: [d16]")))
                .singleElement()
                .asString()
                .contains("line 8")
                .contains("/budgets/0/modles")
                .contains("did you mean models?");
    }

    @Test
    void aWrongTypeSaysWhatWasExpected() {
        assertThat(complaints(GOOD.replace("layers: 2", "layers: two")))
                .singleElement()
                .asString()
                .contains("line 6")
                .contains("/models/0/layers")
                .contains("\"two\"")
                .contains("expected a whole number");
    }

    @Test
    void aBudgetOfZeroIsRefused() {
        assertThat(complaints(GOOD.replace("3e10", "0")))
                .singleElement()
                .asString()
                .contains("/budgets/0/flops")
                .contains("expected");
    }

    @Test
    void aMissingFieldIsNamed() {
        assertThat(complaints(GOOD.replace("name: mine\n", "")))
                .anySatisfy(c -> assertThat(c).contains("/name").contains("missing"));
    }

    @Test
    void aWrongChoiceListsTheChoices() {
        assertThat(complaints(GOOD.replace("COSINE", "COSIN")))
                .singleElement()
                .asString()
                .contains("/training/schedule")
                .contains("did you mean COSINE?");
    }

    @Test
    void severalMistakesAreToldAtOnceInOrderOfTheirLines() {
        List<String> all = complaints(GOOD.replace("layers: 2", "layers: two").replace("schedule", "shedule"));
        assertThat(all).hasSize(2);
        assertThat(all.getFirst()).contains("line 6");
        assertThat(all.getLast()).contains("line 11");
    }
}
