package dev.isoflop.cli.sweepfile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import org.junit.jupiter.api.Test;

class LocatedYamlTests {

    private static SweepFileException.Complaint refused(String text) {
        return catchThrowableOfType(SweepFileException.class, () -> LocatedYaml.parse(text))
                .complaints()
                .getFirst();
    }

    @Test
    void numbersAreNumbersHoweverTheyAreWritten() throws SweepFileException {
        LocatedYaml yaml = LocatedYaml.parse("{a: 3e10, b: 1.5e+11, c: 128, d: 0.01, e: '5', f: true, g: ~, h: 1e-8}");
        assertThat(yaml.tree().path("a").asDouble()).isEqualTo(3e10);
        assertThat(yaml.tree().path("a").isNumber()).isTrue();
        assertThat(yaml.tree().path("b").asDouble()).isEqualTo(1.5e11);
        assertThat(yaml.tree().path("c").isIntegralNumber()).isTrue();
        assertThat(yaml.tree().path("d").asDouble()).isEqualTo(0.01);
        assertThat(yaml.tree().path("e").isString()).isTrue();
        assertThat(yaml.tree().path("f").isBoolean()).isTrue();
        assertThat(yaml.tree().path("g").isNull()).isTrue();
        assertThat(yaml.tree().path("h").asDouble()).isEqualTo(1e-8);
    }

    @Test
    void everyValueKnowsItsLine() throws SweepFileException {
        LocatedYaml yaml = LocatedYaml.parse("a: 1\nb:\n  - c: 2\n    d: 3\n  - {c: 4}\n");
        assertThat(yaml.line("/a")).isEqualTo(1);
        assertThat(yaml.line("/b/0/d")).isEqualTo(4);
        assertThat(yaml.line("/b/1/c")).isEqualTo(5);
        assertThat(yaml.line("/b/1/missing")).isEqualTo(5);
    }

    @Test
    void aFieldGivenTwiceIsRefusedWithBothLines() {
        assertThat(refused("a: 1\nb: 2\na: 3\n").toString()).contains("line 3").contains("line 1");
    }

    @Test
    void brokenYamlIsRefusedWithItsLine() {
        assertThat(refused("a: 1\nb: [1, 2\nc: 3\n").line()).isPositive();
        assertThat(refused("").text()).contains("empty");
    }
}
