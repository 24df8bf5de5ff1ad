package dev.isoflop.cli.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class ScriptTests {

    @Test
    void aSeedAlwaysGivesTheSameScriptAndAnotherSeedAnother() {
        assertThat(Script.of(7, 60_000, 4)).isEqualTo(Script.of(7, 60_000, 4)).isNotEqualTo(Script.of(8, 60_000, 4));
    }

    @Test
    void threeMinutesHaveEveryKindOfDisturbance() {
        List<Script.Entry> script = Script.of(1, 180_000, 4);
        Set<Class<?>> kinds = script.stream().map(e -> e.what().getClass()).collect(Collectors.toSet());
        assertThat(kinds).containsExactlyInAnyOrder(Disturbance.class.getPermittedSubclasses());
        assertThat(script).isSortedAccordingTo((a, b) -> Long.compare(a.atMillis(), b.atMillis()));
        assertThat(script).allMatch(e -> e.atMillis() < 180_000);
    }
}
